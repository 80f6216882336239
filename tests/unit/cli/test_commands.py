"""Every command as a user calls it: what it prints, where, and the exit code."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from irtd_fast import __version__, catalog
from irtd_fast.cli import demo as demo_module
from irtd_fast.cli import output
from irtd_fast.store.dataset import open_store
from irtd_fast.synth import Truth, add_defects, write_dump

Irtd = Callable[..., Result]
IrtdJson = Callable[..., tuple[int, Any]]

BOUNDS = ("disk", "decode", "transform", "python")
HEAVY = ("zarr", "scipy", "numba", "lxml", "tifffile", "imagecodecs", "cv2", "torch")
READERS = ("irtd_fast.formats", "irtd_fast.scan", "irtd_fast.images", "rich", "numpy")


def test_version(irtd: Irtd):
    done = irtd("--version")
    assert (done.exit_code, done.stdout) == (0, f"irtd {__version__}\n")


def test_help_names_the_exit_codes(irtd: Irtd):
    done = irtd("--help")
    assert done.exit_code == 0
    assert "130 interrupted" in done.stdout


@pytest.mark.parametrize(
    "arguments", [["--help"], ["sources"], ["sources", "--json"], ["sources", "show", "llvip"]]
)
def test_start_up_is_light(process: Callable[..., Any], arguments: list[str]):
    unwanted = HEAVY + (READERS if "sources" in arguments else ())
    code = (
        "import sys\nfrom irtd_fast.cli.main import main\nmain()\n"
        f"print([name for name in {unwanted!r} if name in sys.modules], file=sys.stderr)"
    )
    done = process(*arguments, code=code)
    assert done.stderr == "[]\n", done.stderr


# ---- sources ----------------------------------------------------------------------------------


def test_sources_lists_the_catalogue_unfolded(irtd: Irtd):
    done = irtd("sources")
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    for key in catalog.names():
        (line,) = [line for line in lines if re.split(r"\s{2,}", line)[1:2] == [key]]
        assert catalog.get(key).title in line


def test_sources_json(irtd_json: IrtdJson):
    code, document = irtd_json("sources")
    assert code == 0
    assert [entry["key"] for entry in document["sources"]] == list(catalog.names())


def test_sources_show_tells_terms_and_layouts(irtd: Irtd, irtd_json: IrtdJson):
    record = catalog.get("hit-uav")
    shown = irtd("sources", "show", "hit-uav").stdout
    assert record.terms in shown
    for variant in record.variants:
        assert f"variant {variant.name}" in shown
        assert variant.images[0].infrared in shown
    assert irtd_json("sources", "show", "hit-uav") == (0, record.to_dict())


@pytest.mark.parametrize("number", [5, 15, 25, 26])
def test_numbers_that_the_official_list_leaves_out(irtd: Irtd, irtd_json: IrtdJson, number: int):
    assert "numbers 5, 15, 25, 26 are not in IR-TD's official list" in irtd("sources").stdout
    assert irtd_json("sources")[1]["not_in_the_official_list"] == [5, 15, 25, 26]
    refused = irtd("sources", "show", str(number))
    assert refused.exit_code == 2
    assert f"IR-TD's official list has no number {number}" in refused.stderr


def test_sources_are_shown_by_number_where_it_says_which(irtd: Irtd):
    assert irtd("sources", "show", "14").stdout == irtd("sources", "show", "drone-vehicle").stdout
    assert "web-data" in irtd("sources", "show", "40").stdout
    refused = irtd("sources", "show", "63")
    assert refused.exit_code == 2
    assert "number 63 is flir-v1, flir-v1-16bit, flir-v2" in refused.stderr


def test_a_table_in_a_pipe_is_that_of_a_wide_terminal(capsys: Any, monkeypatch: Any):
    rows = [("a", 1, "x  y"), ("long name", 12345, None), ("\u5e73\u4eee", 7, "e\u0301\t\x1b[1m")]
    arguments: dict[str, Any] = {"right": (1,)}
    output.print_table(("name", "n", "说明"), rows, **arguments)
    piped = capsys.readouterr().out
    monkeypatch.setattr(output, "is_terminal", lambda stream: True)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    output.print_table(("name", "n", "说明"), rows, **arguments)
    assert capsys.readouterr().out == piped
    assert "\\x1b[1m" in piped
    assert len({line.index("x") for line in piped.splitlines() if "x  y" in line}) == 1


# ---- ingest, info, verify ---------------------------------------------------------------------


def test_ingest_says_what_it_did(irtd: Irtd, llvip: tuple[Path, Truth], tmp_path: Path):
    root, truth = llvip
    done = irtd("ingest", root, tmp_path / "s.zarr", "--source", "llvip")
    assert done.exit_code == 0
    objects = sum(len(sample.objects) for sample in truth.samples)
    assert f"llvip: 6 samples, {objects} objects, 6 visible partners" in done.stdout
    assert "infrared/packed_u8" in done.stdout
    assert "write: 12 of 12 (100 %)" in done.stderr
    assert len(open_store(tmp_path / "s.zarr")) == 6


def test_ingest_options_reach_the_store(
    irtd_json: IrtdJson, llvip: tuple[Path, Truth], tmp_path: Path
):
    store = tmp_path / "s.zarr"
    options = ["--name", "mine", "--visible", "none", "--profile", "compact", "--codec", "zstd"]
    options += ["--variant", "official", "--limit", "4", "--workers", "1"]
    code, report = irtd_json("ingest", llvip[0], store, "--source", "llvip", *options)
    assert code == 0
    assert (report["source"], report["variant"]) == ("mine", "official")
    assert [array["path"] for array in report["arrays"]] == ["infrared/packed_jpeg"]
    (source,) = open_store(store).sources
    assert (source.name, len(source)) == ("mine", 4)
    assert source.attributes["options"]["codec"] == "zstd"


def test_dry_run_writes_nothing(irtd: Irtd, llvip: tuple[Path, Truth], tmp_path: Path):
    done = irtd("ingest", llvip[0], tmp_path / "s.zarr", "--source", "llvip", "--dry-run")
    assert done.exit_code == 0
    assert "6 samples" in done.stdout
    assert "nothing was written" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_replace_writes_anew(irtd: Irtd, llvip: tuple[Path, Truth], tmp_path: Path):
    arguments = ["ingest", llvip[0], tmp_path / "s.zarr", "--source", "llvip"]
    assert irtd(*arguments, "--limit", 2).exit_code == 0
    assert irtd(*arguments, "--replace").exit_code == 0
    assert len(open_store(tmp_path / "s.zarr")) == 6


def test_ingest_with_a_record_of_ones_own(irtd: Irtd, llvip: tuple[Path, Truth], tmp_path: Path):
    known = Path(catalog.__file__).parent / "llvip.toml"
    mine = tmp_path / "mine.toml"
    mine.write_text(known.read_text().replace('key = "llvip"', 'key = "my-llvip"', 1))
    store = tmp_path / "s.zarr"
    assert irtd("ingest", llvip[0], store, "--catalog", mine).exit_code == 0
    assert [source.name for source in open_store(store).sources] == ["my-llvip"]
    done = irtd("ingest", llvip[0], store, "--catalog", mine, "--source", "llvip")
    assert done.exit_code == 2
    assert "my-llvip" in done.stderr


def test_info(irtd: Irtd, irtd_json: IrtdJson, store: Path):
    code, document = irtd_json("info", store)
    assert code == 0
    assert document["samples"] == 10
    by_name = {source["name"]: source for source in document["sources"]}
    files = {
        name: sum(p.stat().st_size for p in (store / name).rglob("*") if p.is_file())
        for name in by_name
    }
    for name, source in by_name.items():  # the table of files does not list itself
        assert 0.5 * files[name] < source["bytes"] <= files[name]
    assert by_name["llvip"]["counts"]["splits"].keys() <= {"train", "test"}
    assert by_name["llvip"]["terms"] == catalog.get("llvip").terms
    shown = irtd("info", store)
    assert shown.exit_code == 0
    assert "10 samples of 2 sources" in shown.stdout
    assert catalog.get("llvip").licence in shown.stdout


def test_verify(irtd: Irtd, irtd_json: IrtdJson, store: Path):
    code, document = irtd_json("verify", store)
    assert code == 0
    assert document["ok"] is True
    assert document["damage"] == []
    assert "every byte is as it was written" in irtd("verify", store).stdout


# ---- problems ---------------------------------------------------------------------------------


@pytest.fixture
def bad_dump(tmp_path: Path) -> Path:
    root = tmp_path / "bad"
    write_dump(root, source="llvip", count=80, seed=3, size=(64, 80))
    for number, path in enumerate(sorted((root / "infrared").rglob("*.jpg"))[:26]):
        data = path.read_bytes()
        path.write_bytes(b"" if number < 25 else data[: len(data) // 2])
    return root


def test_problems_are_listed_and_kept(irtd: Irtd, bad_dump: Path, tmp_path: Path):
    arguments = ["ingest", bad_dump, tmp_path / "s.zarr", "--source", "llvip"]
    done = irtd(*arguments)
    assert done.exit_code == 1
    examples = [line for line in done.stderr.splitlines() if line.startswith("    ")]
    assert len(examples) == 20
    assert "empty-file (25)" in done.stderr
    assert "undecodable-image (1)" in done.stderr
    assert all(" -> " in line and "infrared/" in line for line in examples)
    assert "26 samples left out" in done.stdout
    again = irtd(*arguments, "--resume")  # complete already: still not without problems
    assert again.exit_code == 1
    (source,) = open_store(tmp_path / "s.zarr").sources
    codes = list(source.column("problems", "code"))
    assert codes.count("empty-file") == 25
    shown = irtd("info", tmp_path / "s.zarr").stdout
    assert "empty-file 25" in shown
    assert "left out  26" in shown


def test_json_has_all_problems(irtd_json: IrtdJson, bad_dump: Path, tmp_path: Path):
    arguments = ["ingest", bad_dump, tmp_path / "s.zarr", "--source", "llvip"]
    code, report = irtd_json(*arguments)
    assert code == 1
    empty = [p for p in report["problems"] if p["code"] == "empty-file"]
    assert len(empty) == 25
    assert {"path", "where", "message", "action", "sample"} <= empty[0].keys()


def test_every_kind_of_defect_is_survived(irtd: Irtd, tmp_path: Path):
    root, store = tmp_path / "dump", tmp_path / "s.zarr"
    write_dump(root, source="llvip", count=40, seed=4, size=(64, 80))
    add_defects(root, "llvip", seed=1)
    done = irtd("ingest", root, store, "--source", "llvip")
    assert done.exit_code == 1, done.output
    assert irtd("verify", store).exit_code == 0


# ---- synth, demo, bench -----------------------------------------------------------------------


def test_synth_is_repeatable(irtd: Irtd, tmp_path: Path):
    for name in ("a", "b"):
        arguments = ["--source", "flir-v1-16bit", "--variant", "tree", "--count", 2, "--seed", 5]
        done = irtd("synth", tmp_path / name, *arguments)
        assert done.exit_code == 0, done.stderr
        assert "2 samples of flir-v1-16bit" in done.stdout
    a, b = (
        {p.relative_to(root): p.read_bytes() for p in root.rglob("*") if p.is_file()}
        for root in (tmp_path / "a", tmp_path / "b")
    )
    assert len(a) == 2
    assert a == b


def test_synth_of_a_given_size_with_its_truth(irtd: Irtd, tmp_path: Path):
    arguments = ["--source", "m3fd", "--count", 3, "--size", "96x128", "--truth", tmp_path / "t"]
    done = irtd("synth", tmp_path / "dump", *arguments)
    assert done.exit_code == 0, done.stderr
    truth = Truth.load(tmp_path / "t")
    assert [(s.infrared.height, s.infrared.width) for s in truth] == [(96, 128)] * 3
    assert all((tmp_path / "dump" / s.infrared.path).is_file() for s in truth)


def test_synth_of_the_published_paths(irtd: Irtd, tmp_path: Path):
    texts = tmp_path / "Location.json"
    texts.write_text('[{"image": ["/x/Data4MLLM/63-FLIR_ADAS/training/PreviewData/FLIR_1.jpeg"]}]')
    for layout, place in (
        ("ir-td", "Data4MLLM/63-FLIR_ADAS/training/PreviewData/FLIR_1.jpeg"),
        ("native", "FLIR_ADAS/training/PreviewData/FLIR_1.jpeg"),
    ):
        arguments = ["--source", "ir-td", "--texts", texts, "--variant", layout]
        done = irtd("synth", tmp_path / layout, *arguments)
        assert done.exit_code == 0, done.stderr
        assert "1 picture" in done.stdout
        assert (tmp_path / layout / place).is_file()


def test_demo_with_a_dump_of_yours(irtd: Irtd, llvip: tuple[Path, Truth], tmp_path: Path):
    out = tmp_path / "out"
    done = irtd("demo", "--data", llvip[0], "--source", "llvip", "--out", out)
    assert done.exit_code == 0, done.output
    assert "one epoch: 6 images" in done.stdout
    assert "images/s" in done.stdout
    assert f"irtd info {out / 'demo.zarr'}" in done.stdout
    assert len(open_store(out / "demo.zarr")) == 6


def test_demo_says_so_when_the_dump_has_problems(irtd: Irtd, bad_dump: Path, tmp_path: Path):
    done = irtd("demo", "--data", bad_dump, "--source", "llvip", "--out", tmp_path / "out")
    assert done.exit_code == 1
    assert "one epoch: 54 images" in done.stdout


def test_demo_draws_its_own_dumps(irtd: Irtd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    few = [
        demo_module.Dump(dump.path, dump.source, 2, dump.read_as)
        for dump in demo_module.synthetic(tmp_path / "out")
    ]
    monkeypatch.setattr(demo_module, "synthetic", lambda _: few)
    done = irtd("demo", "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    names = [source.name for source in open_store(tmp_path / "out" / "demo.zarr").sources]
    assert names == ["flir-v1", "flir-v1-16bit", "irstd-1k", "llvip"]
    assert "one epoch: 8 images" in done.stdout


def test_demo_with_a_folder_that_is_in_use(irtd: Irtd, llvip: tuple[Path, Truth], tmp_path: Path):
    (tmp_path / "mine.txt").write_text("precious")
    done = irtd("demo", "--data", llvip[0], "--source", "llvip", "--out", tmp_path)
    assert done.exit_code == 4
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_bench(irtd: Irtd, irtd_json: IrtdJson, store: Path):
    code, document = irtd_json("bench", store, "--seconds", "0.2", "--threads", "1")
    assert code == 0
    assert document["cold"].keys() >= {"images_per_s", "disk_fraction"}
    assert document["warm"]["images_per_s"] > 0
    assert document["bound_by"] in BOUNDS
    assert document["threads"] == 1
    assert "stages" in document
    shown = irtd("bench", store, "--seconds", "0.2")
    assert shown.exit_code == 0, shown.stderr
    rates = re.findall(r"^(cold|warm) +[\d,]+ ", shown.stdout, re.MULTILINE)
    assert rates[:2] == ["cold", "warm"]
    assert re.search(rf"^bound by: ({'|'.join(BOUNDS)})$", shown.stdout, re.MULTILINE)


@pytest.mark.dumps
@pytest.mark.parametrize("key", ["hit-uav", "sirst-v2", "llvip", "flir-v1-16bit"])
def test_real_dumps(irtd: Irtd, irtd_json: IrtdJson, dumps: Path, tmp_path: Path, key: str):
    store = tmp_path / "s.zarr"
    done = irtd("ingest", dumps / key, store, "--source", key, "--limit", 12)
    assert done.exit_code == 0, done.stderr
    assert irtd("verify", store).exit_code == 0
    code, document = irtd_json("info", store)
    assert code == 0
    assert document["samples"] == 12
    picture = tmp_path / "x.png"
    assert irtd("show", store, "0", "-o", picture).exit_code == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
