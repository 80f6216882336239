"""Real dumps against what their publishers say, and against other decoders."""

from __future__ import annotations

from collections import Counter

import cv2
import numpy as np
import pytest
import tifffile

from irtd_fast import catalog
from irtd_fast.images import decode_image
from irtd_fast.manifest import Manifest
from irtd_fast.scan import scan
from irtd_fast.types import ObjectFlag, SampleFlag

pytestmark = pytest.mark.dumps

HIT_UAV = ("normal_json", "normal_xml", "rotate_json", "rotate_xml")


def scanned(dumps, folder, key, **options):
    root = dumps / folder
    if not root.is_dir():
        pytest.skip(f"no {folder} among the real dumps")
    return scan(root, catalog.get(key), **options)


def by_stem(manifest):
    return {sample.name: sample for sample in manifest.samples}


@pytest.mark.parametrize("variant", HIT_UAV)
def test_hit_uav_counts(dumps, variant):
    manifest = scanned(dumps, "hit-uav", "hit-uav", variant=variant)
    assert manifest.problems == []
    assert len(manifest.samples) == 60
    splits = Counter(sample.split for sample in manifest.samples)
    assert splits == {"train": 36, "val": 12, "test": 12}
    counts = Counter(item.category for sample in manifest.samples for item in sample.objects)
    assert counts == {
        "person": 197, "car": 133, "bicycle": 94, "dont care": 3, "other vehicle": 1,
    }  # fmt: skip
    ignored = sum(bool(o.flags & ObjectFlag.IGNORE) for s in manifest.samples for o in s.objects)
    assert ignored == 3
    assert {(s.infrared.height, s.infrared.width) for s in manifest.samples} == {(512, 640)}
    stored = {s.infrared.file_channels for s in manifest.samples}
    assert stored == ({3} if variant == "rotate_xml" else {1})


def test_hit_uav_forms_agree(dumps):
    forms = {v: by_stem(scanned(dumps, "hit-uav", "hit-uav", variant=v)) for v in HIT_UAV}
    first = forms["normal_json"]
    for variant, samples in forms.items():
        assert samples.keys() == first.keys(), variant
        for name, sample in samples.items():
            assert (sample.split, sample.scene) == (first[name].split, first[name].scene)
            categories = [item.category for item in sample.objects]
            assert categories == [item.category for item in first[name].objects], name
    for name, sample in first.items():
        upright = [item.box for item in sample.objects]
        assert [item.box for item in forms["normal_xml"][name].objects] == upright
        turned = [item.corners for item in forms["rotate_json"][name].objects]
        assert turned == [item.corners for item in forms["rotate_xml"][name].objects]
        for item, box in zip(forms["rotate_json"][name].objects, upright, strict=True):
            hull = np.clip(item.box, 0, (640, 512, 640, 512))
            assert np.abs(hull - box).max() <= 1.0


def test_hit_uav_scene_is_the_scenario_of_the_publisher(dumps):
    manifest = scanned(dumps, "hit-uav", "hit-uav", variant="rotate_json")
    scenes = Counter((sample.name[0], sample.scene) for sample in manifest.samples)
    assert scenes == {("0", "day"): 24, ("1", "night"): 36}


def test_hit_uav_root_inside(dumps):
    for variant in HIT_UAV:
        manifest = scanned(dumps, f"hit-uav/{variant}", "hit-uav")
        assert (manifest.variant, manifest.base, len(manifest.samples)) == (variant, "", 60)


def test_sirst_v2(dumps):
    manifest = scanned(dumps, "sirst-v2", "sirst-v2")
    assert manifest.problems == []
    assert len(manifest.samples) == 102
    folders = Counter(sample.infrared.path.split("/")[1] for sample in manifest.samples)
    assert folders == {"targets": 94, "backgrounds": 8}
    assert Counter(s.split for s in manifest.samples) == {"train": 43, "val": 28, "test": 31}
    assert all(sample.mask is not None for sample in manifest.samples)
    for sample in manifest.samples:
        background = sample.infrared.path.split("/")[1] == "backgrounds"
        assert bool(sample.objects) != background, sample.name
        assert not sample.flags & SampleFlag.UNLABELLED


