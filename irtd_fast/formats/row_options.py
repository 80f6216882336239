"""Options of ``text_rows``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from irtd_fast.formats.base import BoxOptions
from irtd_fast.formats.columns import Columns, parse_columns
from irtd_fast.formats.options import check_pattern


@dataclass(frozen=True, slots=True)
class RowOptions(BoxOptions):
    """Options of ``text_rows``.

    Attributes:
        scope: ``per_image``: the file is about the picture, or all the pictures, that the groups
            of its path name; each row is an object or gives attributes. ``per_dataset``: columns
            (``image``, ``frame``, ``@…``) say which picture a row is about. ``per_sequence``: row
            k, counted from 0, is about one picture of the sequence that the path names.
        columns: Meaning of the columns, see ``irtd_fast.formats.columns``.
        delimiter: ``auto``: a comma, a semicolon, or any run of spaces and tabs, also mixed.
            ``csv``: commas, cells may be quoted.
        header: The first line names the columns.
        comment: Lines that begin with one of these are passed over (``% bbGt version=3``).
        normalised: Coordinates are parts of the picture's width and height.
        frames: ``per_sequence``: ``number``: row k is about frame ``first + k * stride``;
            ``rank``: about picture ``first + k * stride`` of the sequence in natural order,
            where the first picture is 0.
        first: See ``frames``.
        stride: See ``frames``. 0: found from the counts of rows and pictures; refused if that
            does not give one answer.
        strides: With ``stride`` 0: the only ones to choose from; none stands for any.
        absent: Which rows say that there is no target: ``none``; ``zeros``: only zeros, or only
            NaN; ``empty``: also width or height <= 0. Such a row makes no object; the attribute
            ``infrared_target`` (or ``visible_target``) of the picture is ``absent``.
        file_name: Pattern for column ``image`` whose groups join rows to pictures; without it the
            name's stem is the group ``stem``.
        zfill: Zeros are put before key columns (``@…``) until they have so many characters.
        names: Raw names of categories by number, the first is number ``class_base``.
        class_base: See ``names``.
        categories: Raw category in the file -> name to use, where a list will not do.
        ranges: Name -> (low, high): attributes ``+NAME?`` get the name of the first range that
            their number lies in, both ends included.
    """

    scope: Literal["per_image", "per_dataset", "per_sequence"] = "per_image"
    columns: tuple[str, ...] = ("category", "cx", "cy", "w", "h")
    delimiter: Literal["auto", "csv"] = "auto"
    header: bool = False
    comment: tuple[str, ...] = ("#", "%")
    normalised: bool = False
    frames: Literal["number", "rank"] = "number"
    first: int = 1
    stride: int = 1
    strides: tuple[int, ...] = ()
    absent: Literal["none", "zeros", "empty"] = "none"
    file_name: str = ""
    zfill: int = 0
    names: tuple[str, ...] = ()
    class_base: Literal[0, 1] = 0
    categories: Mapping[str, str] = field(default_factory=dict)
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check what the annotations cannot say; ``ValueError`` names the option."""
        BoxOptions.__post_init__(self)  # super() does not know a class with slots
        columns = self.parsed()
        keys = [role for role in columns.roles if role in ("image", "frame") or role[0] == "@"]
        if (self.scope == "per_dataset") != bool(keys):
            message = "columns: image, frame and @… go with scope per_dataset, and it needs one"
            raise ValueError(message)
        if self.scope == "per_sequence" and columns.shape not in ("", "xywh", "xyxy", "corners"):
            raise ValueError("columns: scope per_sequence takes xywh, xyxy, corners or attributes")
        if not columns.shape and self.absent != "none":
            raise ValueError("absent: goes with columns of a box")
        if self.normalised and self.reference:
            raise ValueError("normalised: contradicts reference")
        if self.first < 0 or self.stride < 0:
            raise ValueError("first, stride: must not be negative")
        if self.ranges.keys() and not any(role.endswith("?") for role in columns.roles):
            raise ValueError("ranges: no column asks for them (+NAME?)")
        if self.strides and (self.stride or min(self.strides) < 1):
            raise ValueError("strides: go with stride 0, and are 1 or more")
        check_pattern("file_name", self.file_name)

    def parsed(self) -> Columns:
        """Give the meaning of the columns."""
        return parse_columns(self.columns, header=self.header)
