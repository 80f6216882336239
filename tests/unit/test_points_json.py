"""Points of pictures in JSON, .npy and .mat, and files that are refused."""

from __future__ import annotations

import contextlib
import json
import pickle

import numpy as np
import pytest
import scipy.io

from irtd_fast.errors import AnnotationError
from irtd_fast.formats import READERS
from irtd_fast.formats.base import LabelFile

READER = READERS["points_json"]
POINTS = [[10.5, 20.0], [639.0, 0.25], [-3.0, 700.0]]


def read(tmp_path, data, name="1162_GT.json", **table):
    (tmp_path / name).write_bytes(data)
    problems = []
    file = LabelFile(tmp_path, name, {"stem": "1162"})
    (labels,) = READER.read(file, READER.parse_options(table, "test"), problems.append)
    assert labels.key == {"stem": "1162"}
    return [item.point for item in labels.objects], problems


def mat(tmp_path, **variables):
    scipy.io.savemat(tmp_path / "made.mat", variables, do_compression=bool(len(variables) % 2))
    return (tmp_path / "made.mat").read_bytes()


def npy(array, **options):
    import io

    stream = io.BytesIO()
    np.save(stream, array, **options)
    return stream.getvalue()


def test_rgbt_cc_json(tmp_path):
    points, problems = read(tmp_path, json.dumps({"points": POINTS, "w": 640}).encode())
    assert points == [tuple(point) for point in POINTS]
    assert not problems


def test_nested_key_dictionaries_and_further_numbers(tmp_path):
    data = json.dumps({"a": {"b": [{"x": 1, "y": "2"}, [3, 4, 0.9]]}}).encode()
    assert read(tmp_path, data, key="a.b")[0] == [(1, 2), (3, 4)]


def test_base_order_and_pixel_centres(tmp_path):
    data = json.dumps({"points": [[3, 4]]}).encode()
    assert read(tmp_path, data, order="yx")[0] == [(4, 3)]
    assert read(tmp_path, data, base=1, points="index")[0] == [(2.5, 3.5)]


def test_bad_points_are_reported_and_the_rest_is_read(tmp_path):
    data = json.dumps(
        {"points": [[1], "ab", None, [1, None], [True, 1], {"x": 1}, [5, 6]]}
    ).encode()
    points, problems = read(tmp_path, data)
    assert points == [(5, 6)]
    assert [p.where for p in problems] == [f"points[{i}]" for i in range(6)]


def test_nan_is_reported_and_passes_to_the_point_policy(tmp_path):
    points, problems = read(tmp_path, b'{"points":\n[[NaN, 1], [2, -Infinity]]}')
    assert np.array_equal(points, [(np.nan, 1), (2, -np.inf)], equal_nan=True)
    assert [(p.code, p.where) for p in problems] == [("not-json-number", "line 2")]


@pytest.mark.parametrize("dtype", ["<f4", ">f8", "<i2", "<u4"])
@pytest.mark.parametrize("fortran", [False, True])
def test_npy_of_any_number_type(tmp_path, dtype, fortran):
    array = np.array([[1, 2, 0], [30, 40, 1]], dtype, order="F" if fortran else "C")
    assert read(tmp_path, npy(array), "a.npy")[0] == [(1, 2), (30, 40)]


def test_empty_lists(tmp_path):
    assert read(tmp_path, b'{"points": []}')[0] == []
    assert read(tmp_path, npy(np.zeros((0, 2))), "a.npy")[0] == []


@pytest.mark.parametrize("dtype", ["u1", "i4", "f4", "f8", "u2"])
def test_mat_of_any_number_type_as_scipy_reads_it(tmp_path, rng, dtype):
    for count in (1, 2, 7, 300):
        points = rng.integers(0, 200, (count, 3)).astype(dtype)
        for compress in (False, True):
            scipy.io.savemat(tmp_path / "m.mat", {"points": points}, do_compression=compress)
            expected = scipy.io.loadmat(tmp_path / "m.mat")["points"][:, :2]
            found, _ = read(tmp_path, (tmp_path / "m.mat").read_bytes(), "a.mat")
            assert found == [tuple(row) for row in expected.astype(float).tolist()]


def test_plain_and_nested_mat(tmp_path):
    points = np.array(POINTS)
    assert read(tmp_path, mat(tmp_path, points=points), "a.mat")[0] == [tuple(p) for p in POINTS]
    # The way in which ShanghaiTech's files hold them: a cell that holds a structure.
    inner = np.empty((1, 1), object)
    inner[0, 0] = {"location": points, "number": np.array([[3]])}
    data = mat(tmp_path, image_info=inner, other=np.eye(2))
    assert read(tmp_path, data, "a.mat", key="image_info.location")[0] == [tuple(p) for p in POINTS]


class Payload:
    ran = False

    def __reduce__(self):
        return (Payload.run, ())

    @staticmethod
    def run():
        Payload.ran = True
        return []


