"""When a scan gives up: too large a part of the files cannot be used.

A dump with some broken files is read to its end, and they are reported. Where more than the
accepted part fails it is the wrong folder, a broken disk or the wrong record, and hours of work on
the rest would be wasted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from irtd_fast.errors import FailureRateError
from irtd_fast.types import Problem

DEFAULT_FAILURE_RATE = 0.5
_LEAST = 20  # fewer failures than this never stop a scan: tiny dumps are for looking at
_SHOWN = 5


class FailureLimit:
    """Counts files that could not be used, and stops the scan beyond a rate.

    Args:
        rate: Largest accepted part, from 0 to 1; 1 never stops. At least 20 files must fail.
        source: Key of the source, for the message.

    Raises:
        ValueError: The rate is not from 0 to 1.
    """

    def __init__(self, rate: float, source: str) -> None:
        if not 0 <= rate <= 1:
            raise ValueError(f"max_failure_rate must be from 0 to 1, found {rate}")
        self._rate = rate
        self._source = source

    def check(self, what: str, failed: int, total: int, problems: Sequence[Problem]) -> None:
        """Stop the scan if so many of the files are too many.

        Args:
            what: ``pictures`` or ``label files``.
            failed: Files that could not be used so far.
            total: All files of that kind, also those not read yet.
            problems: Everything reported so far.

        Raises:
            FailureRateError: More than the accepted part failed; with counts by problem and the
                first examples.
        """
        if failed < _LEAST or failed <= self._rate * total:
            return
        counts = Counter(problem.code for problem in problems)
        by_code = ", ".join(f"{count} {code}" for code, count in counts.most_common(_SHOWN))
        limit = f"more than max_failure_rate {self._rate:g}"
        lines = [
            f"{failed} of {total} {what} could not be used, {limit}; found: {by_code}; the first:",
            *(f"  {problem}" for problem in problems[:_SHOWN]),
        ]
        raise FailureRateError(
            "\n".join(lines), source=self._source, failed=failed, total=total,
            problems=[str(problem) for problem in problems],
        )  # fmt: skip
