"""The walk: what is listed, what is passed over, and links."""

from __future__ import annotations

import os

import numpy as np
import pytest

from irtd_fast import _core, catalog
from irtd_fast.scan import scan
from irtd_fast.scan.walk import walk

JPEG_RGB = bytes(_core.encode_jpeg(np.full((24, 32, 3), 90, np.uint8)))


def tree(root, files):
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return root


def llvip(root, stems=("010001", "010002"), split="train"):
    files = {}
    for stem in stems:
        files[f"LLVIP/infrared/{split}/{stem}.jpg"] = JPEG_RGB
        files[f"LLVIP/visible/{split}/{stem}.jpg"] = JPEG_RGB
    return tree(root, files)


@pytest.fixture
def record():
    return catalog.get("llvip")


def test_litter_is_passed_over(tmp_path):
    tree(
        tmp_path,
        {
            "a.jpg": b"", "._a.jpg": b"", ".DS_Store": b"", "sub/Thumbs.db": b"",
            ".git/x.jpg": b"", "__MACOSX/y.jpg": b"", "sub/b.jpg": b"", "sub/.hidden/z": b"",
        },
    )  # fmt: skip
    found = walk(tmp_path)
    assert found.files == ["a.jpg", "sub/b.jpg"]
    assert found.problems == []


def test_links(tmp_path):
    outside = tree(tmp_path / "outside", {"secret.jpg": b"x"})
    root = tree(tmp_path / "root", {"a/x.jpg": b"", "data/y.jpg": b"", "data/z.jpg": b""})
    (root / "out-dir").symlink_to(outside)
    (root / "out-file.jpg").symlink_to(outside / "secret.jpg")
    (root / "up").symlink_to("..")
    (root / "a/loop").symlink_to("..")
    (root / "a/self").symlink_to(".")
    (root / "broken.jpg").symlink_to("nowhere.jpg")
    (root / "infrared").symlink_to("data")
    (root / "again").symlink_to("data")
    (root / "alias.jpg").symlink_to("a/x.jpg")
    found = walk(root)
    assert found.files == [
        "a/x.jpg", "again/y.jpg", "again/z.jpg", "alias.jpg", "data/y.jpg", "data/z.jpg",
    ]  # fmt: skip
    assert {problem.path: problem.code for problem in found.problems} == {
        "out-dir": "symlink-outside",
        "out-file.jpg": "symlink-outside",
        "up": "symlink-outside",
        "a/loop": "symlink-cycle",
        "a/self": "symlink-cycle",
        "infrared": "symlink-cycle",
        "broken.jpg": "broken-symlink",
    }
    assert all(problem.action == "left out" for problem in found.problems)


def test_mutual_links_end(tmp_path):
    tree(tmp_path, {"a/x": b"", "b/y": b""})
    (tmp_path / "a/to-b").symlink_to("../b")
    (tmp_path / "b/to-a").symlink_to("../a")
    found = walk(tmp_path)
    assert found.files == ["a/to-b/y", "a/x", "b/to-a/x", "b/y"]
    assert [(problem.code, problem.path) for problem in found.problems] == [
        ("symlink-cycle", "a/to-b/to-a"), ("symlink-cycle", "b/to-a/to-b"),
    ]  # fmt: skip


def test_root_may_be_a_link_itself(tmp_path, record):
    llvip(tmp_path / "real")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert len(scan(tmp_path / "link", record).samples) == 2


def test_names_in_any_script_are_fine_and_other_bytes_are_reported(tmp_path, record):
    llvip(tmp_path)
    (tmp_path / "LLVIP").rename(tmp_path / "データ ñ")
    bad = os.fsencode(tmp_path) + b"/\xff\xfe.jpg"
    with open(bad, "wb"):  # noqa: PTH123 - a path in bytes
        pass
    manifest = scan(tmp_path, record)
    assert manifest.base == "データ ñ/"
    assert len(manifest.samples) == 2
    assert [(p.code, p.path) for p in manifest.problems] == [("name-not-utf8", "\\xff\\xfe.jpg")]


def test_folder_that_cannot_be_listed(tmp_path, monkeypatch):
    tree(tmp_path, {"a/x": b"", "b/y": b""})
    real = os.scandir

    def refuse(path):
        if str(path).endswith("/a"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", refuse)
    found = walk(tmp_path)
    assert found.files == ["b/y"]
    assert [(p.code, p.path, p.message) for p in found.problems] == [
        ("unreadable-folder", "a", "Permission denied")
    ]