def test_sirst_v2_boxes_are_the_components_of_the_masks(dumps):
    from scipy import ndimage

    manifest = scanned(dumps, "sirst-v2", "sirst-v2")
    points = []
    for sample in manifest.samples:
        mask = decode_image(dumps / "sirst-v2" / sample.mask.path) >= 128
        labels, count = ndimage.label(mask, structure=np.ones((3, 3)))
        found = {(x.start, y.start, x.stop, y.stop) for y, x in ndimage.find_objects(labels)}
        assert {item.box for item in sample.objects} == found
        centres = np.array(ndimage.center_of_mass(mask, labels, range(1, count + 1)))
        for point in sample.points:
            offsets = centres[:, ::-1] + 0.5 - (point.x, point.y)
            points.append(offsets[np.abs(offsets).sum(axis=1).argmin()])
    assert len(points) == 93
    assert np.abs(np.median(points, axis=0)).max() < 0.02
    assert np.abs(points).max() < 0.5


def test_llvip_pairs_of_the_code_repository(dumps):
    manifest = scanned(dumps, "llvip", "llvip")
    assert manifest.variant == "code"
    assert manifest.problems == []
    assert len(manifest.samples) == 46
    assert len({sample.name for sample in manifest.samples}) == 46
    for sample in manifest.samples:
        assert (sample.infrared.height, sample.infrared.width) == (1024, 1280)
        assert (sample.visible.height, sample.visible.width) == (1024, 1280)
        assert sample.flags == int(SampleFlag.UNLABELLED)


def test_flir_sixteen_bit(dumps):
    manifest = scanned(dumps, "flir-v1-16bit", "flir-v1-16bit")
    assert manifest.variant == "tree"
    assert manifest.problems == []
    assert len(manifest.samples) == 50
    kinds = {(s.infrared.height, s.infrared.width, s.infrared.dtype) for s in manifest.samples}
    assert kinds == {(512, 640, "uint16")}
    images = [decode_image(dumps / "flir-v1-16bit" / s.infrared.path) for s in manifest.samples]
    assert min(image.min() for image in images) == 5666
    assert max(image.max() for image in images) == 11726


@pytest.mark.parametrize(
    ("folder", "key", "variant"),
    [
        ("hit-uav", "hit-uav", "normal_xml"),
        ("hit-uav", "hit-uav", "rotate_xml"),
        ("sirst-v2", "sirst-v2", None),
        ("llvip", "llvip", None),
        ("flir-v1-16bit", "flir-v1-16bit", None),
    ],
)
def test_pixels_equal_another_decoder(dumps, folder, key, variant):
    manifest = scanned(dumps, folder, key, variant=variant)
    layout = catalog.get(key).variant(manifest.variant)
    for sample in manifest.samples:
        info = sample.infrared
        path = dumps / folder / info.path
        image = decode_image(path, tolerance=layout.chroma_tolerance)
        assert image.shape == (info.height, info.width)
        assert image.dtype == info.dtype
        if info.encoding == "tiff":
            expected = tifffile.imread(path)
        elif info.encoding == "jpeg":
            expected = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        else:  # libpng's own RGB to gray has less precision than the luma of cvtColor
            expected = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2GRAY)
        np.testing.assert_array_equal(image, expected)


@pytest.mark.parametrize("name", ["lfs-pointer", "mfnet-sample", "massmind"])
def test_pictures_that_are_no_gray_counts_are_refused_by_name(dumps, name):
    from irtd_fast.errors import DecodeError

    patterns = {"lfs-pointer": "*.tif", "mfnet-sample": "*.png", "massmind": "*colored.png"}
    paths = sorted((dumps / name).rglob(patterns[name]))
    if not paths:
        pytest.skip(f"no {name} among the real dumps")
    for path in paths:
        with pytest.raises(DecodeError) as caught:
            decode_image(path)
        assert caught.value.where["path"] == str(path)


def test_manifest_of_a_real_dump_survives_the_disk(dumps, tmp_path):
    manifest = scanned(dumps, "sirst-v2", "sirst-v2")
    manifest.save(tmp_path / "m.jsonl")
    assert Manifest.load(tmp_path / "m.jsonl") == manifest
