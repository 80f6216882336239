"""Facts and texts follow a crop: what is asked about a window is true of the window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irtd_fast.geometry import matrix as affine
from irtd_fast.geometry.ledger import Fate
from irtd_fast.geometry.remap import BoxOptions, Remapped, remap_boxes, remap_points
from irtd_fast.tasks.base import Pool, task_named
from irtd_fast.tasks.draws import Draws
from irtd_fast.tasks.facts import Facts
from irtd_fast.tasks.provenance import options_of
from irtd_fast.tasks.text import Text

_CLIPPED = BoxOptions()
_TOLD = (Fate.KEPT, Fate.CLIPPED, Fate.OUTSIDE)  # of the others a part may be seen
_SAME = ("category", "rule")  # what a rebuilt text should have in common with the old one
_SEVERAL = ("location", "scene")  # another of a picture's texts would be there twice


def follow(
    facts: Facts, matrix: ArrayLike, size: tuple[int, int], options: BoxOptions = _CLIPPED
) -> Facts:
    """Facts about a window of a sample, or about the sample resized.

    Boxes and points become those that the loader gives for the same matrix. The words of objects
    that were dropped although a part of them is in the window go to ``partial``: whoever speaks of
    all objects of such a word would be wrong.

    Args:
        facts: Of the sample.
        matrix: (2, 3) from its pixels to the window's, see ``geometry.matrix``.
        size: (height, width) of the window.
        options: What becomes of boxes that the window cuts.

    Raises:
        ValueError: A matrix or options that do not fit.
    """
    matrices = np.asarray(matrix, np.float64).reshape(1, 2, 3)
    boxes, corners = _boxes(facts, matrices, size, options)
    kept = boxes.kept.tolist()
    dropped = [
        facts.categories[number]
        for number, fate in enumerate(boxes.fates.tolist())
        if fate not in _TOLD
    ]
    points = remap_points(facts.points, [0, len(facts.points)], matrices, size)
    chosen = points.kept.tolist()
    return replace(
        facts,
        height=size[0],
        width=size[1],
        boxes=tuple(map(tuple, boxes.values.tolist())),
        categories=_picked(facts.categories, kept),
        points=tuple(map(tuple, points.values.tolist())),
        point_categories=_picked(facts.point_categories, chosen),
        corners=_picked(corners, kept),
        depths=_picked(facts.depths, kept),
        partial=tuple(dict.fromkeys([*facts.partial, *dropped])),
    )


def _boxes(
    facts: Facts, matrices: NDArray[np.float64], size: tuple[int, int], options: BoxOptions
) -> tuple[Remapped, tuple[tuple[float, ...], ...]]:
    """Boxes in the window, and all corners; oriented boxes do not grow when they are turned."""
    offsets = [0, len(facts.boxes)]
    if not facts.corners:
        return remap_boxes(facts.boxes, offsets, matrices, size, options), ()
    corners = np.asarray(facts.corners, np.float64).reshape(-1, 4, 2)
    moved = affine.apply(matrices[0], corners.reshape(-1, 2)).reshape(-1, 4, 2)
    hulls = np.concatenate([moved.min(axis=1), moved.max(axis=1)], axis=1)
    done = remap_boxes(hulls, offsets, affine.identity()[None], size, options)
    return done, tuple(map(tuple, moved.reshape(-1, 8).tolist()))


def _picked(values: tuple[Any, ...], numbers: Sequence[int]) -> tuple[Any, ...]:
    return tuple([values[number] for number in numbers]) if values else ()


def rebuild(text: Text, facts: Facts, pool: Pool | None = None) -> Text | None:
    """A text of the same task about facts that followed a crop; None if there is none.

    It is built again with the options that the text remembers. Of several, the one of the same kind
    about the same category is taken; where a task asks one question a picture, any.

    Args:
        text: As it was built of the whole sample.
        facts: Of the window (``follow``).
        pool: For tasks that need several samples.

    Returns:
        None too for a text that was not built here and speaks of places in the picture: nothing
        tells what it would be of a window.

    Raises:
        UnknownTaskError: The text is of no task that there is.
        ValueError: It remembers options that there are not.
    """
    options = options_of(text.provenance)
    if options is None:
        return None
    task = task_named(text.task)
    built = task.build(facts, Draws(options.seed, task.name, facts.key), options, pool)
    wanted = _likeness(text)
    for candidate in built:
        if _likeness(candidate) == wanted:
            return candidate
    return built[0] if built and task.name not in _SEVERAL else None


def _likeness(text: Text) -> tuple[Any, ...]:
    kind = text.kind if text.task in _SEVERAL else ""
    return kind, *[text.provenance.get(name) for name in _SAME]
