"""Near-duplicates seeded into real pictures are found; different pictures are not mistaken."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import tifffile

from irtd_fast import _core
from irtd_fast.redundancy import RADIUS, find_duplicates, fingerprint_folder

pytestmark = pytest.mark.dumps

SETS = (
    "flir-v1-16bit/thermal_16_bit/*.tiff", "roadscene/infrared/*.png", "elpv/images/*.png",
    "hit-uav/normal_xml/JPEGImages/*.jpg", "sirst-v2/images/*/*.png", "wrd-demo/ir/*/*.png",
    "tno/**/*.png", "vtuav-bus1/**/ir_gray/0000[05]0.jpg",
)  # fmt: skip
SAMPLES = 240


@pytest.fixture(scope="module")
def pictures(dumps):
    paths = [path for pattern in SETS for path in sorted(dumps.glob(pattern))]
    if len(paths) < SAMPLES:
        pytest.skip("the real dumps are not all there")
    chosen = np.random.default_rng(1).permutation(len(paths))[:SAMPLES]
    return [_gray(paths[i]) for i in chosen]


def _gray(path):
    if path.suffix == ".tiff":
        return tifffile.imread(path)
    return cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)


def eight(image):
    if image.dtype == np.uint8:
        return image
    low, high = np.percentile(image, (0.5, 99.5))
    return np.clip((image - low) / max(high - low, 1) * 255, 0, 255).astype(np.uint8)


def crop(image, rng):
    """3 % of the height and of the width, at any sides."""
    spare = [round(n * 0.03) for n in image.shape]
    y, x = (int(rng.integers(0, n + 1)) for n in spare)
    return np.ascontiguousarray(image[y : y - spare[0] or None, x : x - spare[1] or None])


def noise(image, rng):
    span = np.percentile(image, 99) - np.percentile(image, 1)
    top = np.iinfo(image.dtype).max
    return np.clip(image + rng.normal(0, 0.03 * span, image.shape), 0, top).astype(image.dtype)


def jpeg(image, rng):
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(30, 90))]
    return cv2.imdecode(cv2.imencode(".jpg", eight(image), quality)[1], cv2.IMREAD_GRAYSCALE)


def brightness(image, rng):
    gain, offset = rng.uniform(0.75, 1.25), rng.uniform(-25, 25)
    return np.clip(eight(image) * gain + offset, 0, 255).astype(np.uint8)


def gamma(image, rng):
    return (255 * (eight(image) / 255.0) ** rng.choice([0.6, 1.6])).astype(np.uint8)


CHANGES = {
    "crop": crop, "noise": noise, "jpeg": jpeg, "brightness": brightness, "gamma": gamma,
    "plateau": lambda image, _: cv2.equalizeHist(eight(image)),
    "eight bits": lambda image, _: eight(image),
    "smaller": lambda image, _: cv2.resize(
        image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA
    ),
}  # fmt: skip


def looks(images):
    return np.stack([_core.perceptual_hash(image) for image in images])


@pytest.mark.parametrize("name", CHANGES)
def test_seeded_near_duplicates_are_found(pictures, rng, name):
    changed = looks([CHANGES[name](image, rng) for image in pictures])
    bits = np.bitwise_count(changed ^ looks(pictures)).sum(axis=1)
    assert (bits <= RADIUS).mean() >= 0.95, f"{(bits <= RADIUS).mean():.3f} of {name}"


def test_different_sources_share_nothing_but_what_their_publishers_took_over(dumps):
    """RoadScene is made of FLIR frames; nothing else of these folders is the same scene."""
    folders = ("flir-v1-16bit", "roadscene/infrared", "elpv/images", "sirst-v2/images", "ist-a")
    if not all((dumps / folder).is_dir() for folder in folders):
        pytest.skip("the real dumps are not all there")
    prints = [fingerprint_folder(dumps / folder) for folder in folders]
    for item, folder in zip(prints, folders, strict=True):
        item.source = folder.split("/")[0]
    report = find_duplicates(*prints)
    shared = [group for group in report.groups if len(group.sources) > 1]
    found = sorted({m.name.rsplit("/", 1)[-1].split(".")[0] for g in shared for m in g.members})
    assert {"FLIR_00211", "FLIR_00311"} <= set(found)
    for group in shared:
        assert group.sources == ("flir-v1-16bit", "roadscene")
        stems = {member.name.rsplit("/", 1)[-1].split(".")[0] for member in group.members}
        assert len(stems) == 1, stems


def test_files_of_hit_uav_that_are_copies_are_all_found(dumps):
    """normal_xml and the two JSON forms hold the same 60 files, rotate_xml re-encoded ones."""
    if not (dumps / "hit-uav").is_dir():
        pytest.skip("no hit-uav among the real dumps")
    report = find_duplicates(fingerprint_folder(dumps / "hit-uav"))
    assert report.pictures == {"hit-uav": 240}
    assert len(report.groups) == 60
    for group in report.groups:
        assert len({member.name.rsplit("/", 1)[-1] for member in group.members}) == 1
        assert [member.kind for member in group.members].count("exact") == 2
