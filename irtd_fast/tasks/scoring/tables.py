"""Tables of answers: TSV, CSV and XLSX as plain rows, and JSON lines, bounded and located."""

from __future__ import annotations

import csv
import json
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from irtd_fast.errors import AnnotationError, UnsupportedError

MAX_BYTES = 1 << 30
_BROKEN_BOOK = (OSError, ValueError, LookupError, TypeError, AttributeError, SyntaxError, EOFError)
_MAX_FIELD = 1 << 28  # VLMEvalKit's tables may hold whole pictures in base64
Row = tuple[int, dict[str, Any]]


def read_text(path: Path) -> str:
    """Give the text of a file.

    Raises:
        AnnotationError: Too large, or not UTF-8.
    """
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise AnnotationError(
            f"{path}: expected at most {MAX_BYTES} bytes, found {size}", path=str(path)
        )
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise AnnotationError(
            f"{path}: expected UTF-8, found byte {error.object[error.start]:#04x} at {error.start}",
            path=str(path),
        ) from error


def read_json(path: Path) -> Any:
    """Give the value of a JSON file.

    Raises:
        AnnotationError: Not JSON, with the line.
    """
    text = read_text(path)
    try:
        return json.loads(text)
    except ValueError as error:
        line = getattr(error, "lineno", 1)
        reason = getattr(error, "msg", str(error))
        raise AnnotationError(
            f"{path}, line {line}: not JSON: {reason}", path=str(path), line=line
        ) from error
    except RecursionError as error:
        raise AnnotationError(f"{path}: JSON nested too deeply", path=str(path)) from error


def read_lines(path: Path) -> Iterator[Row]:
    """Give the objects of a JSONL file with their lines.

    Raises:
        AnnotationError: A line that is no JSON object.
    """
    for number, line in enumerate(read_text(path).split("\n"), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            reason = getattr(error, "msg", str(error) or "nested too deeply")
            raise AnnotationError(
                f"{path}, line {number}: not JSON: {reason:.120}", path=str(path), line=number
            ) from error
        if not isinstance(value, dict):
            raise AnnotationError(
                f"{path}, line {number}: expected an object, found {type(value).__name__}",
                path=str(path), line=number,
            )  # fmt: skip
        yield number, value


def read_separated(path: Path) -> Iterator[Row]:
    """Give the rows of a TSV or CSV file with a header; lines are those where a row ends.

    Raises:
        AnnotationError: A row that has more fields than the header, or a field without an end.
    """
    delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
    before = csv.field_size_limit(_MAX_FIELD)
    try:
        lines = read_text(path).splitlines(keepends=True)
        reader = csv.DictReader(lines, delimiter=delimiter, strict=True)
        for row in reader:
            if None in row:
                raise AnnotationError(
                    f"{path}, line {reader.line_num}: more fields than the header has",
                    path=str(path), line=reader.line_num,
                )  # fmt: skip
            yield reader.line_num, dict(row)
    except csv.Error as error:
        raise AnnotationError(f"{path}: not a table: {error}", path=str(path)) from error
    finally:
        csv.field_size_limit(before)


def read_workbook(path: Path) -> Iterator[Row]:
    """Give the rows of an XLSX file's first sheet.

    Raises:
        AnnotationError: Not a workbook.
        UnsupportedError: openpyxl is not installed.
    """
    try:
        import openpyxl
    except ImportError as error:
        raise UnsupportedError(
            f"{path}: reading XLSX needs openpyxl: pip install 'irtd_fast[xlsx]'; or have "
            "VLMEvalKit write PRED_FORMAT=tsv"
        ) from error
    if path.stat().st_size > MAX_BYTES:
        raise AnnotationError(f"{path}: larger than {MAX_BYTES} bytes", path=str(path))
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        try:
            rows = book.worksheets[0].iter_rows(values_only=True)
            header = [str(cell) for cell in next(rows, ()) if cell is not None]
            for number, cells in enumerate(rows, 2):
                yield number, dict(zip(header, cells, strict=False))
        finally:
            book.close()
    except (*_BROKEN_BOOK, zipfile.BadZipFile, zlib.error) as error:
        raise AnnotationError(f"{path}: not a workbook: {error}", path=str(path)) from error
