"""How strongly labels speak for an alignment: agreement, and the number of false alarms."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import gammaln, logsumexp

from irtd_fast.geometry.align_model import Float, centres, map_boxes
from irtd_fast.geometry.align_search import Bool, Candidate, Index, tolerances
from irtd_fast.geometry.align_windows import Box

_LEAST_SPREAD = 0.7  # of log sides: persons near and far differ by a factor of two at least


def agreement(
    infrared: Float, visible: Float, matches: Index, windows: tuple[Box, Box], compatible: Bool
) -> tuple[tuple[int, int], float]:  # fmt: skip
    """Count the objects that both frames should show, and the share of them that match.

    A box counts where it lies wholly in its frame's window (what the window cuts, the other frame's
    label does not show whole) and some box of the other frame could be its partner at all (a
    category that is labelled in one frame only says nothing).

    Returns:
        ((infrared, visible) boxes that should have a partner, matches over the smaller number).
    """
    own = _inside(infrared, windows[0]) & compatible.any(axis=1)
    other = _inside(visible, windows[1]) & compatible.any(axis=0)
    own[matches[:, 0]] = True
    other[matches[:, 1]] = True
    shown = int(own.sum()), int(other.sum())
    return shown, len(matches) / max(1, min(shown))


def _inside(boxes: Float, window: Box) -> Bool:
    low, high = np.array(window[:2]), np.array(window[2:])
    return np.asarray((boxes[:, :2] >= low).all(axis=1) & (boxes[:, 2:] <= high).all(axis=1))


def false_alarms(
    candidate: Candidate, infrared: Float, visible: Float, compatible: Bool,
    shown: tuple[int, int], visible_size: tuple[int, int], noise: float, *, searched: bool,
) -> float:  # fmt: skip
    """Expected number of solutions with as many matches if visible boxes were strewn at random.

    Under the background model each visible box lies anywhere in the spread of the visible boxes
    (not in the whole frame: people stand on one pavement) and has any side in the spread of sides.
    A solution is fixed by two matches; the others agree by chance with probability p each:
    (ways to choose two matches) x P(Binomial(n - 2, p) >= k - 2). With a prior nothing is chosen.

    Returns:
        The number; infinite without matches.
    """
    count = len(candidate.matches)
    if count == 0:
        return math.inf
    chance = _chance(candidate, infrared, visible, visible_size, noise)
    fewer, more = min(shown), max(shown)
    single = 1.0 - (1.0 - chance) ** more
    fixed = min(2, count) if searched else 0
    log_ways = 0.0
    if searched:
        log_ways = math.log(_ways(compatible, fixed))
    return math.exp(min(700.0, log_ways + _log_tail(fewer - fixed, count - fixed, single)))


def _ways(compatible: Bool, matches: int) -> float:
    """Ways to choose one match, or two that share no box."""
    pairs = float(compatible.sum())
    if matches == 1:
        return pairs
    rows, columns = compatible.sum(axis=1, dtype=float), compatible.sum(axis=0, dtype=float)
    sharing = float((rows**2).sum() + (columns**2).sum()) - pairs
    return max(1.0, (pairs**2 - sharing) / 2)


def _chance(
    candidate: Candidate, infrared: Float, visible: Float, visible_size: tuple[int, int],
    noise: float,
) -> float:  # fmt: skip
    """Probability that one random box fits one mapped box within the tolerance."""
    tolerance = float(tolerances(np.array(candidate.fit.scale), noise))
    mapped = map_boxes(candidate.fit.matrix, infrared[candidate.matches[:, 0]])
    mid, sides = centres(visible), np.log(visible[:, 2:] - visible[:, :2])
    count = len(visible)
    frame = np.array([visible_size[1], visible_size[0]], np.float64)
    if count >= 3:  # the range of a sample is (n - 1) / (n + 1) of a uniform one's
        spread = np.ptp(mid, axis=0) * (count + 1) / (count - 1)
        lengths = np.ptp(sides, axis=0) * (count + 1) / (count - 1)
    else:
        spread, lengths = frame / 2, np.zeros(2)
    spread = np.clip(spread, frame / 16, frame)
    lengths = np.maximum(lengths, _LEAST_SPREAD)
    place = np.minimum(1.0, 2 * tolerance / spread)
    mean_side = np.exp(np.log(mapped[:, 2:] - mapped[:, :2]).mean(axis=0))
    shape = np.minimum(1.0, 2 * (2 * tolerance / mean_side) / lengths)
    return float(place.prod() * shape.prod())


def _log_tail(trials: int, least: int, p: float) -> float:
    """Logarithm of P(Binomial(trials, p) >= least)."""
    if least <= 0:
        return 0.0
    if least > trials or p <= 0:
        return -math.inf if p <= 0 else 0.0
    if p >= 1:
        return 0.0
    k = np.arange(least, trials + 1)
    terms = (
        gammaln(trials + 1) - gammaln(k + 1) - gammaln(trials - k + 1)
        + k * math.log(p) + (trials - k) * math.log1p(-p)
    )  # fmt: skip
    return float(logsumexp(terms))
