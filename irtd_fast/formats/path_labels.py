"""Labels of whole pictures that stand in paths and in lists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from irtd_fast.formats.base import BoxOptions
from irtd_fast.formats.columns import parse_columns
from irtd_fast.formats.options import check_pattern


@dataclass(frozen=True, slots=True)
class PathOptions(BoxOptions):
    """Options of ``path_labels``.

    Attributes:
        kind: Where the labels are. ``path``: in the path of the file itself, whose groups become
            attributes of the same name (``label`` is the category of the picture as a whole);
            the file, usually the picture, is not opened. ``list``: lines ``name label``.
            ``ids``: numbers or names, one a line or separated by commas or spaces, or a vector in
            a ``.mat`` file; all pictures of each get the attribute ``attribute`` = ``value``.
        columns: ``list``: meaning of the columns (``image``, ``frame``, ``@…``, ``+…``, ``-``),
            see ``irtd_fast.formats.columns``.
        file_name: ``list``: pattern for column ``image`` whose groups join lines to pictures;
            without it the name's stem is the group ``stem``.
        key: ``ids``: the group of the pictures that the ids name.
        zfill: Zeros are put before ids and key columns until they have so many characters.
        attribute: ``ids``: the attribute to give.
        value: ``ids``: its value; without it the value of the path's group of that name.
        variable: ``ids``: name of the variable of a ``.mat`` file; the only one if not given.
        names: Raw label -> the word to use.
    """

    kind: Literal["path", "list", "ids"] = "path"
    columns: tuple[str, ...] = ("image", "+label")
    file_name: str = ""
    key: str = "identity"
    zfill: int = 0
    attribute: str = "split"
    value: str = ""
    variable: str = ""
    names: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check what the annotations cannot say; ``ValueError`` names the option."""
        BoxOptions.__post_init__(self)
        check_pattern("file_name", self.file_name)
        columns = parse_columns(self.columns, header=False)
        wrong = [r for r in columns.roles if r not in ("image", "frame", "-") and r[0] not in "@+"]
        if wrong:
            raise ValueError(f"columns: {wrong[0]!r} is not for labels of whole pictures")
