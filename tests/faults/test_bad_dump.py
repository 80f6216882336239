"""Planted defects, ingested: each is in the report, the run goes on, the rest is untouched."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import irtd_fast
from irtd_fast import catalog, ingest
from irtd_fast.engines import ingest as engine
from irtd_fast.errors import CorruptStoreError
from irtd_fast.scan import scan
from irtd_fast.store.columns import read_strings
from irtd_fast.store.plan import IngestOptions
from irtd_fast.synth import add_defects, write_dump
from irtd_fast.types import SampleFlag

# source, synthetic variant, variant to ingest, where its files are
CASES = [
    ("llvip", None, None, ""),
    ("sirst-v2", None, None, ""),
    ("flir-v1", "v1.3", "v1.3", ""),
    ("flir-v1", "v1.0", "v1.0", ""),
    ("flir-v1-16bit", "v1.3", "v1.3", ""),
    ("flir-v1-16bit", "tree", "tree", ""),
    ("irstd-1k", None, None, ""),
    ("hit-uav", None, "normal_json", "normal_json/"),
    ("hit-uav", None, "normal_xml", "normal_xml/"),
]
# planted -> reported where it is not the same word
REPORTED = {
    "truncated-image": {"undecodable-image", "truncated-image", "unsupported-image"},
    "nan-box": {"not-finite-box"},
    "xml-doctype": {"unreadable-labels"},
}
LOSES = {"empty-file", "truncated-image", "lfs-pointer", "huge-image", "symlink-outside"}
OBJECT_CODES = {"inverted-box", "nan-box"}


@pytest.mark.parametrize(("source", "made", "variant", "inside"), CASES)
def test_every_planted_defect(source, made, variant, inside, scratch, look_at):
    root, clean = scratch / "dump", scratch / "clean"
    write_dump(root, source=source, variant=made, count=44, size=(64, 80), seed=4)
    shutil.copytree(root, clean)
    planted = [item for item in add_defects(root, source, seed=1) if item[0].startswith(inside)]
    if variant == "normal_json":  # the first is what lost its XML, in another variant
        planted.remove(next(item for item in planted if item[1] == "image-without-label"))
    assert len(planted) >= 6
    ingest(clean, scratch / "clean.zarr", source=source, variant=variant)
    report = ingest(root, scratch / "s.zarr", source=source, variant=variant)
    check_report(report, planted)
    names = {
        s.infrared.path: s.name for s in scan(clean, catalog.get(source), variant=variant).samples
    }
    lost = {names[path] for path, code in planted if code in LOSES}
    hurt = {problem.sample for problem in report.problems if problem.sample}
    right = {sample.name: sample for sample in irtd_fast.open(scratch / "clean.zarr")}
    ds = irtd_fast.open(scratch / "s.zarr")
    assert {sample.name for sample in ds} == set(right) - lost
    for sample in ds:
        flagged = bool(sample.flags & SampleFlag.HAS_PROBLEMS)
        assert flagged == (sample.name in hurt), sample.name
        if not flagged:
            assert look_at(sample) == look_at(right[sample.name])
    check_kept(planted, names, ds, right)
    assert irtd_fast.verify(scratch / "s.zarr").ok


def check_report(report, planted):
    """Each planted defect has its own line with path, reason and what was done."""
    left = list(report.problems)
    for path, code in planted:
        wanted = REPORTED.get(code, {code})
        found = [problem for problem in left if problem.path == path and problem.code in wanted]
        assert found, f"{code} in {path} was not reported"
        assert found[0].message
        assert found[0].action
        left.remove(found[0])
    assert report.counts["problems"] == len(report.problems)
    codes = list(read_strings(engine.Path(report.store) / report.source / "problems/code"))
    assert sorted(codes) == sorted(problem.code for problem in report.problems)


def check_kept(planted, names, ds, right):
    """Pictures with bad labels or a wrong name are kept whole, and marked."""
    by_name = {sample.name: sample for sample in ds}
    for path, code in planted:
        if code == "mislabelled-image":
            sample = by_name[names[path]]
            difference = sample.infrared.astype(int) - right[sample.name].infrared
            assert np.abs(difference).max() <= 40  # some were encoded again as JPEG
        if code == "image-without-label" and path in names:
            assert len(by_name[names[path]].boxes) == 0
    fewer = sum(len(right[s.name].boxes) - len(s.boxes) for s in ds)
    assert fewer >= sum(code in OBJECT_CODES for _, code in planted)


# ---- found only when the pixels are decoded ------------------------------------------------------

BODIES = [("llvip", None, "jpg"), ("sirst-v2", None, "png"), ("flir-v1-16bit", "tree", "tiff")]


def cut(path):
    """Take away the end of the pixels; the header stays whole."""
    data = path.read_bytes()
    if path.suffix == ".tiff":  # the directory is behind the pixels: spoil them in place
        path.write_bytes(data[:8] + b"\xff" * (len(data) // 3) + data[8 + len(data) // 3 :])
    else:
        path.write_bytes(data[: len(data) * 2 // 3])


@pytest.mark.parametrize("few", [1, 99], ids=["bucket", "packed"])
@pytest.mark.parametrize(("source", "variant", "suffix"), BODIES)
def test_a_bad_body_leaves_a_declared_hole(small_dumps, scratch, source, variant, suffix, few):
    dump = shutil.copytree(small_dumps(source, variant=variant), scratch / "dump")
    names = {s.infrared.path: s.name for s in scan(dump, catalog.get(source)).samples}
    victims = list(names)[2:9:3]
    for path in victims:
        assert path.endswith(suffix)
        cut(dump / path)
    store = scratch / "s.zarr"
    report = ingest(dump, store, source=source, options=IngestOptions(few=few, visible="none"))
    assert [p.path for p in report.problems] == victims
    assert {p.code for p in report.problems} == {"undecodable-image"}
    assert {p.action for p in report.problems} == {"sample left out"}
    ds = irtd_fast.open(store)
    assert {s.name for s in ds} == set(names.values()) - {names[path] for path in victims}
    (info,) = [a for a in ds.sources[0].arrays if a.modality == "infrared"]
    document = json.loads((store / source / info.path / "zarr.json").read_text())
    assert document["attributes"]["irtd"]["holes"] == [2, 5, 8]
    if few == 1:
        reader = ds.sources[0].reader(ds.sources[0].arrays.index(info))
        for row in (2, 5, 8):
            with pytest.raises(CorruptStoreError, match="missing"):
                reader.read(row)
    assert irtd_fast.verify(store).ok
    for sample in ds:
        assert sample.infrared.any()


def change(path, how):
    if how == "written again":
        path.write_bytes(path.read_bytes())
    elif how == "longer":
        path.write_bytes(path.read_bytes() + b"\0")
    elif how == "gone":
        path.unlink()
    else:
        path.write_bytes(b"")


@pytest.mark.parametrize("how", ["written again", "longer", "gone", "empty"])
@pytest.mark.parametrize(
    ("source", "variant", "options"),
    [
        ("llvip", None, IngestOptions(few=1)),
        ("llvip", None, IngestOptions("compact")),
        ("flir-v1-16bit", "tree", IngestOptions(few=1)),
        ("sirst-v2", None, IngestOptions(few=99)),
    ],
    ids=["jpeg", "compact", "tiff", "png"],
)
def test_a_file_that_changes_between_plan_and_write(
    small_dumps, scratch, monkeypatch, source, variant, options, how
):
    dump = shutil.copytree(small_dumps(source, variant=variant), scratch / "dump")
    victim = scan(dump, catalog.get(source)).samples[3]
    run = engine.run_tasks

    def change_first(*args, **kwargs):
        change(dump / victim.infrared.path, how)
        return run(*args, **kwargs)

    monkeypatch.setattr(engine, "run_tasks", change_first)
    report = ingest(dump, scratch / "s.zarr", source=source, options=options)
    (problem,) = report.problems
    assert problem.code == ("unreadable" if how == "gone" else "changed-since-plan")
    assert (problem.path, problem.sample) == (victim.infrared.path, victim.name)
    names = [sample.name for sample in irtd_fast.open(scratch / "s.zarr")]
    assert len(names) == 11
    assert victim.name not in names
    assert irtd_fast.verify(scratch / "s.zarr").ok


@pytest.mark.parametrize("visible", ["compact", "fast"])
def test_a_partner_that_cannot_be_decoded(small_dumps, scratch, visible):
    dump = shutil.copytree(small_dumps("llvip"), scratch / "dump")
    victim = scan(dump, catalog.get("llvip")).samples[4]
    cut(dump / victim.visible.path)
    options = IngestOptions(visible=visible, few=1)
    report = ingest(dump, scratch / "s.zarr", source="llvip", options=options)
    (problem,) = report.problems
    assert (problem.code, problem.action) == (
        "undecodable-image", "kept without its visible partner",
    )  # fmt: skip
    assert report.counts["visible"] == 11
    for sample in irtd_fast.open(scratch / "s.zarr"):
        assert (sample.visible is None) == (sample.name == victim.name)
        assert bool(sample.flags & SampleFlag.HAS_PROBLEMS) == (sample.name == victim.name)
        assert sample.infrared.any()
    assert irtd_fast.verify(scratch / "s.zarr").ok


# ---- pictures that claim to be huge ----------------------------------------------------------

MEASURED = """
    import json, resource, sys, time
    from irtd_fast import ingest
    ingest(sys.argv[1], sys.argv[2] + "/first", source=sys.argv[3])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    report = ingest(sys.argv[4], sys.argv[2] + "/second", source=sys.argv[3])
    seconds = time.perf_counter() - start
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(json.dumps([[p.code for p in report.problems], seconds, grown / 1024]))
"""


@pytest.mark.parametrize(("source", "variant", "suffix"), BODIES)
def test_a_huge_picture_is_refused_by_its_header(small_dumps, scratch, source, variant, suffix):
    clean = small_dumps(source, variant=variant, count=30)
    dump = shutil.copytree(clean, scratch / "dump")
    planted = [path for path, code in add_defects(dump, source, seed=2) if code == "huge-image"]
    kept = (dump / planted[0]).read_bytes()
    shutil.rmtree(dump)
    shutil.copytree(clean, dump)
    (dump / planted[0]).write_bytes(kept)
    assert planted[0].endswith(suffix)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(MEASURED), clean, scratch, source, dump],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    codes, seconds, megabytes = json.loads(done.stdout)
    assert codes == ["huge-image"]
    assert seconds < 10
    assert megabytes < 64


def test_names_of_all_kinds(small_dumps, scratch):
    dump = shutil.copytree(small_dumps("sirst-v2"), scratch / "dump")
    name = "Größe 名前 \U0001f600 'quoted' %s \\ back"
    first = sorted((dump / "images/targets").glob("*.png"))[0]
    first.rename(first.with_name(name + ".png"))
    report = ingest(dump, scratch / "s.zarr", source="sirst-v2")
    assert report.problems
    ds = irtd_fast.open(scratch / "s.zarr")
    (sample,) = [s for s in ds if s.name == name]
    assert sample.infrared.any()
    assert sample.id == f"sirst-v2/{name}"
    assert irtd_fast.verify(scratch / "s.zarr").ok
