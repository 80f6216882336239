"""What a scan of a synthetic dump must give, told from the dump's truth and the publishers' rules.

Nothing here asks a reader: boxes and points are those of the truth (or OpenCV's components of the
drawn masks), categories and splits are the publisher's words through the record's own tables.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from irtd_fast.catalog import SourceRecord, Variant
from irtd_fast.synth import TrueObject, TrueSample, Truth

# Numbers of the classes in the publishers' label masks (spec: MFNet, MassMIND; MSRS as MFNet).
ROADS = {
    1: "car", 2: "person", 3: "bike", 4: "curve", 5: "car_stop", 6: "guardrail", 7: "color_cone",
    8: "bump",
}  # fmt: skip
SEA = {
    0: "sky", 1: "water", 2: "bridge", 3: "obstacle", 4: "living obstacle", 5: "background",
    6: "self",
}  # fmt: skip
PLAIN = {n: word.replace("_", " ").replace("color", "colour") for n, word in ROADS.items()}
CLASSES = {"mfnet": ROADS, "msrs": PLAIN, "massmind": SEA}
STUFF = {"curve", "guardrail", "bump", "sky", "water", "bridge", "background", "self"}

# Words of the truth that no file of the dump tells: how the picture was drawn.
DRAWN = {
    "cdfag": {"frames"}, "drone-vehicle": {"scene", "border"}, "flir-v1": {"night"},
    "flir-v1-16bit": {"night"}, "flir-v2": {"8-in-16"}, "gtot": {"labelled"},
    "lasher": {"labelled"}, "llcm": {"answer"}, "mfnet": {"visible"}, "regdb": {"answer"},
    "rgbt234": {"labelled"}, "rjpeg": {"form", "raw_height", "raw_width"}, "sirst-v2": {"kind"},
    "sysu-mm01": {"answer"}, "thermal-world": {"answer"}, "vtuav": {"labelled"},
    "vtuav-bus1": {"labelled"},
}  # fmt: skip
# The truth's word -> the record's.
RENAMED = {
    "cdfag": {"class": "action"}, "wrd": {"class": "surface"}, "vedai": {"fold": "folds"},
    "elpv": {"probability": "defect_probability", "kind": "cell_type"},
}  # fmt: skip


@dataclass
class Thing:
    """One expected object; ``box`` in the picture's pixels, without a border."""

    category: str
    box: tuple[float, ...]
    corners: tuple[float, ...] | None = None
    track: int = -1
    slack: float = 0.51  # rows and XML hold whole numbers


@dataclass
class Expected:
    """What one sample must have."""

    names: set[str]
    split: str
    visible: str | None
    mask: str | None
    objects: list[Thing]
    seen: list[Thing]
    points: list[tuple[str, float, float]]
    attributes: dict[str, str]
    scene: str
    sequence: str
    frame: int
    identity: int
    camera: int
    ordered: bool = True


