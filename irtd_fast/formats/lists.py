"""Lists of names or ids: a text, or a vector in a MATLAB file."""

from __future__ import annotations

from collections.abc import Iterator

from irtd_fast.formats.base import LabelFile
from irtd_fast.formats.matlab import is_matlab, read_matlab
from irtd_fast.formats.table import LIMIT_MB, refuse_wide_text


def list_lines(file: LabelFile, limit_mb: int = 0, variable: str = "") -> Iterator[tuple[str, str]]:
    """Give the place and text of every line, or of every entry of a vector.

    Args:
        file: The list.
        limit_mb: Most that is read, in 10^6 bytes; 0 is the default of texts.
        variable: Of a MATLAB file; "" is the only one.

    Raises:
        AnnotationError: It cannot be read, is too large, or neither UTF-8 text nor such a vector;
            ``path`` and, in a text, ``line`` are given.
    """
    data = file.read_bytes(limit_mb or LIMIT_MB)
    if is_matlab(data):
        values = read_matlab(file, data, variable).reshape(-1)
        for number, value in enumerate(values.tolist(), start=1):
            whole = isinstance(value, float) and value.is_integer()
            yield f"entry {number}", str(int(value) if whole else value).strip()
        return
    refuse_wide_text(file, data)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        file.refuse("expected UTF-8 text", data.count(b"\n", 0, error.start) + 1)
    for number, line in enumerate(text.splitlines(), start=1):
        yield f"line {number}", line
