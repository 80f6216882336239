"""Density maps of labelled points, for counting: their sum is the number of points inside.

Every point that lies in the frame (``0 <= x < width``, ``0 <= y < height``, in pixel edges) is a
Gaussian of mass one, sampled at pixel centres, cut off beyond ``truncate`` sigma in each
direction (its own pixel always belongs to it) and then renormalised over the pixels of the frame:
what would fall over the border is not lost. Points outside, and points that are not finite,
contribute nothing. With sigma 0 the whole mass is in the point's own pixel.
A stride of s sums blocks of s x s pixels, exactly as a map at full resolution summed afterwards.

The loops are numba functions without the GIL, compiled on the first call and cached on disk (by
the package, or in the user's cache folder or ``NUMBA_CACHE_DIR`` where the package cannot be
written); importing this package neither compiles nor imports numba.

Batches are spread over plain threads, not by ``parallel=True``: a loader calls this from several
threads and after forks, and numba's own threading layers do not stand that (tried with 0.68):
``workqueue``, the one that is always there, aborts the process when two threads enter it; ``omp``
ends a forked child; only ``tbb`` does neither, and it is a package of its own. Every map, or band
of rows of one, is written by one thread, its points in their order, so any number of threads gives
the same bits, which a parallel reduction would not promise.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irtd_fast import _core
from irtd_fast.density import kernel

_BRUTE_FORCE = 768  # points of a picture up to which comparing all pairs beats a tree
_WORTH_A_THREAD = 500  # points


@dataclass(frozen=True)
class Adaptive:
    """Geometry-adaptive sigma: ``beta`` times the mean distance to the nearest neighbours.

    MCNN (Zhang et al., CVPR 2016) proposes it with beta 0.3; CSRNet's script (Li et al., CVPR 2018)
    takes three neighbours. Distances are measured in source pixels among all points of the picture,
    also those that the frame leaves out, and sigma is scaled with the picture: an augmented map is
    the map of the augmented picture.

    Attributes:
        neighbours: How many; where there are fewer points, as many as there are.
        beta: Factor on their mean distance.
        minimum: Lower bound of sigma in source pixels (points at the same place).
        maximum: Upper bound in source pixels, and the sigma of a point that is alone.
    """

    neighbours: int = 3
    beta: float = 0.3
    minimum: float = 1.0
    maximum: float = 15.0

    def __post_init__(self) -> None:
        """Check the numbers."""
        if not 1 <= self.neighbours <= kernel.MOST_NEIGHBOURS:
            raise ValueError(
                f"neighbours must be 1 to {kernel.MOST_NEIGHBOURS}, found {self.neighbours}"
            )
        if not (0 < self.beta < math.inf and 0 <= self.minimum <= self.maximum < math.inf):
            raise ValueError(f"need beta > 0 and 0 <= minimum <= maximum, found {self}")


@dataclass(frozen=True)
class Density:
    """How density maps are made.

    Attributes:
        sigma: Of the Gaussians, in pixels of the frame, or ``Adaptive``.
        stride: Pixels of the frame along each side of a cell of the map.
        truncate: Sigmas beyond which a Gaussian is cut off.
    """

    sigma: float | Adaptive = 4.0
    stride: int = 1
    truncate: float = 4.0

    def __post_init__(self) -> None:
        """Check the numbers."""
        if not isinstance(self.sigma, Adaptive) and not 0 <= self.sigma < math.inf:
            raise ValueError(f"sigma must be a number of pixels, not negative, found {self.sigma}")
        if not 1 <= self.stride <= 1 << 16:
            raise ValueError(f"stride must be 1 to 65536, found {self.stride}")
        if not 0 < self.truncate < math.inf:
            raise ValueError(f"truncate must be positive, found {self.truncate}")

    def shape(self, size: tuple[int, int]) -> tuple[int, int]:
        """Shape of the map of a frame (height, width): a cell for every begun stride."""
        return -(-size[0] // self.stride), -(-size[1] // self.stride)


def density_maps(
    points: ArrayLike,
    offsets: ArrayLike,
    size: tuple[int, int],
    options: Density = Density(),
    *,
    matrices: ArrayLike | None = None,
    sigmas: ArrayLike | None = None,
    threads: int = 0,
    out: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Density maps of a batch.

    Args:
        points: (n, 2) x, y in source pixels.
        offsets: (samples + 1,); points of sample i are ``[offsets[i], offsets[i + 1])``.
        size: (height, width) of the frame.
        options: Sigma, stride, truncation.
        matrices: (samples, 2, 3) from source pixels to the frame; ``None``: the same pixels.
        sigmas: (n,) sigma of each point in pixels of the frame, in place of ``options.sigma``.
        threads: How many may work, 0 for one per core. The result does not depend on it.
        out: Where to write, (samples, *options.shape(size)) float32, C-contiguous.

    Returns:
        ``out``, or a new array. The sum of each map is the number of its points inside.

    Raises:
        ValueError: Shapes that do not fit; nothing that the points hold raises.
    """
    xy, ends, affines = _checked(points, offsets, matrices, size)
    samples = len(ends) - 1
    shape = (samples, *options.shape(size))
    maps = _output(out, shape)
    if sigmas is None:
        sigmas = frame_sigmas(xy, ends, affines, options.sigma)
    spread = np.ascontiguousarray(sigmas, np.float64)
    if spread.shape != (len(xy),) or not (spread >= 0).all():
        raise ValueError(f"sigmas must be ({len(xy)},), not negative, found {spread.shape}")
    workers = threads if threads > 0 else _core.available_threads()
    jobs = _jobs(samples, shape[1], len(xy), workers)
    stamp = kernel.compiled("stamp")

    def work(part: NDArray[np.int64]) -> None:
        height, width = size
        stamp(part, xy, ends, spread, affines, height, width, options.stride,
              float(options.truncate), maps)  # fmt: skip

    parts = [part for part in np.array_split(jobs, max(1, min(workers, len(jobs)))) if len(part)]
    if len(xy) < _WORTH_A_THREAD or len(parts) < 2:
        work(jobs)
    else:
        with ThreadPoolExecutor(len(parts), "irtd-density") as pool:
            list(pool.map(work, parts))
    return maps


