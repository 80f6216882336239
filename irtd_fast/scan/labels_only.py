"""Labels without their pictures: read to the last row, checked, and counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from irtd_fast.catalog import SourceRecord
from irtd_fast.errors import AnnotationError, SourceError
from irtd_fast.formats import READERS, BoxOptions, FormatReader, LabelFile, SequenceRows
from irtd_fast.scan.failures import FailureLimit
from irtd_fast.scan.labels import unreadable
from irtd_fast.scan.layout import Layout
from irtd_fast.types import Problem, RawLabels


class LabelCounter:
    """Reads the label files of a layout that has no pictures.

    Args:
        root: The dump's root.
        record: The source.
        problems: Defects are added: what readers report, files that cannot be read, and sides of
            a pair that do not have as many rows.
        failures: Stops where too many files cannot be read.
    """

    def __init__(
        self, root: Path, record: SourceRecord, problems: list[Problem], failures: FailureLimit
    ) -> None:
        self._root, self._record = root, record
        self._problems, self._failures = problems, failures
        self._sides: dict[tuple[str, ...], tuple[str, str, int]] = {}

    def read_all(self, layout: Layout) -> list[str]:
        """Read every label file.

        Returns:
            What is there, a sentence for each kind of file.

        Raises:
            SourceError: The record's reader options are wrong.
            FailureRateError: Too large a part of the files cannot be read.
        """
        notes = ["labels alone: there are no pictures, so no samples"]
        for number, (spec, files) in enumerate(layout.labels):
            where = f"{self._record.key}: {layout.variant.name}.annotations[{number}]"
            if spec.format not in READERS:
                message = f"{where}.format: there is no reader of {spec.format} yet"
                raise SourceError(message, source=self._record.key)
            reader = READERS[spec.format]
            options = reader.parse_options(spec.options, where)
            rows, absent, failed = 0, 0, 0
            for path, groups in files:
                labels = self._read(LabelFile(self._root, path, groups), reader, options)
                if labels is None:
                    failed += 1
                    continue
                rows += len(labels)
                absent += labels.absent if isinstance(labels, SequenceRows) else 0
                self._compare(options.modality, path, groups, len(labels))
            self._failures.check("label files", failed, len(files), self._problems)
            if files:
                gone = f", {absent:,} of them without a target" if absent else ""
                notes.append(f"{rows:,} rows in {len(files):,} files such as {files[0][0]}{gone}")
        return notes

    def _read(
        self, file: LabelFile, reader: FormatReader, options: BoxOptions
    ) -> Sequence[RawLabels] | None:
        try:
            return reader.read(file, options, self._problems.append)
        except AnnotationError as error:
            self._problems.append(unreadable(file.path, error))
            return None

    def _compare(self, modality: str, path: str, groups: Mapping[str, str], rows: int) -> None:
        """Both sides of a sequence, in one folder, must have as many rows."""
        key = (path.rpartition("/")[0], *sorted(groups.values()))
        side, other, count = self._sides.setdefault(key, (modality, path, rows))
        if side != modality and count != rows:
            message = f"expected {count} rows as in {other}, found {rows}"
            problem = Problem("unequal-sequence", path, "", message, "kept as they are")
            self._problems.append(problem)
