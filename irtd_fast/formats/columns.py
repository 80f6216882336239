"""What the columns of a text table mean: the small language of a record's ``columns`` option.

==============================  =============================================================
``x y w h``                     box: least edges and size
``xmin ymin xmax ymax``         box: least and greatest edges
``cx cy w h`` (``angle``)       box: centre and size; with an angle in radians: turned
``x1 y1 x2 y2`` … ``x4 y4``     four corners, in any order of the columns; the box is the hull
``px py``                       a point
``category``                    raw category, or a number (see ``names`` and ``categories``)
``track``                       whole number
``difficult truncated``         flags: 0, false and no are false; other numbers, true, yes are
``occluded crowd ignore``       true
``image``                       name of the picture: its stem, or the groups of ``file_name``
``frame``                       number of the picture in its sequence
``@GROUP``                      part of the key that joins the row to a picture, such as
                                ``@stem``, ``@sequence`` or ``@identity``
``+NAME``                       attribute of the picture
``+NAME?``                      the same, by the range of ``ranges`` that its number lies in
``-``                           not used
``...``                         last: further columns may follow and are not used
==============================  =============================================================

With ``header = true`` the first line names the columns, and an entry is ``meaning=NAME IN THE
HEADER`` (the meaning alone where both are the same); columns that no entry names are not used.
"""

from __future__ import annotations

from dataclasses import dataclass

FLAGS = ("difficult", "truncated", "occluded", "crowd", "ignore")
_XYWH = ("x", "y", "w", "h")
_XYXY = ("xmin", "ymin", "xmax", "ymax")
_CENTRE = ("cx", "cy", "w", "h")
_CORNERS = ("x1", "y1", "x2", "y2", "x3", "y3", "x4", "y4")
_POINT = ("px", "py")
GEOMETRY = frozenset((*_XYWH, *_XYXY, *_CENTRE, "angle", *_CORNERS, *_POINT))
_OTHER = frozenset(("category", "track", "image", "frame", "-", *FLAGS))
SHAPES: dict[str, tuple[str, ...]] = {
    "": (),
    "xywh": _XYWH,
    "xyxy": _XYXY,
    "cxcywh": _CENTRE,
    "turned": (*_CENTRE, "angle"),
    "corners": _CORNERS,
    "point": _POINT,
}


@dataclass(frozen=True, slots=True)
class Columns:
    """The meaning of a table's columns.

    Attributes:
        roles: Meaning of each column that is looked at, ``-`` where it is not used.
        names: Names of the columns in the header, empty without a header.
        shape: Key of ``SHAPES``.
        open_end: Further columns may follow.
    """

    roles: tuple[str, ...]
    names: tuple[str, ...]
    shape: str
    open_end: bool

    def place(self, role: str) -> int:
        """Give the number of a role's column, -1 if there is none."""
        return self.roles.index(role) if role in self.roles else -1

    def starting(self, mark: str) -> dict[str, int]:
        """Give name -> number of the columns whose role begins with ``@`` or ``+``."""
        return {role[1:]: i for i, role in enumerate(self.roles) if role.startswith(mark)}


def parse_columns(entries: tuple[str, ...], *, header: bool) -> Columns:
    """Check a ``columns`` option.

    Raises:
        ValueError: An unknown or doubled meaning, or coordinates that make no geometry.
    """
    open_end = entries[-1:] == ("...",)
    if open_end:
        entries = entries[:-1]
    pairs = [entry.partition("=")[::2] if header else (entry, "") for entry in entries]
    roles = tuple(role for role, _ in pairs)
    names = tuple(name or role.lstrip("@+").removesuffix("?") for role, name in pairs)
    used = [role for role in roles if role != "-"]
    if not used:
        raise ValueError("columns: expected the meaning of at least one column, found none")
    for role in used:
        if role not in GEOMETRY and role not in _OTHER and (role[0] not in "@+" or not role[1:]):
            raise ValueError(f"columns: unknown meaning {role!r}")
        if used.count(role) > 1:
            raise ValueError(f"columns: {role!r} is given twice")
    found = GEOMETRY.intersection(used)
    shape = next((name for name, parts in SHAPES.items() if found == set(parts)), None)
    if shape is None:
        raise ValueError(f"columns: {' '.join(sorted(found))} make no box, corners or point")
    return Columns(roles, names if header else (), shape, open_end)
