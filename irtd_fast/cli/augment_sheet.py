"""One sample under many draws of augmentation: what a network sees of it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from irtd_fast.cli.draw import WHITE, Rgb, draw_box, draw_cross, draw_polygon, draw_text, wrap
from irtd_fast.cli.draw import text_size as size_of
from irtd_fast.cli.font import ADVANCE
from irtd_fast.cli.picture import colour_of
from irtd_fast.load import (
    Affine,
    Augment,
    Batch,
    Cutout,
    Loader,
    Mosaic,
    Photometric,
    RandomRecipe,
    Visible,
    variations,
)
from irtd_fast.radiometry import Percentile, PlateauEqualization
from irtd_fast.store.dataset import Dataset
from irtd_fast.store.sample import Sample

_COLUMNS = 4
_SIDE = 320  # the longer side of a view
_MARGIN = 6
_POINT = (255, 255, 80)
_NOISE = Photometric(
    gain=(0.8, 1.2), pivot=0.5, gamma=(0.6, 1.6), polarity=0.15, noise=(0.01, 0.06),
    shot=(0.01, 0.06), column=(0.01, 0.05), row=(0.0, 0.02), blur=(0.3, 1.8), dead=(0.0, 0.002),
    chance={"noise": 0.5, "shot": 0.4, "column": 0.4, "row": 0.3, "blur": 0.3, "dead": 0.3},
    recipe=RandomRecipe(
        (*variations(Percentile(1, 99), 8, low=(0, 4), high=(96, 100)), PlateauEqualization()),
    ),
)  # fmt: skip
SHOWN = Augment(
    scale=(0.3, 1.0), flip_vertical=0.2, rotate90=0.2, fill=0.5,
    affine=Affine((-12, 12), (-5, 5), (0.8, 1.2), 0.08, probability=0.5),
    mosaic=Mosaic(0.3), cutout=Cutout(0.3, (1, 3), (0.08, 0.25), fill="random"),
    photometric=_NOISE,
    visible_photometric=Photometric(
        gain=(0.7, 1.3), pivot=0.5, noise=(0.0, 0.04), blur=(0.0, 1.2), chance=0.5
    ),
)  # fmt: skip


def draw_views(
    dataset: Dataset, sample: Sample, *, views: int, visible: bool
) -> tuple[Rgb, list[str]]:
    """Draw a sample as epochs of a loader show it.

    Args:
        dataset: The store, from whose samples of the same source the guests of mosaics come.
        sample: The sample.
        views: How many epochs.
        visible: Put the visible partner below each view.

    Returns:
        The sheet, and the lines written on it. Boxes have the colours of their categories,
        oriented ones are drawn as such, points are crosses.

    Raises:
        ValueError: The partner is asked for and there is none.
    """
    if visible and sample.visible is None:
        raise ValueError(f"{sample.id} has no visible partner in the store")
    source, row = sample.place
    mine = dataset.filter(source=source.name, paired=True if visible else None)
    (place,) = np.flatnonzero(mine.rows == row).tolist()
    scale = _SIDE / max(sample.height, sample.width)
    size = max(8, round(sample.height * scale)), max(8, round(sample.width * scale))
    loader = Loader(
        mine, 1, size, augment=SHOWN, dtype="uint8", channels=3, layout="hwc",
        targets=("boxes", "points", "corners"), rank=0, world_size=1,
        visible=Visible(unregistered="scale") if visible else False,
    )  # fmt: skip
    panels, cut = [], 0
    for epoch in range(views):
        batch = loader.make_batch(np.array([place], np.int64), epoch)
        panels.append(_panel(batch, epoch))
        cut += batch.box_ledger.dropped
    lines = [
        f"{sample.id}: {views} draws, {size[0]} x {size[1]}"
        + (", visible partner below" if visible else ""),
        f"windows, flips, turns, mosaics, cutout, noise, recipes; {cut} boxes out of sight",
    ]
    return _sheet(panels, lines), lines


def _panel(batch: Batch, epoch: int) -> Rgb:
    infrared = np.array(batch.images[0])
    oriented = _is_turned(batch)
    if oriented:
        assert batch.corners is not None
        assert batch.corner_categories is not None
        for corners, category in zip(batch.corners, batch.corner_categories, strict=True):
            draw_polygon(infrared, corners.tolist(), colour_of(int(category)))
    else:
        _draw_boxes(infrared, batch.boxes, batch.categories)
    for x, y in batch.points.tolist():
        draw_cross(infrared, x, y, _POINT)
    draw_text(infrared, 3, 2, str(epoch), WHITE, scale=1)
    if batch.visible is None:
        return infrared
    partner = np.array(batch.visible[0])
    assert batch.visible_boxes is not None
    assert batch.visible_categories is not None
    own = len(batch.visible_boxes) > 0
    _draw_boxes(
        partner,
        batch.visible_boxes if own else batch.boxes,
        batch.visible_categories if own else batch.categories,
    )
    gap = np.zeros((_MARGIN // 2, infrared.shape[1], 3), np.uint8)
    return np.concatenate([infrared, gap, partner])


def _is_turned(batch: Batch) -> bool:
    """Whether any box of a batch is not upright."""
    if batch.corners is None or not len(batch.corners):
        return False
    edges = np.diff(batch.corners.reshape(-1, 4, 2), axis=1)
    return bool((np.abs(edges).min(axis=2) > 1e-2).any())


def _draw_boxes(image: Rgb, boxes: NDArray[Any], categories: NDArray[Any]) -> None:
    for box, category in zip(boxes.tolist(), categories.tolist(), strict=True):
        draw_box(image, box, colour_of(category))


def _sheet(panels: list[Rgb], lines: list[str]) -> Rgb:
    height, width = panels[0].shape[:2]
    rows = -(-len(panels) // _COLUMNS)
    full = _COLUMNS * (width + _MARGIN)
    letters = (full - 2 * _MARGIN) // ADVANCE
    folded = [part for line in lines for part in wrap(line, letters)]
    step = size_of("", 1)[0] + 2
    top = rows * (height + _MARGIN)
    canvas = np.zeros((top + step * len(folded) + _MARGIN, full, 3), np.uint8)
    for number, panel in enumerate(panels):
        y, x = divmod(number, _COLUMNS)
        y, x = y * (height + _MARGIN), x * (width + _MARGIN)
        canvas[y : y + height, x : x + width] = panel
    for number, line in enumerate(folded):
        draw_text(canvas, _MARGIN, top + number * step, line, WHITE, scale=1, ground=False)
    return canvas
