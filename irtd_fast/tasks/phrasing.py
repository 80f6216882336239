"""Templates of texts: data files beside the modules, and which of several wordings is taken."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib import resources
from typing import Any

from irtd_fast.tasks.draws import Draws
from irtd_fast.tasks.text import Options


@lru_cache(maxsize=32)
def templates(name: str, package: str = "irtd_fast.tasks") -> Mapping[str, Any]:
    """The tables of ``NAME.toml`` beside the task's module, read once; not to be changed."""
    text = resources.files(package).joinpath(f"{name}.toml").read_text("utf-8")
    return tomllib.loads(text)


def phrasing(wordings: Sequence[str], draws: Draws, options: Options) -> str:
    """One of the wordings in use: the first ``options.phrasings`` of them."""
    count = min(options.phrasings, len(wordings))
    return wordings[draws.below(count)] if count > 1 else wordings[0]
