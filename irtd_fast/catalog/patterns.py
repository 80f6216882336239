"""The regular expressions of records: compiled so that they fit a path anywhere below a dump."""

from __future__ import annotations

import functools
import re


@functools.lru_cache(maxsize=4096)
def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Compile a record's pattern so that it fits a path anywhere under the dump's root.

    What precedes the pattern is the named group ``base``: empty or ending in ``/``. The shortest
    base that fits is taken, so that a pattern may itself begin with optional folders.

    Raises:
        re.error: The pattern is not a regular expression.
    """
    return re.compile(rf"(?P<base>(?:.*?/)??)(?:{pattern})")


@functools.lru_cache(maxsize=4096)
def pattern_groups(pattern: str) -> tuple[str, ...]:
    """Names of the pattern's own groups, sorted, without ``base``."""
    return tuple(sorted(set(compile_pattern(pattern).groupindex) - {"base"}))
