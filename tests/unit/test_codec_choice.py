"""``--codec auto`` looks at pixels; the other words are taken literally."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from irtd_fast.manifest import Manifest
from irtd_fast.store.codec_choice import choose_codecs
from irtd_fast.store.plan import IngestOptions, codecs_for, make_plan
from irtd_fast.types import ImageInfo, SampleRecord

SHAPE = (64, 80)


def planned(root, images, few=1):
    manifest = Manifest("s", "v", str(root))
    for number, pixels in enumerate(images):
        path = root / f"{number:02}.png"
        cv2.imwrite(str(path), pixels)
        size = path.stat().st_size
        info = ImageInfo(path.name, "png", *SHAPE, 1, 1, str(pixels.dtype), size, 0)
        manifest.samples.append(SampleRecord(path.stem, info))
    return manifest, make_plan(manifest, IngestOptions(few=few))


def smooth(dtype, noise, rng, base):
    ramp = np.add.outer(np.arange(SHAPE[0]), np.arange(SHAPE[1])) * 3 + base
    return (ramp + rng.integers(0, noise, SHAPE)).astype(dtype)


def chosen(root, images, codec="auto"):
    manifest, plan = planned(root, images)
    ((path, codecs),) = choose_codecs(manifest, plan, codec, 0).items()
    assert path == plan.arrays[0].path
    return codecs


def test_noise_stays_raw(tmp_path, rng):
    images = [rng.integers(0, 255, SHAPE).astype(np.uint8) for _ in range(5)]
    assert chosen(tmp_path, images) == codecs_for("raw", 1)


def test_counts_of_a_sensor_take_blosc(tmp_path, rng):
    images = [smooth(np.uint16, 32, rng, 7000) for _ in range(5)]
    assert chosen(tmp_path, images) == codecs_for("lz4", 2)


def test_what_zstd_halves_again_takes_zstd(tmp_path):
    masks = []
    for place in (5, 20, 40):
        mask = np.zeros(SHAPE, np.uint8)
        mask[place : place + 3, place : place + 4] = 255
        masks.append(mask)
    assert chosen(tmp_path, masks) == codecs_for("zstd", 1)


@pytest.mark.parametrize("codec", ["raw", "lz4", "zstd"])
def test_words_are_taken_literally(tmp_path, codec, rng):
    images = [rng.integers(0, 255, SHAPE).astype(np.uint8)]
    assert chosen(tmp_path, images, codec) == codecs_for(codec, 1)


def test_packed_arrays_have_no_choice(tmp_path, rng):
    manifest, plan = planned(tmp_path, [smooth(np.uint16, 32, rng, 0)], few=9)
    assert choose_codecs(manifest, plan, "auto", 0) == {}


def test_only_some_samples_are_read_and_bad_ones_do_not_matter(tmp_path, rng):
    manifest, plan = planned(tmp_path, [smooth(np.uint16, 32, rng, 7000) for _ in range(40)])
    for number in range(40):
        if number not in (0, 13, 26, 39):
            (tmp_path / f"{number:02}.png").unlink()
    (tmp_path / "13.png").write_bytes(b"no picture")
    (tmp_path / "26.png").unlink()
    (codecs,) = choose_codecs(manifest, plan, "auto", 0).values()
    assert codecs == codecs_for("lz4", 2)


def test_nothing_readable_stays_raw(tmp_path, rng):
    manifest, plan = planned(tmp_path, [smooth(np.uint16, 32, rng, 0)] * 2)
    for path in tmp_path.iterdir():
        path.unlink()
    (codecs,) = choose_codecs(manifest, plan, "auto", 0).values()
    assert codecs == codecs_for("raw", 2)
