"""A dump in which too much fails stops the scan; one with some broken files is read to its end."""

from __future__ import annotations

import pickle

import pytest
from dump_trees import llvip

from irtd_fast import catalog, ingest
from irtd_fast.errors import FailureRateError
from irtd_fast.scan import scan
from irtd_fast.scan.failures import DEFAULT_FAILURE_RATE

STEMS = [f"01{i:04d}" for i in range(50)]


@pytest.fixture
def dump(tmp_path):
    def make(pictures=0, labels=0):
        llvip(tmp_path, stems=STEMS)
        for stem in STEMS[:pictures]:
            (tmp_path / f"LLVIP/infrared/train/{stem}.jpg").write_bytes(b"broken, for sure")
        for stem in STEMS[50 - labels :]:
            (tmp_path / f"LLVIP/Annotations/{stem}.xml").write_bytes(b"<annotation>")
        return tmp_path

    return make


@pytest.mark.parametrize("what", ["pictures", "labels"])
def test_half_may_fail_and_no_more(dump, what):
    assert DEFAULT_FAILURE_RATE == 0.5
    manifest = scan(dump(**{what: 25}), catalog.get("llvip"))
    assert len(manifest.samples) == (25 if what == "pictures" else 50)
    with pytest.raises(FailureRateError, match="26 of 50") as caught:
        scan(dump(**{what: 26}), catalog.get("llvip"))
    error = caught.value
    assert (error.failed, error.total, error.source) == (26, 50, "llvip")
    assert len(error.problems) >= 26
    code = "not-an-image" if what == "pictures" else "unreadable-labels"
    assert f"26 {code}" in str(error)
    assert error.problems[0] in str(error)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_the_rate_is_an_option(dump):
    root = dump(labels=21)
    with pytest.raises(FailureRateError, match=r"more than max_failure_rate 0\.4"):
        scan(root, catalog.get("llvip"), max_failure_rate=0.4)
    assert len(scan(dump(pictures=50), catalog.get("llvip"), max_failure_rate=1).samples) == 0


def test_fewer_than_twenty_never_stop(dump):
    scan(dump(pictures=19), catalog.get("llvip"), max_failure_rate=0)
    with pytest.raises(FailureRateError):
        scan(dump(pictures=20), catalog.get("llvip"), max_failure_rate=0)


@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan")])
def test_a_rate_that_is_none(dump, rate):
    with pytest.raises(ValueError, match="max_failure_rate must be from 0 to 1"):
        scan(dump(), catalog.get("llvip"), max_failure_rate=rate)


@pytest.mark.parametrize("what", ["pictures", "labels"])
def test_an_ingest_stops_and_leaves_no_source(dump, tmp_path, what):
    root = dump(**{what: 40})
    with pytest.raises(FailureRateError):
        ingest(root, tmp_path / "s.zarr", source="llvip")
    assert not (tmp_path / "s.zarr" / "llvip").exists()
    report = ingest(root, tmp_path / "s.zarr", source="llvip", max_failure_rate=1)
    assert report.counts["samples"] == (10 if what == "pictures" else 50)