def density_map(
    points: ArrayLike,
    size: tuple[int, int],
    options: Density = Density(),
) -> NDArray[np.float32]:
    """Density map of the points (n, 2) of one picture; see ``density_maps``."""
    xy = _points(points)
    maps = density_maps(xy, [0, len(xy)], size, options)
    return np.asarray(maps[0])


def _points(points: ArrayLike) -> NDArray[np.float64]:
    xy = np.ascontiguousarray(points, np.float64)
    if xy.size == 0 and xy.ndim < 2:
        xy = xy.reshape(0, 2)
    if xy.ndim != 2 or xy.shape[1] != 2:
        raise ValueError(f"points must be (n, 2), found shape {xy.shape}")
    return xy


def _checked(
    points: ArrayLike, offsets: ArrayLike, matrices: ArrayLike | None, size: tuple[int, int]
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    xy = _points(points)
    given = np.asarray(offsets)
    if given.dtype.kind not in "iu" and not (given == np.floor(given)).all():
        raise ValueError(f"offsets must be whole numbers, found {given}")
    ends = np.ascontiguousarray(given.astype(np.int64))
    if ends.ndim != 1 or not len(ends) or ends[0] != 0 or ends[-1] != len(xy):
        raise ValueError(f"offsets must be (samples + 1,) from 0 to {len(xy)}, found {ends}")
    if (np.diff(ends) < 0).any():
        raise ValueError("offsets must rise")
    whole = all(isinstance(side, int | np.integer) for side in size)
    if not (len(size) == 2 and whole and min(size) >= 1 and max(size) <= 1 << 24):
        raise ValueError(f"size must be (height, width), whole and positive, found {size}")
    samples = len(ends) - 1
    if matrices is None:
        return xy, ends, np.tile(np.eye(2, 3), (samples, 1, 1))
    return xy, ends, _affines(matrices, samples)


def _affines(matrices: ArrayLike, samples: int) -> NDArray[np.float64]:
    affines = np.ascontiguousarray(matrices, np.float64)
    if affines.shape != (samples, 2, 3):
        raise ValueError(f"matrices must be ({samples}, 2, 3), found shape {affines.shape}")
    return affines


def _output(out: NDArray[np.float32] | None, shape: tuple[int, ...]) -> NDArray[np.float32]:
    if out is None:
        return np.zeros(shape, np.float32)
    if out.shape != shape or out.dtype != np.float32 or not out.flags.c_contiguous:
        raise ValueError(f"out must be C-contiguous float32 {shape}, found {out.dtype} {out.shape}")
    out[...] = 0
    return out


def _jobs(samples: int, rows: int, points: int, workers: int) -> NDArray[np.int64]:
    """(jobs, 3) sample, first row, last row; maps are cut into bands where there are few of them.

    Every cell is written by one job, its points in their order: bands do not change the result.
    """
    bands = 1
    if 0 < samples < workers and points >= _WORTH_A_THREAD:
        bands = min(rows, -(-workers // samples))
    edges = np.linspace(0, rows, bands + 1).astype(np.int64)
    jobs = np.empty((samples, bands, 3), np.int64)
    jobs[..., 0] = np.arange(samples)[:, None]
    jobs[..., 1], jobs[..., 2] = edges[:-1], edges[1:]
    return jobs.reshape(-1, 3)


def frame_sigmas(
    points: ArrayLike, offsets: ArrayLike, matrices: ArrayLike, sigma: float | Adaptive
) -> NDArray[np.float64]:
    """Sigma (n,) of every point in pixels of the frame; arguments as ``density_maps``."""
    if not isinstance(sigma, Adaptive):
        return np.full(len(np.asarray(points)), float(sigma))
    own = adaptive_sigmas(points, offsets, sigma)
    ends = np.asarray(offsets).astype(np.int64)
    m = _affines(matrices, len(ends) - 1)
    with np.errstate(all="ignore"):
        area = np.abs(m[:, 0, 0] * m[:, 1, 1] - m[:, 0, 1] * m[:, 1, 0])
        scaled = own * np.repeat(np.sqrt(area), np.diff(ends))
    # Where a matrix is not finite no point is inside, and no sigma matters.
    return np.asarray(np.nan_to_num(scaled))


def adaptive_sigmas(
    points: ArrayLike,
    offsets: ArrayLike,
    rule: Adaptive = Adaptive(),
) -> NDArray[np.float64]:
    """Geometry-adaptive sigma of every point of a batch, in source pixels.

    Nearest neighbours by comparing all pairs in pictures of up to 768 points, by
    ``scipy.spatial.cKDTree`` in others. Points that are not finite are nobody's neighbours; they,
    and points that are alone or beyond counting apart, get the largest sigma.
    """
    xy, ends, _ = _checked(points, offsets, None, (1, 1))
    usable = np.asarray(np.isfinite(xy).all(axis=1))
    mean = np.full(len(xy), math.inf)
    near = kernel.compiled("near")
    for begin, end in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True):
        here = np.flatnonzero(usable[begin:end]) + begin
        if len(here) > 1:
            k = min(rule.neighbours, len(here) - 1)
            mean[here] = near(xy[here], k) if len(here) <= _BRUTE_FORCE else _by_tree(xy[here], k)
    return np.asarray(np.clip(rule.beta * mean, rule.minimum, rule.maximum))


def _by_tree(xy: NDArray[np.float64], neighbours: int) -> NDArray[np.float64]:
    from scipy.spatial import cKDTree

    distances: NDArray[Any]
    distances, _ = cKDTree(xy).query(xy, k=neighbours + 1)
    return np.asarray(distances[:, 1:].mean(axis=1))