@dataclass
class Teller:
    """Tells what a dump's scan must give.

    Attributes:
        root: The dump.
        truth: What is in it.
        record: Its record.
        variant: The layout that is read.
    """

    root: Path
    truth: Truth
    record: SourceRecord
    variant: Variant
    _formats: set[str] = field(init=False)

    def __post_init__(self) -> None:
        self._formats = {spec.format for spec in self.variant.annotations}

    def problems(self) -> Counter[str]:
        """Problems that the planted quirks must give, by code."""
        found: Counter[str] = Counter()
        paired = any(p.visible and not p.visible_optional for p in self.variant.images)
        if paired and self.variant.pairs_by != "P4":
            found["missing-partner"] = sum(s.visible is None for s in self.truth)
        if self.record.key == "drone-vehicle":
            found["object-without-geometry"] = _without_geometry(self.root)
        if self.record.key == "mfnet" and self.variant.name == "official":
            found["split-without-image"] = 1  # _flip pictures that only a script makes
        if self.record.key == "rgbt-cc":
            size = self.truth.samples[0].infrared
            found["outside-point"] = sum(
                not (0 <= p.x <= size.width and 0 <= p.y <= size.height)
                for s in self.truth for p in s.points
            )  # fmt: skip
        return +found

    def sample(self, path: str) -> Expected:
        """What the sample of an infrared picture must have."""
        true = self.truth.by_path(path)
        record, key = self.record, self.record.key
        facts = _facts(self, true)
        scene = facts.pop("scene", "")
        masks = "masks" in self._formats
        mask = None if true.mask is None else true.mask.path
        visible = None if true.visible is None else true.visible.path
        if self.variant.pairs_by == "P4":
            visible = path  # the colours of the same file
        if (key, self.variant.name) == ("roadscene", "full"):
            visible = true.pictures["high"].path
        objects, points = self._objects(true), self._points(true)
        return Expected(
            names={true.name, re.sub(r"_(?:n?ir|lwir)$", "", true.name), Path(path).stem},
            split=record.splits.get(true.split, true.split),
            visible=visible,
            mask=mask if any(p.mask for p in self.variant.images) else None,
            objects=objects,
            seen=self._seen(true),
            points=points,
            attributes=facts,
            scene=record.scenes.get(scene, scene),
            sequence="" if (key, self.variant.name) == ("cdfag", "clips") else true.sequence,
            frame=-1 if (key, self.variant.name) == ("cdfag", "clips") else true.frame,
            identity=true.identity,
            camera=true.camera,
            ordered=not masks,
        )

    def _objects(self, true: TrueSample) -> list[Thing]:
        if not any("objects" in spec.provides for spec in self.variant.annotations):
            return []
        if self._mask_side() == "infrared":
            return self._components(true)
        if self._mask_side() == "visible" or "points_json" in self._formats:
            return []
        return [self._thing(obj) for obj in true.objects if self._kept(obj)]

    def _seen(self, true: TrueSample) -> list[Thing]:
        """Objects of the visible picture."""
        modes = {spec.options.get("modality", "infrared") for spec in self.variant.annotations}
        if "visible" not in modes:
            return []
        if "visible mask" in true.pictures:
            return self._components(true, "visible mask")
        if self._mask_side() == "visible":
            return self._components(true)
        if self._mask_side():
            return []
        return [self._thing(obj) for obj in true.partner_objects if self._kept(obj)]

    def _points(self, true: TrueSample) -> list[tuple[str, float, float]]:
        if not any("points" in spec.provides for spec in self.variant.annotations):
            return []
        if self._mask_side():
            return [(c, x, y) for c, x, y in _centres(self._mask(true), self._classes(true))]
        size = true.infrared
        return [
            (self._word(p.category), p.x, p.y) for p in true.points
            if 0 <= p.x <= size.width and 0 <= p.y <= size.height
        ]  # fmt: skip

    def _mask_side(self) -> str:
        sides = [s.options.get("modality", "infrared") for s in self.variant.annotations
                 if s.format == "masks"]  # fmt: skip
        return sides[0] if sides else ""

    def _mask(self, true: TrueSample, kind: str = "mask") -> np.ndarray | None:
        return None if true.mask is None else np.asarray(self.truth.pixels(true, kind))

    def _classes(self, true: TrueSample) -> dict[int, str] | str:
        """Numbers of the mask that are things; or the one word of a binary mask."""
        if self.record.key in CLASSES:
            numbers = CLASSES[self.record.key]
            return {n: self._word(w) for n, w in numbers.items() if w not in STUFF}
        words = {o.category for o in (*true.objects, *true.partner_objects)}
        return self._word(words.pop()) if words else ""

    def _components(self, true: TrueSample, kind: str = "mask") -> list[Thing]:
        slack = 0.51 if true.mask is not None and true.mask.lossless else 1.01
        return [
            Thing(word, box, slack=slack)
            for word, box in _boxes(self._mask(true, kind), self._classes(true))
        ]

    def _kept(self, obj: TrueObject) -> bool:
        return obj.category not in self.record.drop

    def _word(self, raw: str) -> str:
        """The canonical word; trackers name nothing, so their records do."""
        for spec in self.variant.annotations:
            if raw == "" and "category" in spec.options:
                raw = str(spec.options["category"])
            names = spec.options.get("names")
            if names and raw.isdecimal():
                raw = names[int(raw) - int(spec.options.get("class_base", 0))]
        return self.record.categories.get(raw, raw)

    def _thing(self, obj: TrueObject) -> Thing:
        edge = self.variant.border
        raw = obj.category
        if self.record.key == "yolo":  # rows hold numbers; the generic record has no names
            raw = str(obj.category_id)
        corners = None if obj.corners is None else tuple(v - edge for v in obj.corners)
        if self.record.key == "hit-uav" and self.variant.name.startswith("normal"):
            corners = None
        box = tuple(v - edge for v in obj.box)
        slack = 0.51
        if self.record.key == "hit-uav" and corners is not None:
            xs, ys = corners[0::2], corners[1::2]  # the box of a turned one is its hull
            box, slack = (min(xs), min(ys), max(xs), max(ys)), 0.01
        return Thing(self._word(raw), box, corners, obj.track, slack)


