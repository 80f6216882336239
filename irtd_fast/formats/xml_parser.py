"""XML from strangers: what is refused unseen, and a parser that fetches nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from irtd_fast.formats.base import LabelFile

if TYPE_CHECKING:
    from lxml.etree import XMLParser

DEEPEST = 64
NO_DOCTYPE = "a DOCTYPE is refused (it can pull in files or blow up)"
_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))


def safe_parser() -> XMLParser:
    """Make a parser that resolves, fetches and expands nothing."""
    from lxml import etree

    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)


def refuse_doctype(file: LabelFile, data: bytes) -> None:
    """Look for a DOCTYPE in the bytes, since a parser reads it before we could say no.

    Raises:
        AnnotationError: There is one, or the bytes do not begin as XML does.
    """
    encoding = next((name for mark, name in _BOMS if data.startswith(mark)), "utf-8")
    text = data.decode(encoding, errors="replace").lstrip("\ufeff")
    if not text.lstrip(" \t\r\n").startswith("<") or "\0" in text[:8]:
        file.refuse(f"expected XML in UTF-8 or an encoding like it, found {data[:12]!r}", 1)
    match = re.search(r"<!\s*(DOCTYPE|ENTITY)", text, re.IGNORECASE)
    if match:
        file.refuse(NO_DOCTYPE, text.count("\n", 0, match.start()) + 1)