def huge_header():
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000, 2), }"
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header


def deep_mat():
    """Cells in cells, 100,000 levels, as bytes: nobody's writer makes them."""
    levels = 100_000
    head = (6).to_bytes(4, "little") + (8).to_bytes(4, "little") + (1).to_bytes(8, "little")
    shape = (5).to_bytes(4, "little") + (8).to_bytes(4, "little") + b"\1\0\0\0" * 2
    name = (1).to_bytes(4, "little") + bytes(4)
    body, step = [], len(head + shape + name) + 8
    for level in range(levels):
        size = (levels - level) * step - 8
        body.append((14).to_bytes(4, "little") + size.to_bytes(4, "little") + head + shape + name)
    return b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\1IM" + b"".join(body)


def mat_of_object():
    block = (6).to_bytes(4, "little") + (8).to_bytes(4, "little") + (3).to_bytes(8, "little")
    return (
        b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\1IM"
        + (14).to_bytes(4, "little") + len(block).to_bytes(4, "little") + block
    )  # fmt: skip


def bomb_mat():
    import zlib

    packed = zlib.compress(bytes(300_000_000), 9)
    return (
        b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\1IM"
        + (15).to_bytes(4, "little") + len(packed).to_bytes(4, "little") + packed
    )  # fmt: skip


REFUSED = {
    "no points": (b'{"heads": []}', "expected points at 'points', found heads"),
    "a list": (b"[[1, 2]]", "found list"),
    "no list": (b'{"points": 3}', "points: expected a list"),
    "not json": (b'{"points": [1\n,2', "line 2: not JSON"),
    "pickled array": (npy(np.array([Payload()]), allow_pickle=True), "array of numbers"),
    "structured": (npy(np.zeros(3, [("a", "f4")])), "array of numbers"),
    "words": (npy(np.array(["a", "b"])), "array of numbers"),
    "one column": (npy(np.zeros((5, 1))), "2 or more"),
    "cut array": (npy(np.zeros((50, 2)))[:-8], "to fill the file"),
    "array of 16 TB": (huge_header(), "to fill the file"),
    "odd version": (b"\x93NUMPY\x09\x00" + bytes(100), "not an .npy file"),
    "a pickle": (pickle.dumps(Payload()), "not JSON|zero byte"),
    "mat 7.3": (b"MATLAB 7.3 MAT-file".ljust(512, b"\0"), "found 7.3"),
    "mat without mark": (b"MATLAB 5.0 MAT-file".ljust(512, b"\0"), "byte order mark"),
    "mat object": (mat_of_object(), "an object is refused"),
    "mat bomb": (bomb_mat(), "bytes unpacked"),
    "utf-16": ('{"points": []}'.encode("utf-16"), "line 1: expected UTF-8 text, found UTF-16"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_files_that_are_refused(tmp_path, case):
    data, message = REFUSED[case]
    with pytest.raises(AnnotationError, match=message):
        read(tmp_path, data)
    assert not Payload.ran


def test_mat_without_the_variable(tmp_path):
    with pytest.raises(AnnotationError, match="expected a variable 'points', found heads"):
        read(tmp_path, mat(tmp_path, heads=np.eye(2)), "a.mat")
    with pytest.raises(AnnotationError, match=r"expected a field 'b' in heads\.b, found none"):
        read(tmp_path, mat(tmp_path, heads=np.eye(2)), "a.mat", key="heads.b")
    with pytest.raises(AnnotationError, match="expected numbers"):
        read(tmp_path, mat(tmp_path, points="text"), "a.mat")


def test_mutated_mat_files_never_crash(tmp_path, rng):
    inner = np.empty((1, 1), object)
    inner[0, 0] = {"location": np.array(POINTS)}
    for data in (mat(tmp_path, points=inner), mat(tmp_path, points=np.array(POINTS), b=[1])):
        for _ in range(300):
            damaged = bytearray(data)
            for place in rng.integers(100, len(data), 3):
                damaged[place] = rng.integers(256)
            with contextlib.suppress(AnnotationError):
                read(tmp_path, bytes(damaged), "a.mat", key="points.location")


def test_a_hundred_thousand_cells_in_each_other_are_refused(tmp_path):
    with pytest.raises(AnnotationError, match="levels of cells"):
        read(tmp_path, deep_mat(), "a.mat", key="")


def test_a_list_without_key(tmp_path):
    assert read(tmp_path, b"[[1, 2], [3, 4]]", key="")[0] == [(1, 2), (3, 4)]


def test_too_many_points(tmp_path):
    with pytest.raises(AnnotationError, match="at most 2 points"):
        read(tmp_path, json.dumps({"points": POINTS}).encode(), max_points=2)


def test_file_larger_than_the_limit(tmp_path):
    with pytest.raises(AnnotationError, match=r"expected at most 1 MB .*found 1\.5 MB"):
        read(tmp_path, b" " * 1_500_000, limit_mb=1)