def _without_geometry(root: Path) -> int:
    """Objects without any, of the infrared and the visible side, counted in the text."""
    count = 0
    for path in root.rglob("*.xml"):
        for item in re.findall(r"<object>.*?</object>", path.read_text(), re.DOTALL):
            count += "<polygon>" not in item and "<bndbox>" not in item
    return count


def _parts(
    mask: np.ndarray | None, classes: dict[int, str] | str
) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """OpenCV's components: word, (left, top, width, height, area), centroid."""
    if mask is None:
        return []
    layers = (
        [(classes, mask >= 128)] if isinstance(classes, str)
        else [(word, mask == number) for number, word in classes.items()]
    )  # fmt: skip
    found = []
    for word, layer in layers:
        _, _, stats, centres = cv2.connectedComponentsWithStats(layer.astype(np.uint8))
        found += [(word, s, c) for s, c in zip(stats[1:], centres[1:], strict=True)]
    return found


def _boxes(
    mask: np.ndarray | None, classes: dict[int, str] | str
) -> list[tuple[str, tuple[float, ...]]]:
    return [(w, (x, y, x + a, y + b)) for w, (x, y, a, b, _), _ in _parts(mask, classes)]


def _centres(
    mask: np.ndarray | None, classes: dict[int, str] | str
) -> list[tuple[str, float, float]]:
    return [(w, c[0] + 0.5, c[1] + 0.5) for w, _, c in _parts(mask, classes)]


# ---------------------------------------------------------------------------------------------
# Facts about pictures, read with a few lines of Python of their own.


def _facts(teller: Teller, true: TrueSample) -> dict[str, str]:
    key = teller.record.key
    renamed = RENAMED.get(key, {})
    facts = {
        renamed.get(name, name): value
        for name, value in true.attributes.items()
        if name not in DRAWN.get(key, set())
    }
    tell = _TOLD.get(key)
    return facts if tell is None else tell(teller, true, facts)


def _hit_uav(teller: Teller, true: TrueSample, facts: dict[str, str]) -> dict[str, str]:
    variant = teller.variant.name
    scene = {"scene": facts["scenario"]}
    if variant == "normal_json":
        return {**scene, "date_captured": facts["date"]}
    if variant == "rotate_json":
        lookups = json.loads(
            (teller.root / f"rotate_json/annotations/{true.split}.json").read_text()
        )
        words = {
            name: {str(item["id"]): item["name"] for item in lookups[of]}
            for name, of in (("scenario", "scenarios"), ("weather", "weather"))
        }  # fmt: skip
        told = {n: words.get(n, {}).get(v, v) for n, v in facts.items()}
        return {**told, **scene}
    return scene


