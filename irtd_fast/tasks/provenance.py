"""What a text remembers of how it was built, and how to build it so again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from irtd_fast.tasks.text import Options


def recorded(options: Options, **more: Any) -> dict[str, Any]:
    """Options of a text, those with their usual values left out, and hidden choices."""
    found = {"mode": options.mode, "seed": options.seed, **more}
    if options.defects:
        found["defects"] = True
    if options.units is not None:
        found["units"] = options.units
    if options.phrasings != 1:
        found["phrasings"] = options.phrasings
    return found


def options_of(provenance: Mapping[str, Any]) -> Options | None:
    """Options with which a text was built; None if it was not built here, but imported.

    Raises:
        ValueError: An option that there is not.
    """
    if "mode" not in provenance or "seed" not in provenance:
        return None
    return Options(
        mode=provenance["mode"], defects=provenance.get("defects", False),
        units=provenance.get("units"), phrasings=provenance.get("phrasings", 1),
        seed=provenance["seed"],
    )  # fmt: skip
