"""Searching folder by folder gives the same as trying a pattern on every path."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from irtd_fast import catalog
from irtd_fast.catalog.patterns import compile_pattern, pattern_groups
from irtd_fast.scan.paths import Paths, split_pattern
from irtd_fast.scan.walk import natural_key


def by_path(pattern, files):
    """Do it plainly: the whole pattern on every path, sorted by the natural key of the path."""
    found = []
    for path in files:
        match = re.fullmatch(rf"(?P<base>(?:.*?/)??)(?:{pattern})", path)
        if match:
            values = tuple(match[name] or "" for name in pattern_groups(pattern))
            found.append((path, match["base"], values))
    return sorted(found, key=lambda item: natural_key(item[0]))


def all_patterns():
    for key in catalog.names():
        for variant in catalog.get(key).variants:
            for images in variant.images:
                yield from (p for p in (images.infrared, images.visible, images.mask) if p)
            yield from (spec.files for spec in variant.annotations)
            yield from variant.split_files.values()
            yield from (p for p in (variant.folds, variant.pairing_file) if p)


PATTERNS = [
    r"t/(?P<stem>[^/]+)\.png",
    r"(?P<stem>[^/]+)\.png",
    r"(?P<folder>(?:[^/]+/)*)t/(?P<stem>\w+)\.png",
    r"(?:a/)?t/(?P<frame>\d+)(?P<side>[rl])?\.(?:png|jpg)",
    r"(?P<all>.*)\.png",
    r"t/(?P<stem>.+)\.png",
    r"t/[^.]+\.png",
    r"a/x|t/(?P<stem>\w+)\.png",
    r"(?P<seq>\w+)/(?P<stem>(?P=seq)_\d+)\.png",
    r"(?P<split>a|t)/(?P<stem>(?P<id>\d+)_(?P<cam>\d))\.(?i:PNG)",
    r"t/(?:b/)?(?P<stem>\d+)\.png",
    r"t[/](?P<stem>\d+)\.png",
    r"t/(?P<stem>[!-~]+)\.png",
]
UNSPLIT = {4, 5, 6, 7, 8, 10, 11, 12}
FOLDERS = ["", "a/", "t/", "a/t/", "t/b/", "t/t/", "a01/t/", "a1/t/", "x-1/t/", "x/t/", "t-9/t/"]
NAMES = ["1.png", "02.png", "2.png", "10.png", "t_7.png", "7_1.PNG", "3l.jpg", "x.png", "t.png"]
trees = st.sets(st.sampled_from([f + n for f in FOLDERS for n in NAMES]), max_size=40)


@pytest.mark.parametrize("number", range(len(PATTERNS)))
def test_only_patterns_that_can_be_split_are(number):
    assert (split_pattern(PATTERNS[number]) is None) == (number in UNSPLIT)


@given(files=trees, pattern=st.sampled_from(PATTERNS))
@example(files={"t/2.png", "t/b/1.png", "t/10.png"}, pattern=PATTERNS[10])
@example(files={"a01/t/2.png", "a1/t/1.png"}, pattern=PATTERNS[0])
@settings(max_examples=400, deadline=None)
def test_folder_search_equals_whole_paths(files, pattern):
    expected = by_path(pattern, files)
    paths = Paths.of_files(sorted(files))
    counts = {}
    for _, base, _ in expected:
        counts[base] = counts.get(base, 0) + 1
    assert dict(paths.bases(pattern)) == counts
    for base in {"", "a/", *counts}:
        assert paths.matches(pattern, base) == [(p, v) for p, b, v in expected if b == base]
    assert (paths.first(pattern) is None) == (not expected)


@given(tree=st.data())
@settings(max_examples=60, deadline=None)
def test_patterns_of_the_catalogue_find_paths_made_from_them(tree):
    pattern = tree.draw(st.sampled_from(sorted(set(all_patterns()))))
    path = tree.draw(st.from_regex(rf"\A(?:{pattern})\Z", fullmatch=True))
    path = "".join(c for c in path if c not in "\n\0")
    expected = by_path(pattern, [path])
    found = Paths.of_files([path]).bases(pattern)
    assert dict(found) == ({expected[0][1]: 1} if expected else {})


def test_most_patterns_of_the_catalogue_are_split():
    patterns = set(all_patterns())
    whole = [pattern for pattern in patterns if split_pattern(pattern) is None]
    assert len(whole) <= len(patterns) // 10, whole
    assert all(compile_pattern(pattern) for pattern in patterns)


def test_files_without_a_folder_are_counted_and_listed():
    paths = Paths([("", ["a"]), ("b/", []), ("c/d/", ["e", "f"])])
    assert len(paths) == 3
    assert list(paths) == ["a", "c/d/e", "c/d/f"]