def _absent(teller: Teller, true: TrueSample, facts: dict[str, str]) -> dict[str, str]:
    """A labelled frame without its target says so."""
    labelled = true.attributes["labelled"] == "1" and teller.variant.name != "masks"
    sides = {"infrared": true.objects, "visible": true.partner_objects}
    return {f"{s}_target": "absent" for s, found in sides.items() if labelled and not found}


def _flir(teller: Teller, true: TrueSample, facts: dict[str, str]) -> dict[str, str]:
    """The licence is all that FLIR's JSON says about a picture."""
    for path in teller.root.rglob("*.json"):
        content = json.loads(path.read_text())
        for image in [content.get("image", {}), *content.get("images", [])]:
            stem = Path(image.get("file_name", "")).stem
            if stem == Path(true.infrared.path).stem and "license" in image:
                names = {item["id"]: item["name"] for item in content.get("licenses", [])}
                facts["license"] = str(names.get(image["license"], image["license"]))
    return facts


def _lsotb(teller: Teller, true: TrueSample, facts: dict[str, str]) -> dict[str, str]:
    if teller.variant.name != "eval":
        return facts
    text = (teller.root / f"anno/att/{true.sequence}.txt").read_text()
    flags = {f"flag{n:02d}": v for n, v in enumerate(text.strip().split(","), start=1)}
    return {**flags, "scene": true.sequence.rsplit("_", 2)[1]}


def _classes(teller: Teller, true: TrueSample, facts: dict[str, str]) -> dict[str, str]:
    """Classes of the mask, in the order of their numbers."""
    if true.mask is None or teller.variant.name != "official":
        return facts
    words = CLASSES[teller.record.key]
    there = np.unique(teller.truth.pixels(true, "mask")).tolist()
    return {**facts, "classes": ",".join(words[n] for n in there if n in words)}


def _pop(teller: Teller, true: TrueSample, facts: dict[str, str]) -> dict[str, str]:
    return {"height": Path(true.infrared.path).name.rsplit(".", 1)[0].rsplit("_", 1)[1]}


def _rgbt234(teller: Teller, true: TrueSample, facts: dict[str, str]) -> dict[str, str]:
    folder = teller.root / "attr_txt"
    place = (folder / "SequencesName.txt").read_text().split().index(true.sequence)
    files = [path for path in folder.glob("*.txt") if path.stem != "SequencesName"]
    return {**facts, **{path.stem: path.read_text().split()[place] for path in files}}


def _regdb(teller: Teller, true: TrueSample, facts: dict[str, str]) -> dict[str, str]:
    if teller.variant.name != "official":
        return facts
    gender, view = Path(true.infrared.path).name.split("_")[:2]
    told = {"gender": gender, "view": view}
    lists = sorted((teller.root / "idx").glob("test_thermal_*.txt"))
    mine = f"{true.infrared.path} "
    folds = [p.stem.rsplit("_", 1)[1] for p in lists if mine in p.read_text()]
    return {**told, "folds": " ".join(folds)} if folds else told


def _kaist(teller: Teller, true: TrueSample, facts: dict[str, str]) -> dict[str, str]:
    lists = sorted((teller.root / "imageSets").glob("*.txt"))
    mine = [path.stem for path in lists if true.name in path.read_text().split()]
    return {**facts, "folds": " ".join(mine)} if mine else facts


def _vedai(teller: Teller, true: TrueSample, facts: dict[str, str]) -> dict[str, str]:
    return facts if teller.variant.name != "images" else {}


_TOLD: dict[str, Callable[[Teller, TrueSample, dict[str, str]], dict[str, str]]] = {
    "massmind": _classes, "mfnet": _classes, "msrs": _classes,
    "hit-uav": _hit_uav, "lasher": _absent, "vtuav": _absent, "flir-v1": _flir,
    "flir-v1-16bit": _flir, "kaist": _kaist, "lsotb-tir": _lsotb, "pop": _pop, "regdb": _regdb,
    "rgbt234": _rgbt234, "vedai": _vedai,
}  # fmt: skip
