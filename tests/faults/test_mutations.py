"""Damage to any file of a store: verify names it, and no reader ever gives a wrong answer."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

import irtd_fast
from irtd_fast.errors import IrtdError, StoreError

SOURCES = ["llvip", "targets", "packed", "counts", "compact"]
QUICK = SOURCES[:3]  # have every kind of file between them


def read_or_refuse(store, expected, look_at):
    """Read every sample; answers must be right. Return the names of samples that raised."""
    try:
        ds = irtd_fast.open(store)
        names = [sample.name for sample in ds]
    except IrtdError:
        return set(expected)
    assert names == list(expected)
    refused = set()
    for sample in ds:
        try:
            seen = look_at(sample)
        except IrtdError:
            refused.add(sample.name)
            continue
        right = expected[sample.name]
        wrong = [key for key in seen if seen[key] != right[key]]
        assert not wrong, f"{sample.id}: wrong {wrong}"
    return refused


def damage_of(store):
    """Lines of damage; a root that cannot be read is one too."""
    try:
        return irtd_fast.verify(store).damage
    except StoreError as error:
        return [irtd_fast.store.verify.Damage("", error.path, -1, "", str(error))]


def names_it(damage, store, path):
    """Whether a line of damage names this file, or the table it belongs to."""
    relative = path.relative_to(store)
    tables = {relative, *(p for p in relative.parents if p.name == "files")}
    wanted = {str(p) for p in tables} | {str(path)}
    return any(line.path in wanted for line in damage)


def check(store, path, expected, look_at, label):
    refused = read_or_refuse(store, expected, look_at)
    damage = damage_of(store)
    assert damage, f"{label} went unnoticed"
    assert names_it(damage, store, path), f"{label}: not named in {damage}"
    rows = [line for line in damage if line.row >= 0]
    for line in rows:
        assert line.sample in expected, f"{label}: no sample named: {line}"
    return refused, {line.sample for line in rows}


def flip_one_bit(path, rng):
    data = bytearray(path.read_bytes())
    bit = int(rng.integers(8 * len(data)))
    data[bit // 8] ^= 1 << bit % 8
    path.write_bytes(data)
    return bit


def is_pixels(path, store):
    parts = path.relative_to(store).parts
    return len(parts) > 3 and parts[1] in ("infrared", "visible", "masks") and (
        "c" in parts[3:] and (parts[3] in ("c", "values")))  # fmt: skip


def flip_every_file(store, expected, look_at, seed):
    pixels = 0
    for number, path in enumerate(sorted(p for p in store.rglob("*") if p.is_file())):
        good = path.read_bytes()
        bit = flip_one_bit(path, np.random.default_rng([seed, number]))
        label = f"bit {bit} of {path.relative_to(store)}"
        refused, named = check(store, path, expected, look_at, label)
        if is_pixels(path, store):
            pixels += 1
            assert named <= refused, label
            assert not named or refused == named, label
        path.write_bytes(good)
    assert pixels > 0
    assert irtd_fast.verify(store).ok


@pytest.mark.parametrize("source", QUICK)
def test_a_flipped_bit_in_every_file(source, one_source, answers, look_at):
    flip_every_file(one_source(source), answers[source], look_at, 1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 6))
@pytest.mark.parametrize("source", SOURCES)
def test_more_flipped_bits(source, seed, one_source, answers, look_at):
    flip_every_file(one_source(source), answers[source], look_at, seed)


@pytest.mark.parametrize("source", SOURCES)
def test_many_flipped_bits_of_pixel_files(source, one_source, answers, look_at):
    """The files that hold nearly all bytes, one bit at a time, without the rest."""
    store = one_source(source)
    files = sorted(p for p in store.rglob("*") if p.is_file() and is_pixels(p, store))
    for number, path in enumerate(files):
        good = path.read_bytes()
        for seed in range(6):
            flip_one_bit(path, np.random.default_rng([seed, number]))
            refused = read_or_refuse(store, answers[source], look_at)
            assert len(refused) <= len(answers[source])
            path.write_bytes(good)


@pytest.mark.parametrize("source", QUICK[:1])
def test_a_lost_file(source, one_source, answers, look_at):
    lose_every_file(one_source(source), answers[source], look_at)


@pytest.mark.slow
@pytest.mark.parametrize("source", SOURCES[1:])
def test_more_lost_files(source, one_source, answers, look_at):
    lose_every_file(one_source(source), answers[source], look_at)


def lose_every_file(store, expected, look_at):
    for path in sorted(p for p in store.rglob("*") if p.is_file()):
        good = path.read_bytes()
        path.unlink()
        check(store, path, expected, look_at, f"loss of {path.relative_to(store)}")
        path.write_bytes(good)


def kinds_of_files(store, source):
    """One file of each kind: documents of groups and arrays, chunks of each modality, columns."""
    found = {}
    for path in sorted((store / source).rglob("*")):
        if path.is_file():
            parts = path.relative_to(store / source).parts
            kind = path.name if path.name == "zarr.json" else "chunk"
            room = parts[0] if parts[0] in ("infrared", "visible", "masks", "files") else "table"
            found.setdefault((kind, room, is_pixels(path, store)), path)
    return list(found.values())


@pytest.mark.parametrize("source", SOURCES)
def test_truncated_and_grown_files(source, one_source, answers, look_at):
    store = one_source(source)
    for path in kinds_of_files(store, source):
        good = path.read_bytes()
        sizes = {0, 1, len(good) // 2, len(good) - 5, len(good) - 4, len(good) - 1}
        for size in sorted(size for size in sizes if 0 <= size < len(good)):
            path.write_bytes(good[:size])
            label = f"{path.relative_to(store)} cut to {size} of {len(good)} bytes"
            check(store, path, answers[source], look_at, label)
        for more in (b"\0", good):
            path.write_bytes(good + more)
            label = f"{path.relative_to(store)} with {len(more)} bytes more"
            check(store, path, answers[source], look_at, label)
        path.write_bytes(good)


@pytest.mark.parametrize(
    ("source", "one", "two"),
    [
        ("llvip", "infrared/h64w80u8/c/0/0/0", "infrared/h64w80u8/c/1/0/0"),
        ("counts", "infrared/h64w80u16/c/0/0/0", "infrared/h64w80u16/c/1/0/0"),
        ("packed", "infrared/packed_u16/values/c/0", "infrared/packed_u16/values/c/1"),
        ("llvip", "visible/packed_jpeg/values/c/0", "infrared/h64w80u8/c/0/0/0"),
        ("llvip", "samples/frame/c/0", "samples/identity/c/0"),
    ],
)
def test_swapped_files_are_found(source, one, two, one_source):
    """Whole files in each other's place have valid checksums: verify knows where they belong."""
    store = one_source(source)
    paths = [store / source / name for name in (one, two)]
    first, second = (path.read_bytes() for path in paths)
    paths[0].write_bytes(second)
    paths[1].write_bytes(first)
    if first == second:
        assert irtd_fast.verify(store).ok  # nothing has changed
        return
    damage = irtd_fast.verify(store).damage
    for path in paths:
        assert names_it(damage, store, path)


@pytest.mark.parametrize(
    "name",
    ["extra", "infrared/h64w80u8/c/9/0/0", "samples/extra/zarr.json", "files/extra",
     "infrared/h64w80u8/c/0/0/0.partial", ".hidden"],
)  # fmt: skip
def test_an_extra_file_is_found(name, one_source, answers, look_at):
    store = one_source("llvip")
    path = store / "llvip" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}")
    refused, _ = check(store, path, answers["llvip"], look_at, name)
    assert refused == set()


def test_a_source_of_another_name_is_found(one_source):
    """A renamed source still verifies: its content is what it was; its name is the folder's."""
    store = one_source("llvip")
    shutil.move(store / "llvip", store / "renamed")
    assert irtd_fast.verify(store).ok
    assert {sample.source for sample in irtd_fast.open(store)} == {"renamed"}
