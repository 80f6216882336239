"""COCO instances: ``annotations/instances_SPLIT.json`` and ``images/``.

Format: https://cocodataset.org/#format-data; what pycocotools reads: ``bbox`` is x, y, width and
height in pixels from the picture's corner, ``area`` in square pixels, ``iscrowd`` 0 or 1. Boxes of
the infrared ground truth only, as they are labelled: nothing is clipped. A turned box is also a
polygon in ``segmentation``, and its ``area`` is the polygon's.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from irtd_fast.errors import UnsupportedError
from irtd_fast.export.base import ExportJob, ExportReport, json_bytes, refuse_existing, write_whole
from irtd_fast.export.pictures import Pictures, recipe_words
from irtd_fast.store.dataset import Dataset
from irtd_fast.types import ObjectFlag

_INFRARED = 0
_BLOCK = 4096  # samples whose boxes are gathered at a time
_FLAGS = {
    "difficult": ObjectFlag.DIFFICULT, "truncated": ObjectFlag.TRUNCATED,
    "occluded": ObjectFlag.OCCLUDED, "ignore": ObjectFlag.IGNORE,
}  # fmt: skip


def export(job: ExportJob) -> ExportReport:
    """Write a store as COCO; see ``ExportJob``.

    Raises:
        UnsupportedError: Units other than pixels: COCO has no others.
        StoreExistsError: A file is there and ``replace`` is not set; nothing is written.
    """
    if job.units not in (None, "pixel"):
        raise UnsupportedError(f"COCO boxes are in pixels, not {job.units}; leave --units out")
    report = ExportReport("coco", str(job.out), recipe=recipe_words(job.recipe))
    splits = _splits(job.dataset)
    pictures = Pictures(job)
    documents, numbers, paths = {}, [], []
    first_image, first_box = 1, 1
    for word, members in splits.items():
        document = _document(job, members, pictures, first_image, first_box)
        name = f"annotations/instances_{word}.json" if word else "annotations/instances.json"
        documents[job.out / name] = document
        report.files[name] = len(document["annotations"])
        numbers += members
        paths += [image["file_name"] for image in document["images"]]
        first_image += len(members)
        first_box += len(document["annotations"])
    refuse_existing(job, documents)
    report.pictures = pictures.write(numbers, paths)
    if not job.dry_run:
        for path, document in documents.items():
            write_whole(path, json_bytes(document))
    return report


def _splits(dataset: Dataset) -> dict[str, list[int]]:
    """Numbers of the samples of each split, splits by name."""
    words = sorted({word for source in dataset.sources for word in source.splits})
    found: dict[str, list[int]] = {word: [] for word in words}
    codes = dataset.column("split")
    for number, (source, code) in enumerate(
        zip(dataset.source_codes.tolist(), codes.tolist(), strict=True)
    ):
        found[dataset.sources[source].splits[code]].append(number)
    return {word: members for word, members in found.items() if members}


def _document(
    job: ExportJob, members: list[int], pictures: Pictures, first_image: int, first_box: int
) -> dict[str, Any]:
    images, annotations = [], []
    heights, widths = (job.dataset.column(n, np.array(members)) for n in ("height", "width"))
    for i, number in enumerate(members):
        images.append({
            "id": first_image + i, "file_name": pictures.relative(number),
            "height": int(heights[i]), "width": int(widths[i]),
            "source": job.dataset[number].source,
        })  # fmt: skip
    for start in range(0, len(members), _BLOCK):
        block = np.array(members[start : start + _BLOCK], np.int64)
        annotations += _boxes(job.dataset, block, first_image + start)
        job.progress("boxes", min(start + _BLOCK, len(members)), len(members))
    for i, annotation in enumerate(annotations):
        annotation["id"] = first_box + i
    words = job.dataset.categories
    return {
        "info": {"description": "irtd_fast export", "version": "1.0"},
        "licenses": [
            {"id": i, "name": source.attributes.get("licence", ""), "url": ""}
            for i, source in enumerate(job.dataset.sources, 1)
        ],
        "categories": [
            {"id": i, "name": word, "supercategory": ""} for i, word in enumerate(words, 1)
        ],
        "images": images,
        "annotations": annotations,
    }  # fmt: skip


def _boxes(dataset: Dataset, members: Any, first_image: int) -> list[dict[str, Any]]:
    """Annotations of these samples, without their ids."""
    found = dataset.objects(members, ("box", "modality", "flags", "track", "corners"))
    owner = np.repeat(np.arange(len(members)), np.diff(found.offsets))
    mine = found["modality"] == _INFRARED
    boxes = found["box"][mine].astype(np.float64)
    corners = found["corners"][mine].astype(np.float64)
    turned = np.isfinite(corners).all(axis=1)
    sides = boxes[:, 2:] - boxes[:, :2]
    areas = sides.prod(axis=1)
    areas[turned] = _polygon_areas(corners[turned])
    columns = (
        owner[mine] + first_image, found.category[mine] + 1, areas, found["flags"][mine],
        found["track"][mine], turned,
    )  # fmt: skip
    xywh = np.concatenate([boxes[:, :2], sides], axis=1).tolist()
    rows = zip(*(column.tolist() for column in columns), xywh, corners.tolist(), strict=True)
    return [_annotation(*row) for row in rows]


def _polygon_areas(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) areas of polygons (n, 8) by the shoelace formula."""
    x, y = corners[:, 0::2], corners[:, 1::2]
    return np.asarray(np.abs((x * np.roll(y, -1, 1) - y * np.roll(x, -1, 1)).sum(axis=1)) / 2)


def _annotation(
    image: int, category: int, area: float, flags: int, track: int, turned: bool,  # noqa: FBT001
    xywh: list[float], corners: list[float],
) -> dict[str, Any]:  # fmt: skip
    annotation: dict[str, Any] = {
        "id": 0, "image_id": image, "category_id": category, "bbox": xywh, "area": area,
        "iscrowd": int(bool(flags & ObjectFlag.CROWD)),
        "segmentation": [corners] if turned else [],
    }  # fmt: skip
    annotation.update({word: 1 for word, bit in _FLAGS.items() if flags & bit})
    if track >= 0:
        annotation["track_id"] = track
    return annotation
