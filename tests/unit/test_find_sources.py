"""Which dumps lie in a folder: by name, by layout, by both."""

from __future__ import annotations

import json

import pytest
from dump_trees import JPEG, llvip, tree
from typer.testing import CliRunner

from irtd_fast import catalog
from irtd_fast.cli.main import app
from irtd_fast.scan.find import find_sources


def found(root):
    return {
        (f.folder, f.source): (f.variant, f.pictures, f.confidence)
        for f in find_sources(root, catalog.records())
    }


def moved(root, name, make, **options):
    make(root / "tmp", **options)
    inner = next((root / "tmp").iterdir())
    inner.rename(root / name)
    (root / "tmp").rmdir()


def test_numbered_folders(tmp_path):
    moved(tmp_path, "1-LLVIP", llvip)
    files = [f"24-VT5000/{s}/{d}/1.{e}" for s in ("Train", "Test")
             for d, e in (("RGB", "jpg"), ("T", "jpg"), ("GT", "png"))]  # fmt: skip
    tree(tmp_path, dict.fromkeys(files, JPEG))
    tree(tmp_path, {"63-FLIR_ADAS/notes.txt": "", "7-RGBT234/x.zip": "", "99-Other/a.jpg": JPEG})
    assert found(tmp_path) == {
        ("1-LLVIP", "llvip"): ("official", 2, "sure"),
        ("24-VT5000", "vt5000"): ("official", 2, "sure"),
        ("7-RGBT234", "rgbt234"): ("", 0, "name only"),
        **{
            ("63-FLIR_ADAS", key): ("", 0, "name only")
            for key in ("flir-v1", "flir-v1-16bit", "flir-v2")
        },
    }


def test_layout_without_a_name_is_likely_or_possible(tmp_path):
    moved(tmp_path, "pedestrians", llvip)
    tree(tmp_path, dict.fromkeys(["x/ir/1.png", "x/vi/1.png"], JPEG))
    result = found(tmp_path)
    assert result["pedestrians", "llvip"] == ("official", 2, "likely")
    assert result["x", "tno"] == ("repack", 1, "likely")


def test_root_itself(tmp_path):
    moved(tmp_path, "LLVIP", llvip)
    assert found(tmp_path / "LLVIP") == {(".", "llvip"): ("official", 2, "sure")}


def test_unknown_layouts_are_found_by_name(tmp_path):
    tree(tmp_path, {"21-JU-VNT/a/b.jpg": JPEG, "nothing/of/ours.jpg": JPEG})
    (finding,) = find_sources(tmp_path, catalog.records())
    assert (finding.folder, finding.source) == ("21-JU-VNT", "ju-vnt")


def test_command(tmp_path):
    moved(tmp_path, "1-LLVIP", llvip)
    result = CliRunner().invoke(app, ["sources", "find", str(tmp_path), "--json"])
    assert result.exit_code == 0
    (finding,) = json.loads(result.stdout)["found"]
    assert finding["source"] == "llvip"
    assert "named 1-LLVIP" in finding["reason"]
    (tmp_path / "empty").mkdir()
    assert CliRunner().invoke(app, ["sources", "find", str(tmp_path / "empty")]).exit_code == 1


def test_listing_and_showing(tmp_path):
    result = CliRunner().invoke(app, ["sources", "--json"])
    data = json.loads(result.stdout)
    assert [source["key"] for source in data["sources"]] == list(catalog.names())
    assert data["not_in_the_official_list"] == [5, 15, 25, 26]
    shown = CliRunner().invoke(app, ["sources", "show", "drone-vehicle"]).stdout
    assert "100 pixels are cut off" in shown
    assert "evidence" in shown
    assert "expected tree" in shown


MINE = """
key = "my-source"
title = "Mine"
homepage = "https://example.org"
citation = "none"
licence = "none"
terms = "none"
band = "LWIR"
bit_depth = 8
registration = "unpaired"
tasks = ["location"]
[[variants]]
name = "only"
title = "flat"
images = [{ infrared = 'frames/(?P<stem>[^/]+)\\.jpg' }]
"""


@pytest.mark.parametrize("verb", ["list", "show", "find", "ingest"])
def test_a_record_of_ones_own_works_the_same_way(tmp_path, verb):
    mine = tmp_path / "mine.toml"
    mine.write_text(MINE, encoding="utf-8")
    root = tree(tmp_path / "dumps", {"my_source/frames/a.jpg": JPEG})
    arguments = {
        "list": ["sources", "--catalog", str(mine), "--json"],
        "show": ["sources", "show", "--catalog", str(mine), "--json"],
        "find": ["sources", "find", str(root), "--catalog", str(mine), "--json"],
        "ingest": ["ingest", str(root), str(tmp_path / "s"), "--catalog", str(mine), "--json"],
    }[verb]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "my-source" in result.stdout
