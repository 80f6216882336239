"""Perceptual hashes and their search against NumPy, SciPy and brute force."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.fft import dctn
from scipy.stats import rankdata

from irtd_fast import _core

BITS = 128


def overlap(size: int, cells: int) -> np.ndarray:
    """(cells, size): how much of each cell a step covers, rows summing to 1."""
    scale = cells / size
    steps = np.arange(size)
    begin, end = steps * scale, (steps + 1) * scale
    at = np.arange(cells)[:, None]
    return np.clip(np.minimum(end, at + 1) - np.maximum(begin, at), 0, None)


def reference(image: np.ndarray) -> np.ndarray:
    """128 bits as the header of the kernel defines them."""
    values = image.astype(np.float64)
    if values.ndim == 3:
        values = values @ np.array([0.299, 0.587, 0.114])
    grid = overlap(values.shape[0], 32) @ values @ overlap(values.shape[1], 32).T
    if np.ptp(grid) <= 1e-4 * max(1, abs(grid.max())):
        return np.zeros(BITS, bool)
    ranks = rankdata(grid.astype(np.float32), method="average").reshape(32, 32)
    low = dctn(ranks, norm="ortho")[:8, :8].ravel()
    structure = low > np.median(low[1:]) + 0.5 / 16  # orthonormal: 2 / 32 of the plain sums
    structure[0] = False
    areas = overlap(32, 8) @ grid @ overlap(32, 9).T
    return np.concatenate([structure, (np.diff(areas, axis=1) > 1e-4 * np.ptp(grid)).ravel()])


def bits_of(found: np.ndarray) -> np.ndarray:
    return np.unpackbits(np.asarray(found, "<u8").view(np.uint8), bitorder="little").astype(bool)


def smooth(rng, shape, dtype):
    """A scene whose neighbouring areas differ by more than rounding."""
    import cv2

    coarse = rng.uniform(0, 1, (7, 9, *shape[2:]))
    image = cv2.resize(coarse, shape[1::-1], interpolation=cv2.INTER_LINEAR)
    top = 255 if dtype == np.uint8 else 16383
    return np.clip(image.reshape(shape) * top, 0, top).astype(dtype)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(24, 150), st.integers(24, 150), st.sampled_from([1, 3]),
    st.sampled_from([np.uint8, np.uint16]), st.integers(0, 2**32),
)  # fmt: skip
def test_the_hash_is_the_one_defined(height, width, channels, dtype, seed):
    rng = np.random.default_rng(seed)
    shape = (height, width) if channels == 1 else (height, width, 3)
    image = smooth(rng, shape, dtype)
    # Averages and coefficients that are equal but for rounding may fall either way.
    assert (bits_of(_core.perceptual_hash(image)) != reference(image)).sum() <= 6


@settings(max_examples=60, deadline=None)
@given(st.integers(6, 40), st.integers(6, 40), st.integers(0, 2**32))
def test_pictures_smaller_than_the_grid_are_spread_over_it(height, width, seed):
    image = np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)
    large = np.repeat(np.repeat(image, 32, axis=0), 32, axis=1)
    same = bits_of(_core.perceptual_hash(image)) == bits_of(_core.perceptual_hash(large))
    assert same.sum() >= 124


def test_nearly_all_bits_of_a_scene_are_the_defined_ones(rng):
    different = [
        (bits_of(_core.perceptual_hash(image)) != reference(image)).sum()
        for image in (smooth(rng, (512, 640), np.uint16) for _ in range(20))
    ]
    assert np.mean(different) < 0.5


@pytest.mark.parametrize("value", [0, 7, 255])
def test_a_picture_without_contrast_has_no_looks(value):
    for dtype in (np.uint8, np.uint16):
        assert not _core.perceptual_hash(np.full((37, 53), value, dtype)).any()


def test_monotone_changes_of_values_hardly_matter(rng):
    for _ in range(20):
        counts = smooth(rng, (256, 320), np.uint16)
        first = bits_of(_core.perceptual_hash(counts))
        lookup = np.sort(rng.integers(0, 256, 16384)).astype(np.uint8)  # any plateau AGC
        assert (bits_of(_core.perceptual_hash(lookup[counts])) != first).sum() <= 8
        scaled = (counts // 64).astype(np.uint8)
        assert (bits_of(_core.perceptual_hash(scaled)) != first).sum() <= 8


def test_rows_may_be_apart(rng):
    image = smooth(rng, (64, 80), np.uint8)
    wide = np.zeros((64, 100), np.uint8)
    wide[:, :80] = image
    expected = _core.perceptual_hash(image)
    np.testing.assert_array_equal(_core.perceptual_hash(wide[:, :80]), expected)


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match="uint8 or uint16"):
        _core.perceptual_hash(np.zeros((4, 4), np.float32))
    with pytest.raises(ValueError, match="channels must be 1 or 3"):
        _core.perceptual_hash(np.zeros((4, 4, 2), np.uint8))
    with pytest.raises(ValueError, match=r"shape \(n, 2\)"):
        _core.near_leaders(np.zeros(4, np.uint64), radius=3)
    with pytest.raises(ValueError, match="radius must be"):
        _core.near_leaders(np.zeros((4, 2), np.uint64), radius=129)


def clustered(rng, count: int, centres: int, flips: int) -> np.ndarray:
    base = rng.integers(0, 2**64, (centres, 2), dtype=np.uint64)
    hashes = base[rng.integers(0, centres, count)]
    for row in hashes:
        for bit in rng.integers(0, BITS, rng.integers(0, flips + 1)):
            row[bit // 64] ^= np.uint64(1) << np.uint64(bit % 64)
    hashes[rng.random(count) < 0.02] = 0  # without contrast
    return hashes


def distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    a, b = (np.unpackbits(x.view(np.uint8), axis=1).astype(np.float32) for x in (first, second))
    return np.rint(a.sum(1)[:, None] + b.sum(1)[None] - 2 * a @ b.T).astype(int)


# 23 bits and fewer go through the index, more are compared with all.
@pytest.mark.parametrize("radius", [0, 5, 8, 15, 16, 22, 23, 24, 40])
@pytest.mark.parametrize("threads", [1, 3])
def test_neighbours_are_those_of_brute_force(rng, radius, threads):
    hashes = clustered(rng, 3000, 900, 24)
    queries, base = hashes[:700], hashes[700:]
    index, bits = _core.near_neighbours(queries, base, radius=radius, threads=threads)
    apart = distances(queries, base)
    flat_base, flat_queries = ~base.any(axis=1), ~queries.any(axis=1)
    apart[:, flat_base] = 999
    nearest = apart.argmin(axis=1)  # the first of equally near ones
    inside = (apart.min(axis=1) <= radius) & ~flat_queries
    np.testing.assert_array_equal(index, np.where(inside, nearest, -1))
    np.testing.assert_array_equal(bits[inside], apart.min(axis=1)[inside])


@pytest.mark.parametrize("radius", [0, 8, 22, 30])
def test_leaders_are_those_of_a_plain_loop(rng, radius):
    hashes = clustered(rng, 2000, 900, 20)
    leader, bits = _core.near_leaders(hashes, radius=radius)
    apart = distances(hashes, hashes)
    leaders: list[int] = []
    seen: dict[tuple[int, int], tuple[int, int]] = {}
    for i, hash_ in enumerate(hashes.tolist()):
        expected = (i, 0)
        if any(hash_) and tuple(hash_) in seen:
            expected = seen[tuple(hash_)]
        elif any(hash_):
            near = [(apart[i, k], k) for k in leaders if apart[i, k] <= radius]
            if near:
                expected = (min(near)[1], min(near)[0])
            else:
                leaders.append(i)
            seen[tuple(hash_)] = expected
        assert (leader[i], bits[i]) == expected, i
    assert len(leaders) > 600  # the index is in use


def test_files_are_digested_as_xxhash_does_and_failures_named(tmp_path, rng):
    sizes = [0, 1, 31, 32, 1000, 262_144, 262_145, 1_000_003]
    paths = []
    for size in sizes:
        path = tmp_path / f"{size}.bin"
        path.write_bytes(rng.bytes(size))
        paths.append(str(path))
    paths += [str(tmp_path / "absent"), str(tmp_path)]
    digests, found, failures = _core.hash_files(paths, threads=2)
    for path, digest in zip(paths[: len(sizes)], digests.tolist(), strict=False):
        assert digest == xxhash.xxh64(Path(path).read_bytes()).intdigest()
    assert found.tolist()[: len(sizes)] == sizes
    assert [(number, code) for number, code, _ in failures] == [
        (len(sizes), "unreadable"), (len(sizes) + 1, "unreadable"),
    ]  # fmt: skip


def test_jpeg_files_are_hashed_by_their_luma(tmp_path, rng):
    paths, full = [], []
    for i, shape in enumerate([(64, 80), (512, 640), (700, 500, 3), (40, 30), (1024, 1280)]):
        image = smooth(rng, shape, np.uint8)
        path = tmp_path / f"{i}.jpg"
        path.write_bytes(_core.encode_jpeg(image, quality=92))
        paths.append(str(path))
        full.append(_core.perceptual_hash(_core.decode_jpeg(path.read_bytes(), channels=1)))
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "1.jpg").read_bytes()[:4000])
    digests, _, hashes, failures = _core.hash_jpeg_files([*paths, str(tmp_path / "cut.jpg")])
    for i, path in enumerate(paths):
        assert digests[i] == xxhash.xxh64(Path(path).read_bytes()).intdigest()
        assert (bits_of(hashes[i]) != bits_of(full[i])).sum() <= 6  # decoded at a smaller scale
    assert [(number, code) for number, code, _ in failures] == [(5, "undecodable-image")]
