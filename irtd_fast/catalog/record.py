"""One source as data: the record behind a ``catalog/<key>.toml`` file.

A record says what a source is (licence, band, tasks …) and what its dump looks like on disk
(variants: patterns for pictures and label files). It holds no code; ``irtd_fast.scan`` reads
dumps by it, ``irtd_fast.catalog.parse`` checks every key of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from irtd_fast.errors import SourceError

BANDS = ("NIR", "SWIR", "MWIR", "LWIR", "mixed", "unknown")
REGISTRATIONS = ("registered", "near", "unregistered", "unpaired")
STATUSES = ("public", "on request", "not public")
CHANNELS = ("gray", "colour", "alpha", "pseudo", "raw")
MASK_CHANNELS = ("gray", "colour")
PAIRINGS = ("P0", "P1", "P2", "P3", "P4", "P5", "P6")
MODALITIES = ("infrared", "visible")
FORMATS = (
    "xml_objects", "coco_json", "text_rows", "masks", "points_json", "path_labels",
)  # fmt: skip
PROVIDES = ("objects", "points", "attributes")
TASKS = (
    "recognition", "grounding", "location", "relationship", "re-identification", "security",
    "aerial-counting", "pedestrian-counting", "scene",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ImagePatterns:
    """Patterns of pictures that belong together.

    Attributes:
        infrared: Pattern of the infrared pictures; each match is one sample.
        visible: Pattern of the visible partners, or ``""``.
        mask: Pattern of the mask pictures, or ``""``.
        required: The variant does not match a dump without such infrared pictures.
        visible_optional: The publisher gives not every picture a visible partner; missing ones
            are counted in a note and are no problem.
        mask_optional: The same for masks.
        mask_modality: Picture that the mask was drawn on; it need not fit the other one.
        mask_channels: ``gray``, or ``colour`` for masks whose colours are categories.
    """

    infrared: str
    visible: str = ""
    mask: str = ""
    required: bool = False
    visible_optional: bool = False
    mask_optional: bool = False
    mask_modality: str = "infrared"
    mask_channels: str = "gray"


@dataclass(frozen=True, slots=True)
class AnnotationSpec:
    """Which files hold labels, and how to read them.

    Attributes:
        format: Reader in ``irtd_fast.formats``.
        files: Pattern of the label files; its groups (and, for files about many pictures, the
            ``stem`` found inside) join labels to pictures.
        required: The variant does not match a dump without such files.
        provides: What the samples get from them: ``objects``, ``points``, or ``attributes``
            alone; attributes of pictures are taken in any case.
        sparse: The publisher labels only some of the pictures; those without are counted in a
            note and are no problem.
        options: Table for the reader (geometry, base, inclusive, tolerance …).
    """

    format: str
    files: str
    required: bool = False
    provides: tuple[str, ...] = ("objects",)
    sparse: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Variant:
    """One layout that a source's dump may have.

    Attributes:
        name: Key within the record.
        title: One line for people.
        images: Groups of picture patterns; at least one must match. Without any the layout is of
            labels alone, which are read, checked and counted.
        name_template: Sample name from the infrared pattern's groups; ``{split}`` is canonical.
        folder: Name that the folder holding this layout has (compared without case), where the
            inside of two layouts looks alike; ``""`` accepts any.
        channels: What the infrared picture is of its file. ``gray``: one channel, any other
            content is an error; ``colour``: kept; ``alpha``: its alpha channel; ``pseudo``: one
            channel made from pseudo-colour; ``raw``: the counts that an R-JPEG or FFF carries.
        palette: For ``pseudo``: the palette that is inverted (``irtd_fast.images.palettes``);
            ``""`` takes the luma.
        chroma_tolerance: Largest difference between channels that still counts as gray.
        bit_depth: Bits of a stored pixel in this layout; 0 stands for the record's.
        border: Pixels that the publisher painted around every picture; they are cut off at
            ingest and boxes are shifted.
        registration: How partners fit in this layout; ``""`` is the record's.
        pairing: ``P0`` none, ``P1`` folders, ``P2`` folders and another extension, ``P3`` another
            stem (all three by the patterns' groups), ``P4`` channels of one file, ``P5`` a JSON
            file of names, ``P6`` place in the sequence. ``""`` stands for ``P1`` where there is a
            visible pattern, else ``P0``.
        pairing_file: Pattern of the JSON file of ``P5``, ``{visible name: infrared name}``.
        split_files: Canonical split -> pattern of a list file, one stem a line.
        split_by: Group of the infrared pattern that the lists' entries name, or ``name``: the
            sample's name. Any other than ``stem`` is compared whole, numbers as numbers.
        folds: Pattern of lists with a group ``fold``: their entries are the test part of that
            fold, or one of the parts that are in use. The attribute ``folds`` has all.
        video: The infrared patterns are of video containers; each frame is a sample. The patterns
            need a group ``sequence`` and get a group ``frame``, from 0.
        annotations: Label files.
    """

    name: str
    title: str
    images: tuple[ImagePatterns, ...]
    name_template: str = "{stem}"
    folder: str = ""
    channels: str = "gray"
    palette: str = ""
    chroma_tolerance: int = 0
    bit_depth: int = 0
    border: int = 0
    registration: str = ""
    pairing: str = ""
    pairing_file: str = ""
    split_files: Mapping[str, str] = field(default_factory=dict)
    split_by: str = "stem"
    folds: str = ""
    video: bool = False
    annotations: tuple[AnnotationSpec, ...] = ()

    @property
    def labels_only(self) -> bool:
        """The layout has no pictures."""
        return not self.images

    @property
    def pairs_by(self) -> str:
        """The pairing rule, ``P0`` to ``P6``."""
        if self.pairing:
            return self.pairing
        return "P1" if any(images.visible for images in self.images) else "P0"


@dataclass(frozen=True, slots=True)
class Expected:
    """Counts of the full release, as published; 0 and empty where unknown."""

    samples: int = 0
    splits: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sampling:
    """Which pictures of a sequence are taken; without sequences a split is one.

    Attributes:
        every: Take every so many-th picture of a sequence, from its first.
        fraction: Take this part of each sequence, evenly spaced from a seeded start.
        per_sequence: Take no more than this of a sequence, evenly spaced; 0 is no limit.
        stride: Only every so many-th picture is labelled: ``fraction`` chooses among those.
        seed: Fixes where evenly spaced choices begin.

    Raises:
        ValueError: A number is out of its range.
    """

    every: int = 1
    fraction: float = 1.0
    per_sequence: int = 0
    stride: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the numbers."""
        for name, least in (("every", 1), ("per_sequence", 0), ("stride", 1), ("seed", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, found {getattr(self, name)}")
        if not 0 < self.fraction <= 1:
            raise ValueError(f"fraction must lie in (0, 1], found {self.fraction}")

    @property
    def takes_all(self) -> bool:
        """No picture is left out."""
        return self.every == 1 and self.fraction == 1.0 and self.per_sequence == 0


@dataclass(frozen=True, slots=True)
class AttributeRange:
    """What an attribute of a picture may be.

    Attributes:
        values: Allowed words; empty for numbers and free text.
        low: Least number, or ``None``.
        high: Greatest number, or ``None``.
    """

    values: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None

    def accepts(self, text: str) -> bool:
        """True if the text is one of the words, or a number inside the range."""
        if self.values:
            return text in self.values
        if self.low is None and self.high is None:
            return True
        try:
            number = float(text)
        except ValueError:
            return False
        above = self.low is None or number >= self.low
        return above and (self.high is None or number <= self.high)

    def __str__(self) -> str:
        if self.values:
            return f"one of {', '.join(self.values)}"
        return f"a number from {self.low} to {self.high}"


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """A source of infrared images: what it is and how its dump looks.

    Attributes:
        key: Name of the source here and of its group in a store.
        title: Name its publisher gives it.
        homepage: Where it is published.
        citation: How to cite it.
        licence: What the publisher states, nothing inferred.
        terms: What the licence means for a user, in a sentence.
        band: ``NIR``, ``SWIR``, ``MWIR``, ``LWIR``, ``mixed`` or ``unknown``.
        bit_depth: Bits of a stored pixel (8 or 16).
        registration: How the visible partners fit the infrared pictures.
        tasks: IR-TD tasks that the source can feed.
        variants: Layouts on disk, preferred one first.
        index: Numbers in IR-TD's official list of sources.
        aliases: Other keys under which the record is found.
        folders: Names that the dump's folder has, beside key and aliases.
        status: ``public``, ``on request`` or ``not public``.
        obtain: How to get it, for people.
        tree: The expected folders and files, for people.
        layout_known: False: the layout is not known, the variants are generic.
        evidence: Field -> how sure it is: ``S`` sure, ``L`` likely, ``?`` unknown, then why.
        categories: Raw category -> canonical category.
        ignore: Canonical categories that are neither positive nor negative.
        drop: Raw categories that are left out, and counted in a note.
        attributes: What the pictures' attributes may be; groups of that name fill them.
        splits: Raw split -> canonical split.
        scenes: Raw scene word -> canonical scene word.
        sampling: Which pictures are taken by default.
        expected: Counts of the full release.
    """

    key: str
    title: str
    homepage: str
    citation: str
    licence: str
    terms: str
    band: str
    bit_depth: int
    registration: str
    tasks: tuple[str, ...]
    variants: tuple[Variant, ...]
    index: tuple[int, ...] = ()
    aliases: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    status: str = "public"
    obtain: str = ""
    tree: str = ""
    layout_known: bool = True
    evidence: Mapping[str, str] = field(default_factory=dict)
    categories: Mapping[str, str] = field(default_factory=dict)
    ignore: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    attributes: Mapping[str, AttributeRange] = field(default_factory=dict)
    splits: Mapping[str, str] = field(default_factory=dict)
    scenes: Mapping[str, str] = field(default_factory=dict)
    sampling: Sampling = field(default_factory=Sampling)
    expected: Expected = field(default_factory=Expected)

    def to_dict(self) -> dict[str, Any]:
        """Give the record as JSON-able data, the same shape as the TOML file."""
        data = json.loads(json.dumps(asdict(self)))
        cleaned: dict[str, Any] = _without_none(data)
        return cleaned

    def digest(self) -> str:
        """Give the SHA-256 (hex) of the record's canonical JSON."""
        text = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def variant(self, name: str) -> Variant:
        """Find a variant by its name.

        Raises:
            SourceError: No variant of that name; the message lists the names.
        """
        for variant in self.variants:
            if variant.name == name:
                return variant
        names = ", ".join(variant.name for variant in self.variants)
        message = f"{self.key}: no variant {name!r}; the record has {names}"
        raise SourceError(message, source=self.key)

    def registration_of(self, variant: Variant) -> str:
        """How the visible partners of one layout fit."""
        return variant.registration or self.registration

    def bit_depth_of(self, variant: Variant) -> int:
        """Bits of a stored pixel in one layout, 8 or 16."""
        return variant.bit_depth or self.bit_depth


def _without_none(value: Any) -> Any:
    """Drop what TOML cannot say."""
    if isinstance(value, dict):
        return {name: _without_none(item) for name, item in value.items() if item is not None}
    return [_without_none(item) for item in value] if isinstance(value, list) else value
