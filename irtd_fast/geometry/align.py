"""Align a pair by its labels: semantic cropping between an infrared and a visible frame.

Infrared and visible cameras have different fields of view. Boxes of both frames that show the same
objects say how one maps to the other; the windows that both frames share are then cut out and both
label sets follow (the pair alignment of IRGPT, ICCV 2025, done robustly).

Labels are wrong and missing, so a solution must explain most of what both frames should show, and
its matches must be more than chance: the expected number of chance solutions as good as it (the
number of false alarms of a-contrario methods; Moisan and Stival, IJCV 57, 2004) is bounded. What
does not pass is refused or called weak, with the reason; nothing is guessed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irtd_fast.geometry.align_evidence import agreement, false_alarms
from irtd_fast.geometry.align_model import (
    LEAST_MATCHES,
    MODELS,
    Float,
    ModelName,
    map_boxes,
)
from irtd_fast.geometry.align_search import Candidate, Index, rivals, search
from irtd_fast.geometry.align_windows import Box, area, common_windows

Verdict = Literal["good", "weak", "refused"]
Size = tuple[int, int]


@dataclass(frozen=True)
class AlignOptions:
    """What an alignment may be, and what it takes to be called good.

    Attributes:
        model: ``translation``, ``scale`` (one scale and a shift), ``scale_xy``, ``similarity``
            or ``affine``; with fewer or more regular matches than it needs, ``scale`` is fitted.
        label_noise: Standard deviation of a label's edge in pixels, in either frame.
        scale_range: Visible pixels for one infrared pixel that are possible.
        min_matches: Matches of a good alignment; fewer make it weak at best.
        min_agreement: Share of the objects that both frames should show (of the frame with fewer)
            that must be matched.
        max_false_alarms: Largest expected number of chance solutions of a good alignment.
        max_corner_error: Largest standard error of the infrared window's corners, as a share of
            the diagonal of its image; beyond twice it the alignment is refused.
        max_rival: Largest score of a different solution, as a share of the best one's.
        hypotheses: Tried at most.
        seed: Of the random draw among more hypotheses than that.
    """

    model: ModelName = "scale"
    label_noise: float = 2.0
    scale_range: tuple[float, float] = (0.2, 5.0)
    min_matches: int = 3
    min_agreement: float = 0.5
    max_false_alarms: float = 0.05
    max_corner_error: float = 0.03
    max_rival: float = 0.8
    hypotheses: int = 2000
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the values."""
        if self.model not in MODELS:
            raise ValueError(f"model must be one of {', '.join(MODELS)}, found {self.model!r}")
        low, high = self.scale_range
        if not 0 < low < high < math.inf:
            raise ValueError(f"scale_range must be 0 < low < high, found {self.scale_range}")
        positive = ("label_noise", "max_false_alarms", "max_corner_error")
        for name in positive:
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be positive, found {getattr(self, name)}")
        if self.min_matches < 1 or self.hypotheses < 1:
            raise ValueError("min_matches and hypotheses must be at least 1")
        for name in ("min_agreement", "max_rival"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be 0 to 1, found {getattr(self, name)}")


@dataclass(frozen=True)
class PairAlignment:
    """How one pair fits together.

    Attributes:
        verdict: ``good``: the matches prove it. ``weak``: the best reading of too few labels.
            ``refused``: no reading, or one that must not be used; the numbers say what was found.
        reason: Why it is not good, or what makes it so.
        matrix: (2, 3) float64, infrared to visible pixel edges; NaN if there is none.
        infrared_window: What both frames show, xyxy in infrared pixels (zeros if refused for
            want of any reading).
        visible_window: The same content in visible pixels.
        matches: (k, 2) int64, indices into the infrared and the visible boxes.
        residual: Root mean square over the matches' edges, visible pixels; NaN without matches.
        corner_error: Predicted standard error of the window's corners, visible pixels.
        overlap: Share of the infrared frame that the visible frame shows, 0..1.
        agreement: Share of the objects that both should show (of the frame with fewer) that match.
        false_alarms: Expected number of chance solutions as good as this one.
    """

    verdict: Verdict
    reason: str
    matrix: Float = field(default_factory=lambda: np.full((2, 3), np.nan))
    infrared_window: Box = (0.0, 0.0, 0.0, 0.0)
    visible_window: Box = (0.0, 0.0, 0.0, 0.0)
    matches: Index = field(default_factory=lambda: np.zeros((0, 2), np.int64))
    residual: float = math.nan
    corner_error: float = math.nan
    overlap: float = 0.0
    agreement: float = 0.0
    false_alarms: float = math.inf

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able data; numbers that JSON lacks become ``None``."""
        numbers = ("residual", "corner_error", "overlap", "agreement", "false_alarms")
        values = {name: getattr(self, name) for name in numbers}
        return {
            "verdict": self.verdict, "reason": self.reason,
            "matrix": [[v if math.isfinite(v) else None for v in row] for row in
                       self.matrix.tolist()],
            "infrared_window": list(self.infrared_window),
            "visible_window": list(self.visible_window), "matches": self.matches.tolist(),
            **{name: v if math.isfinite(v) else None for name, v in values.items()},
        }  # fmt: skip


def align_pair(
    infrared: ArrayLike,
    visible: ArrayLike,
    *,
    infrared_size: Size,
    visible_size: Size,
    infrared_categories: Sequence[object] | None = None,
    visible_categories: Sequence[object] | None = None,
    infrared_identities: Sequence[int] | None = None,
    visible_identities: Sequence[int] | None = None,
    prior: ArrayLike | None = None,
    options: AlignOptions | None = None,
) -> PairAlignment:
    """Find how an infrared frame lies in its visible partner, from the labels of both.

    Boxes that are no boxes (not finite, empty or inverted) take no part. Equal input gives equal
    output.

    Args:
        infrared: (n, 4) boxes, xyxy edges in infrared pixels; from masks, the components' boxes.
        visible: (m, 4) boxes in visible pixels.
        infrared_size: (height, width) of the infrared picture.
        visible_size: (height, width) of the visible picture.
        infrared_categories: One a box; with ``visible_categories``, only equal ones match.
        visible_categories: One a box.
        infrared_identities: One a box, negative for unknown; known ones match only each other.
        visible_identities: One a box.
        prior: (2, 3) matrix that the rig is believed to have: where the labels agree with it, one
            match is enough for ``good``.
        options: Model and thresholds.

    Raises:
        ValueError: Shapes or lengths do not fit, or a size is not positive.
    """
    options = options or AlignOptions()
    a, b = _boxes(infrared, "infrared"), _boxes(visible, "visible")
    for name, size in (("infrared_size", infrared_size), ("visible_size", visible_size)):
        if len(size) != 2 or min(size) < 1:
            raise ValueError(f"{name} must be (height, width), both positive, found {size}")
    compatible = _compatible(
        (a, infrared_categories, infrared_identities), (b, visible_categories, visible_identities)
    )
    usable_a, usable_b = _usable(a), _usable(b)
    compatible &= usable_a[:, None] & usable_b[None, :]
    if not compatible.any():
        return PairAlignment("refused", _nothing(usable_a, usable_b))
    rig = None if prior is None else _matrix(prior)
    keep_a, keep_b = np.flatnonzero(usable_a), np.flatnonzero(usable_b)
    a, b, compatible = a[keep_a], b[keep_b], compatible[np.ix_(keep_a, keep_b)]
    candidates = search(
        a, b, compatible, model=options.model, noise=options.label_noise,
        scale_range=options.scale_range, hypotheses=options.hypotheses,
        rng=np.random.default_rng(options.seed), prior=rig,
    )  # fmt: skip
    if not candidates:
        reason = "no scale and shift in range makes a box of one frame fit one of the other"
        return PairAlignment("refused", reason)
    judged = _Judge(a, b, compatible, infrared_size, visible_size, options, rig)
    result = judged.judge(candidates)
    back = np.stack([keep_a[result.matches[:, 0]], keep_b[result.matches[:, 1]]], axis=1)
    return _with_matches(result, back)


def _with_matches(result: PairAlignment, matches: Index) -> PairAlignment:
    values = {name: getattr(result, name) for name in result.__dataclass_fields__}
    return PairAlignment(**{**values, "matches": matches})


@dataclass(frozen=True)
class _Judge:
    infrared: Float
    visible: Float
    compatible: NDArray[np.bool_]
    infrared_size: Size
    visible_size: Size
    options: AlignOptions
    prior: Float | None

    def judge(self, candidates: list[Candidate]) -> PairAlignment:
        """Measure the best candidate (or the one that the prior supports) and say what it is."""
        on_rig = [c for c in candidates if self._agrees_with_prior(c)]
        best = on_rig[0] if on_rig else candidates[0]
        ordered = [best, *(c for c in candidates if c is not best)]
        matrix = best.fit.matrix
        windows = common_windows(matrix, self.infrared_size, self.visible_size)
        if area(windows[0]) == 0:
            return PairAlignment("refused", "the frames share nothing under the best solution")
        errors = map_boxes(matrix, self.infrared[best.matches[:, 0]])
        errors = errors - self.visible[best.matches[:, 1]]
        corner = self._corner_error(best, windows[0])
        shown, share = agreement(
            self.infrared, self.visible, best.matches, windows, self.compatible
        )
        chance = false_alarms(
            best, self.infrared, self.visible, self.compatible, shown, self.visible_size,
            self.options.label_noise, searched=not on_rig,
        )  # fmt: skip
        rival = 0.0 if on_rig else rivals(ordered, self.infrared_size)
        relative = corner / math.dist(windows[1][:2], windows[1][2:])
        verdict, reason = self._verdict(
            len(best.matches), share, chance, relative, rival, on_rig=bool(on_rig)
        )
        return PairAlignment(
            verdict, reason, matrix, *windows, best.matches,
            float(np.sqrt((errors**2).mean())), corner,
            area(windows[0]) / (self.infrared_size[0] * self.infrared_size[1]), share, chance,
        )  # fmt: skip

    def _corner_error(self, best: Candidate, window: Box) -> float:
        x0, y0, x1, y1 = window
        corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
        edge = self.options.label_noise * math.sqrt(1.0 + best.fit.scale**2)
        return float(best.fit.point_error(corners).max() * edge)

    def _agrees_with_prior(self, candidate: Candidate) -> bool:
        """The candidate maps the frame as the prior does, within what it knows itself."""
        if self.prior is None:
            return False
        height, width = self.infrared_size
        corners = np.array([[0.0, 0], [width, 0], [width, height], [0, height]])
        rows = np.concatenate([corners, np.ones((4, 1))], axis=1)
        apart = np.linalg.norm(rows @ (candidate.fit.matrix - self.prior).T, axis=1)
        edge = self.options.label_noise * math.sqrt(1.0 + candidate.fit.scale**2)
        known = candidate.fit.point_error(corners) * edge
        limit = self.options.max_corner_error * math.dist((0, 0), self.visible_size)
        return bool((apart <= 3 * known + limit).all())

    def _verdict(
        self, matches: int, share: float, chance: float, corner: float, rival: float, *,
        on_rig: bool,
    ) -> tuple[Verdict, str]:  # fmt: skip
        limits = self.options
        if corner > 2 * limits.max_corner_error and not on_rig:
            return "refused", f"corners uncertain by {corner:.1%} of the diagonal"
        if rival > limits.max_rival:
            return "refused", f"another solution is {rival:.0%} as good"
        if share < limits.min_agreement:
            return "refused", f"only {share:.0%} of the objects that both should show match"
        least = 1 if on_rig else max(limits.min_matches, LEAST_MATCHES[limits.model])
        if matches < least:
            return "weak", f"{matches} match(es), {least} needed"
        if chance > limits.max_false_alarms:
            return "weak", f"{chance:.2g} chance solutions expected"
        if corner > limits.max_corner_error and not on_rig:
            return "weak", f"corners uncertain by {corner:.1%} of the diagonal"
        return "good", f"{matches} matches" + (", as the rig's prior" if on_rig else "")


def _boxes(values: ArrayLike, name: str) -> Float:
    boxes = np.asarray(values, np.float64)
    if boxes.size == 0:
        return np.zeros((0, 4))
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f"{name} must have shape (n, 4), found {boxes.shape}")
    return boxes


def _matrix(prior: ArrayLike) -> Float:
    matrix = np.asarray(prior, np.float64)
    if matrix.shape != (2, 3) or not np.isfinite(matrix).all():
        raise ValueError(f"prior must be a finite (2, 3) matrix, found shape {matrix.shape}")
    return matrix


def _usable(boxes: Float) -> NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):
        sides = boxes[:, 2:] - boxes[:, :2]
        return np.asarray(np.isfinite(boxes).all(axis=1) & (sides > 0).all(axis=1))


def _nothing(infrared: NDArray[np.bool_], visible: NDArray[np.bool_]) -> str:
    if not infrared.any() or not visible.any():
        return f"{int(infrared.sum())} infrared and {int(visible.sum())} visible boxes"
    return "no two boxes share a category or an identity"


_Labels = tuple[Float, Sequence[object] | None, Sequence[int] | None]


def _compatible(infrared: _Labels, visible: _Labels) -> NDArray[np.bool_]:
    a, categories_a, identities_a = infrared
    b, categories_b, identities_b = visible
    result = np.ones((len(a), len(b)), bool)
    for kind, of_a, of_b in (
        ("categories", categories_a, categories_b),
        ("identities", identities_a, identities_b),
    ):
        if of_a is None and of_b is None:
            continue
        if of_a is None or of_b is None or len(of_a) != len(a) or len(of_b) != len(b):
            raise ValueError(f"{kind} must be given for every box of both frames, or for none")
        if kind == "identities":
            left, right = np.asarray(of_a, np.int64), np.asarray(of_b, np.int64)
            known = (left[:, None] >= 0) | (right[None, :] >= 0)
            result &= ~known | (left[:, None] == right[None, :])
        else:
            result &= np.array([[x == y for y in of_b] for x in of_a], bool).reshape(result.shape)
    return result
