"""The records, and what a wrong record is told."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from irtd_fast import catalog
from irtd_fast.catalog.patterns import compile_pattern, pattern_groups
from irtd_fast.catalog.record import PAIRINGS
from irtd_fast.errors import SourceError, UnknownSourceError
from irtd_fast.formats import READERS
from irtd_fast.formats.options import parse_options
from irtd_fast.formats.points_json import PointOptions
from irtd_fast.formats.row_options import RowOptions

MINIMAL = """
key = "mine"
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
images = [{ infrared = '(?P<stem>[^/]+)\\.png' }]
"""


OPTIONS = {"text_rows": RowOptions, "points_json": PointOptions}


def load(tmp_path, text):
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return catalog.load_file(path)


# Titles of the official list by index, as the sources are commonly called, and what people use
# beside them; numbers 5, 15, 25 and 26 are not in the list.
OFFICIAL = {
    1: "llvip", 2: "kaist", 3: "m3fd", 4: "vedai", 6: "lsotb-tir", 7: "rgbt234", 8: "lasher",
    9: "vtuav", 10: "mfnet", 11: "irstd-1k", 12: "sirst-aug", 13: "bu-tiv", 14: "drone-vehicle",
    16: "massmind", 17: "isdd", 18: "cdfag", 19: "wide-irstd", 20: "dmist", 21: "ju-vnt",
    22: "pop", 23: "rgbt-cc", 24: "vt5000", 27: "industry", 28: "vt1000", 29: "vt821",
    30: "uvt2000", 31: "flir-v1", **dict.fromkeys(range(32, 51), "web-data"), 51: "rgbnir",
    52: "uav-rgb-t-2400", 53: "llcm", 54: "regdb", 55: "sysu-mm01", 56: "thermal-world",
    57: "pvel-ad", 58: "sirst-aug", 59: "ptb-tir", 60: "drone-rgbt", 61: "uvt20k", 62: "itsdt",
    63: "flir-v1",
}  # fmt: skip
BESIDE = {
    "hit-uav", "sirst-v1", "sirst-v2", "ist-a", "gtot", "elpv", "roadscene", "tno", "msrs",
    "flir-v1", "flir-v1-16bit", "flir-v2", "flir-aligned", "rjpeg", "wrd", "sirst-bmp",
    "vtuav-bus1", "image-folder", "class-folders", "coco", "voc", "yolo",
}  # fmt: skip


def test_every_number_of_the_official_list_has_its_record():
    assert sorted(set(range(1, 64)) - OFFICIAL.keys()) == [5, 15, 25, 26]
    for number, key in OFFICIAL.items():
        assert number in catalog.get(key).index, key
    used = {number for record in catalog.records() for number in record.index}
    assert used == OFFICIAL.keys()
    assert set(catalog.names()) >= set(OFFICIAL.values()) | BESIDE


@pytest.mark.parametrize("key", catalog.names())
def test_every_record_is_checked_whole(key):
    path = Path(catalog.__file__).parent / f"{key}.toml"
    assert catalog.load_file(path) == catalog.get(key)
    record = catalog.get(key)
    unsure = record.evidence.get("layout", "S").startswith("?")
    assert record.layout_known != (unsure or key in GENERIC)
    assert record.obtain
    assert record.tree or not record.layout_known
    for variant in record.variants:
        assert variant.pairs_by in PAIRINGS


GENERIC = {"image-folder", "class-folders", "coco", "voc", "yolo"}


@pytest.mark.parametrize("alias", ["kaist-demo", "m3fd-sample", "vedai-sample", "mfnet-sample"])
def test_aliases_find_their_record(alias):
    assert alias in catalog.get(alias).aliases
    assert alias not in catalog.names()


def test_keys_and_aliases_are_unique():
    words = [word for record in catalog.records() for word in (record.key, *record.aliases)]
    assert len(words) == len(set(words))


def test_typos_of_the_publishers_are_aliases():
    categories = catalog.get("drone-vehicle").categories
    assert {raw for raw, name in categories.items() if name == "freight car"} == {
        "feright car", "feright_car", "feright", "freight car",
    }  # fmt: skip
    assert categories["truvk"] == "truck"
    assert catalog.get("kaist").categories["person?a"] == "person?"
    assert catalog.get("lsotb-tir").categories["motobike"] == "motorcycle"


def test_listing_imports_no_reader_and_is_quick():
    code = (
        "import sys, time; from irtd_fast import catalog; t = time.process_time();"
        "n = len(list(catalog.records())); t = time.process_time() - t;"
        "bad = [m for m in sys.modules if m.startswith(('irtd_fast.formats', 'irtd_fast.images',"
        "'irtd_fast.scan', 'irtd_fast.cli', 'numpy', 'lxml'))]; print(n, t, bad)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    count, seconds, modules = done.stdout.split(maxsplit=2)
    assert int(count) == len(catalog.names())
    assert modules.strip() == "[]"
    assert float(seconds) < 0.15


@pytest.mark.parametrize("key", catalog.names())
def test_record_survives_json_and_keeps_its_digest(key):
    record = catalog.get(key)
    again = catalog.parse_record(json.loads(json.dumps(record.to_dict())), "json")
    assert again == record
    assert again.digest() == record.digest()
    assert len(record.digest()) == 64


@pytest.mark.parametrize("key", catalog.names())
def test_reader_options_of_every_record_are_valid(key):
    for variant in catalog.get(key).variants:
        for spec in variant.annotations:
            kind = READERS[spec.format].options if spec.format in READERS else OPTIONS[spec.format]
            assert isinstance(parse_options(kind, spec.options, key), kind)


@pytest.mark.parametrize("key", catalog.names())
def test_expected_splits_are_canonical_and_add_up(key):
    record = catalog.get(key)
    if record.expected.splits:
        assert sum(record.expected.splits.values()) == record.expected.samples
    lists = {split for variant in record.variants for split in variant.split_files}
    assert set(record.expected.splits) <= set(record.splits.values()) | lists


def test_digests_differ():
    digests = [catalog.get(key).digest() for key in catalog.names()]
    assert len(set(digests)) == len(digests)


def test_unknown_source_lists_three_nearest():
    with pytest.raises(UnknownSourceError, match=r"nearest: hit-uav, \S+, \S+") as caught:
        catalog.get("hituav")
    assert isinstance(caught.value, LookupError)


def test_minimal_record(tmp_path):
    record = load(tmp_path, MINIMAL)
    assert record.key == "mine"
    assert record.variants[0].name_template == "{stem}"
    assert record.variant("only").channels == "gray"
    with pytest.raises(SourceError, match="no variant 'other'; the record has only"):
        record.variant("other")


BAD = [
    ('licence = "none"', "", r"licence: missing \(expected text\)"),
    ('licence = "none"', 'licence = " "', "licence: must not be empty"),
    ('licence = "none"', 'licence = "none"\nlicense = "x"', "license: unknown key"),
    ('band = "LWIR"', 'band = "lwir"', "band: expected one of NIR, "),
    ("bit_depth = 8", "bit_depth = 12", "bit_depth: expected one of 8, 16, found 12"),
    ("bit_depth = 8", 'bit_depth = "8"', "bit_depth: expected an integer"),
    ("bit_depth = 8", "bit_depth = true", "bit_depth: expected an integer"),
    ('["location"]', "[]", "tasks: expected some of"),
    ('["location"]', '["locating"]', "tasks: expected some of .* found 'locating'"),
    ('["location"]', "[1]", "tasks: expected a list of text"),
    ('key = "mine"', 'key = "My Source"', "key: 'My Source' does not fit"),
    ('key = "mine"', 'key = "mine"\nignore = ["x"]', "ignore: 'x' is not a canonical category"),
    ("images = [", "colour = 1\nimages = [", r"variants\[0\].colour: unknown key"),
    ("images = [", "chroma_tolerance = -1\nimages = [", "must not be negative"),
    ("images = [", 'name_template = "{split}"\nimages = [', "name_template: .*split"),
    ("images = [", 'name_template = "same"\nimages = [', "name_template: no field"),
    ("(?P<stem>", "(?P<stem", r"variants\[0\].images\[0\].infrared: not a regular expression"),
    ("(?P<stem>", "(?P<base>", "the group name 'base' is taken"),
    ("\\.png' }", "\\.png', mask = 'x' }", "mask: shares no named group with infrared"),
    ("[{ infrared", "[{ visible", r"images\[0\].infrared: missing"),
]


@pytest.mark.parametrize(("old", "new", "message"), BAD, ids=[case[2][:40] for case in BAD])
def test_wrong_record_names_file_and_key(tmp_path, old, new, message):
    assert old in MINIMAL
    with pytest.raises(SourceError, match=message) as caught:
        load(tmp_path, MINIMAL.replace(old, new, 1))
    assert "mine.toml" in str(caught.value)


def test_wrong_evidence_and_double_variants(tmp_path):
    with pytest.raises(SourceError, match=r"evidence\.licence: must begin with S, L or"):
        load(tmp_path, MINIMAL + '[evidence]\nlicence = "sure"\n')
    again = MINIMAL[MINIMAL.index("[[variants]]") :]
    with pytest.raises(SourceError, match="variants: names must differ"):
        load(tmp_path, MINIMAL + again)


def test_not_toml(tmp_path):
    with pytest.raises(SourceError, match=r"mine\.toml: not TOML"):
        load(tmp_path, "key = \n")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"geometri": ["bndbox"]}, "options.geometri: unknown key"),
        ({"base": 2}, "options.base: expected one of 0, 1"),
        ({"inclusive": 1}, "options.inclusive: expected bool"),
        ({"modality": "thermal"}, "options.modality: expected one of infrared, visible"),
        ({"geometry": ["ellipse"]}, "options.geometry: expected one of .* found 'ellipse'"),
    ],
)
def test_wrong_reader_options_name_the_key(table, message):
    with pytest.raises(SourceError, match=message):
        READERS["xml_objects"].parse_options(table, "mine")


def test_pattern_takes_the_shortest_base():
    match = compile_pattern(r"(?P<folder>(?:[^/]+/)*)t/(?P<stem>\w+)\.png").fullmatch("a/b/t/x.png")
    assert match is not None
    assert (match["base"], match["folder"], match["stem"]) == ("", "a/b/", "x")
    match = compile_pattern(r"t/(?P<stem>\w+)\.png").fullmatch("a/b/t/x.png")
    assert match is not None
    assert match["base"] == "a/b/"
    assert compile_pattern(r"t/(?P<stem>\w+)\.png").fullmatch("not/x.png") is None
    assert pattern_groups(r"(?P<b>x)(?P<a>y)") == ("a", "b")


@pytest.mark.parametrize("key", catalog.names())
def test_every_record_says_how_sure_its_homepage_and_licence_are(key):
    record = catalog.get(key)
    facts = {"homepage": record.homepage, "licence": record.licence}
    stated = {name for name, text in facts.items() if text not in ("none", "yours")}
    assert stated <= record.evidence.keys() | ({"homepage"} if key == "rjpeg" else set())
    for name in stated & record.evidence.keys():
        if facts[name].startswith(("not known", "not stated in what we could read")):
            assert record.evidence[name][0] == "?" or "no licence file" in record.evidence[name]
