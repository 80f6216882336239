"""Labels of whole pictures that stand in paths and in lists."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from irtd_fast.formats.base import BoxOptions, LabelFile, Report
from irtd_fast.formats.columns import parse_columns
from irtd_fast.formats.lists import list_lines
from irtd_fast.formats.options import check_pattern
from irtd_fast.formats.row_options import RowOptions
from irtd_fast.formats.text_rows import read_text_rows
from irtd_fast.types import Problem, RawLabels


@dataclass(frozen=True, slots=True)
class PathOptions(BoxOptions):
    """Options of ``path_labels``.

    Attributes:
        kind: Where the labels are. ``path``: in the path of the file itself, whose groups become
            attributes of the same name (``label`` is the category of the picture as a whole);
            the file, usually the picture, is not opened. ``list``: lines ``name label``.
            ``ids``: numbers or names, one a line or separated by commas or spaces, or a vector in
            a ``.mat`` file; all pictures of each get the attribute ``attribute`` = ``value``.
            ``values``: line k is the value of what line k of ``listed_in`` names; the attribute
            has the name that the path's group ``attribute`` says, or ``attribute``.
        columns: ``list``: meaning of the columns (``image``, ``frame``, ``@…``, ``+…``, ``-``),
            see ``irtd_fast.formats.columns``.
        file_name: ``list``: pattern for column ``image`` whose groups join lines to pictures;
            without it the name's stem is the group ``stem``.
        key: ``ids``, ``values``: the group of the pictures that the ids name.
        zfill: Zeros are put before ids and key columns until they have so many characters.
        attribute: ``ids``, ``values``: the attribute to give.
        value: ``ids``: its value; without it the value of the path's group of that name.
        listed_in: ``values``: name of a file in the same folder, one id a line.
        variable: ``ids``: name of the variable of a ``.mat`` file; the only one if not given.
        names: Raw label -> the word to use.
    """

    kind: Literal["path", "list", "ids", "values"] = "path"
    columns: tuple[str, ...] = ("image", "+label")
    file_name: str = ""
    key: str = "identity"
    zfill: int = 0
    attribute: str = "split"
    value: str = ""
    listed_in: str = ""
    variable: str = ""
    names: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check what the annotations cannot say; ``ValueError`` names the option."""
        BoxOptions.__post_init__(self)
        check_pattern("file_name", self.file_name)
        if (self.kind == "values") != bool(self.listed_in) or "/" in self.listed_in:
            raise ValueError("listed_in: the name of a file, with kind values and only there")
        columns = parse_columns(self.columns, header=False)
        wrong = [r for r in columns.roles if r not in ("image", "frame", "-") and r[0] not in "@+"]
        if wrong:
            raise ValueError(f"columns: {wrong[0]!r} is not for labels of whole pictures")


_MOST_IDS = 1_000_000


def read_path_labels(file: LabelFile, options: PathOptions, report: Report) -> list[RawLabels]:
    """Read labels of whole pictures.

    Raises:
        AnnotationError: A list that cannot be read at all; ``path``, and ``line`` where it has
            one.
    """
    if options.kind == "path":
        return [RawLabels(file.groups, file.path, attributes=_named(file.groups, options))]
    if options.kind == "list":
        rows = RowOptions(
            scope="per_dataset", columns=options.columns, file_name=options.file_name,
            zfill=options.zfill, limit_mb=options.limit_mb,
        )  # fmt: skip
        labels = list(read_text_rows(file, rows, report))
        for item in labels:
            item.attributes = _named(item.attributes, options)
        return labels
    if options.kind == "values":
        return list(_values(file, options))
    return list(_ids(file, options, report))


def _named(attributes: Mapping[str, str], options: PathOptions) -> dict[str, str]:
    """Put the words of ``names`` in place of raw labels; empty groups say nothing."""
    found = {name: value for name, value in attributes.items() if value}
    if "label" in found:
        found["label"] = options.names.get(found["label"], found["label"])
    return found


def _ids(file: LabelFile, options: PathOptions, report: Report) -> Iterator[RawLabels]:
    value = options.value or file.groups.get(options.attribute, "")
    if not value:
        file.refuse(f"expected option value, or a group {options.attribute!r} in the path")
    seen: set[str] = set()
    for where, word in _words(file, options):
        name = options.names.get(word, word).zfill(options.zfill)
        if name in seen:
            message = f"{word} was given before"
            report(Problem("duplicate-id", file.path, where, message, "taken once"))
            continue
        seen.add(name)
        # Of the path only what is not the answer: a group of that name would have to fit too.
        groups = {k: v for k, v in file.groups.items() if k != options.attribute}
        yield RawLabels(
            {**groups, options.key: name}, file.path, where, attributes={options.attribute: value}
        )


def _values(file: LabelFile, options: PathOptions) -> Iterator[RawLabels]:
    beside = LabelFile(file.root, file.path[: file.path.rfind("/") + 1] + options.listed_in, {})
    root = Path(file.root).resolve()
    if not (root / beside.path).resolve().is_relative_to(root):  # a link: the walk saw it not
        beside.refuse("expected a file inside the dump, found a link out of it")
    names = _lines(beside, options)
    values = _lines(file, options)
    if len(names) != len(values):
        wanted = f"as many values as {options.listed_in} has names, {len(names)}"
        file.refuse(f"expected {wanted}, found {len(values)}")
    attribute = file.groups.get("attribute", options.attribute)
    groups = {name: word for name, word in file.groups.items() if name != "attribute"}
    for (_, name), (where, value) in zip(names, values, strict=True):
        yield RawLabels(
            {**groups, options.key: name}, file.path, where,
            attributes={attribute: options.names.get(value, value)},
        )  # fmt: skip


def _lines(file: LabelFile, options: PathOptions) -> list[tuple[str, str]]:
    """Give the lines that hold something, without blanks around."""
    found = []
    for where, line in list_lines(file, options.limit_mb):
        if word := line.strip():
            found.append((where, word))
        if len(found) > _MOST_IDS:
            file.refuse(f"expected at most {_MOST_IDS} lines, found more at {where}")
    return found


def _words(file: LabelFile, options: PathOptions) -> Iterator[tuple[str, str]]:
    count = 0
    for where, line in list_lines(file, options.limit_mb, options.variable):
        for word in re.split(r"[,;\s]+", line):
            count += bool(word)
            if count > _MOST_IDS:
                file.refuse(f"expected at most {_MOST_IDS} ids, found more at {where}")
            if word:
                yield where, word
