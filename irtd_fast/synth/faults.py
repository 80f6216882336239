"""Plant what goes wrong with whole dumps, for ``irtd doctor``: any source, guided by its truth.

``defects`` damages single files and labels; here are the defects that need two samples, a sequence
or a decoded picture to be seen. Every fault hits samples of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from irtd_fast.errors import SourceLayoutError
from irtd_fast.synth.counting import pseudo_colour
from irtd_fast.synth.scene import U8, generator
from irtd_fast.synth.truth import TruePicture, TrueSample, Truth
from irtd_fast.synth.writers import encode

FAULTS = {
    "pair-missing": "a visible partner was taken away",
    "pair-shifted": "the visible frames of a sequence are one frame late",
    "labels-swapped": "two pictures have each other's label files",
    "broken-label": "a label file ends in its middle",
    "orphan-label": "a label file of a picture that is not there",
    "extra-class": "an object of a class that the source does not have",
    "8-in-16": "a 16-bit picture with fewer than 256 levels",
    "pseudo-colour": "a grey picture was stored through a palette",
    "exact-duplicate": "two pictures of different samples with the same bytes",
    "near-duplicate": "two pictures of different samples that differ by one level",
    "short-sequence": "the last frames of a sequence are missing",
    "damaged-frames": "consecutive pictures that end in their middle",
    "border-not-white": "the border of a picture was painted black",
}
GHOST = "987655"
_WORD = "unicorn"
_RUN = 3


@dataclass(frozen=True, slots=True)
class Fault:
    """One planted fault.

    Attributes:
        code: Key of ``FAULTS``.
        path: The file to report, relative to the root.
        others: Further files that belong to it: the duplicate's original, the missing frames …
        samples: Names of the samples concerned.
    """

    code: str
    path: str
    others: tuple[str, ...] = ()
    samples: tuple[str, ...] = ()


class _Patient:
    """The dump under treatment: samples not yet hit, by sequence where there are sequences."""

    def __init__(self, root: Path, truth: Truth, seed: int) -> None:
        self.root = root
        self.truth = truth
        order = generator(seed, f"{truth.source} faults", 0).permutation(len(truth))
        self.free = [truth.samples[int(place)] for place in order]

    def take(self, fits: Callable[[TrueSample], bool]) -> TrueSample | None:
        """Take a sample that fits, or ``None``."""
        for sample in self.free:
            if fits(sample):
                self.free.remove(sample)
                return sample
        return None

    def take_run(self, fits: Callable[[TrueSample], bool], count: int) -> list[TrueSample]:
        """Take ``count`` samples in the order of the dump, of one sequence if there are any."""
        free = {id(sample) for sample in self.free}
        samples = self.truth.samples
        for start in range(len(samples) - count + 1):
            run = samples[start : start + count]
            together = len({sample.sequence for sample in run}) == 1
            if together and all(id(s) in free and fits(s) for s in run):
                taken = {id(sample) for sample in run}
                self.free = [sample for sample in self.free if id(sample) not in taken]
                return run
        return []

    def file(self, path: str) -> Path:
        """Give a file of the dump."""
        return self.root / path

    def pixels(self, sample: TrueSample, kind: str | None = None) -> NDArray[np.generic]:
        """Draw a picture again."""
        return self.truth.pixels(sample, kind)

    def rewrite(self, picture: TruePicture, image: NDArray[np.generic], mode: str) -> None:
        """Encode other pixels under a picture's name."""
        self.file(picture.path).write_bytes(encode(image, picture.encoding, mode))


def plant_faults(
    root: Path, truth: Truth, *, codes: Sequence[str] | None = None, seed: int = 0
) -> list[Fault]:
    """Plant each fault that the dump allows, once.

    Args:
        root: A dump that ``write_dump`` wrote.
        truth: What it returned.
        codes: Which faults; by default all that fit. Faults named here must fit.
        seed: Chooses the victims.

    Raises:
        ValueError: If a code is unknown.
        SourceLayoutError: If a fault was asked for that this dump cannot have, or has no room for.
    """
    wanted = tuple(FAULTS) if codes is None else tuple(codes)
    unknown = sorted(set(wanted) - set(FAULTS))
    if unknown:
        msg = f"no faults {', '.join(unknown)}; there are {', '.join(FAULTS)}"
        raise ValueError(msg)
    patient = _Patient(root, truth, seed)
    planted = []
    for code in wanted:
        fault = _SURGERY[code](patient)
        if fault is not None:
            planted.append(fault)
        elif codes is not None:
            msg = f"{truth.source}: this dump has no room for {code} ({FAULTS[code]})"
            raise SourceLayoutError(msg, source=truth.source)
    return planted


def _has_partner(sample: TrueSample) -> bool:
    return "visible" in sample.pictures


def _has_labels(sample: TrueSample) -> bool:
    return bool(sample.labels and sample.objects)


def _pair_missing(patient: _Patient) -> Fault | None:
    sample = patient.take(_has_partner)
    if sample is None:
        return None
    path = sample.pictures["visible"].path
    patient.file(path).unlink()
    return Fault("pair-missing", sample.infrared.path, (path,), (sample.name,))


def _pair_shifted(patient: _Patient) -> Fault | None:
    run = patient.take_run(lambda s: _has_partner(s) and bool(s.sequence), _RUN)
    if not run:
        return None
    paths = [sample.pictures["visible"].path for sample in run]
    contents = [patient.file(path).read_bytes() for path in paths]
    for path, content in zip(paths, [contents[0], *contents[:-1]], strict=True):
        patient.file(path).write_bytes(content)
    return Fault("pair-shifted", paths[1], tuple(paths), tuple(s.name for s in run))


def _labels_swapped(patient: _Patient) -> Fault | None:
    first = patient.take(_has_labels)
    if first is None:
        return None
    boxes = [obj.box for obj in first.objects]
    second = patient.take(
        lambda s: _has_labels(s) and [o.box for o in s.objects] != boxes
        and [Path(p).parent for p in s.labels] == [Path(p).parent for p in first.labels]
    )  # fmt: skip
    if second is None:
        return None
    for one, other in zip(first.labels, second.labels, strict=True):
        contents = patient.file(one).read_bytes(), patient.file(other).read_bytes()
        patient.file(one).write_bytes(contents[1])
        patient.file(other).write_bytes(contents[0])
    others = (*first.labels[1:], *second.labels)
    return Fault("labels-swapped", first.labels[0], others, (first.name, second.name))


def _broken_label(patient: _Patient) -> Fault | None:
    sample = patient.take(lambda s: _has_labels(s) and s.labels[0].endswith((".xml", ".json")))
    if sample is None:
        return None
    file = patient.file(sample.labels[0])
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
    return Fault("broken-label", sample.labels[0], (), (sample.name,))


def _orphan_label(patient: _Patient) -> Fault | None:
    sample = patient.take(lambda s: _has_labels(s) and bool(re.search(r"\d", s.labels[0])))
    if sample is None:
        return None
    path = Path(sample.labels[0])
    digits = max(re.findall(r"\d+", path.stem), key=len, default=path.stem)
    ghost = path.stem.replace(digits, GHOST.rjust(len(digits), "9"))
    target = path.with_name(f"{ghost}{path.suffix}")
    patient.file(target.as_posix()).write_bytes(patient.file(sample.labels[0]).read_bytes())
    return Fault("orphan-label", target.as_posix(), (sample.labels[0],), (sample.name,))


def _extra_class(patient: _Patient) -> Fault | None:
    def named(sample: TrueSample) -> bool:
        return _has_labels(sample) and _NAME.search(
            patient.file(sample.labels[0]).read_bytes()
        ) is not None  # fmt: skip

    sample = patient.take(named)
    if sample is None:
        return None
    file = patient.file(sample.labels[0])
    content = _NAME.sub(b"<name>%b</name>" % _WORD.encode(), file.read_bytes(), count=1)
    file.write_bytes(content)
    return Fault("extra-class", sample.labels[0], (), (sample.name,))


_NAME = re.compile(rb"<name>[^<]+</name>")


def _eight_in_sixteen(patient: _Patient) -> Fault | None:
    def deep(sample: TrueSample) -> bool:
        return any(p.mode == "I;16" and p.encoding != "fff" for p in sample.pictures.values())

    sample = patient.take(deep)
    if sample is None:
        return None
    kind = next(k for k, p in sample.pictures.items() if p.mode == "I;16")
    counts = patient.pixels(sample, kind).astype(np.uint16)
    narrow = (counts >> 6).astype(np.uint8).astype(np.uint16)
    picture = sample.pictures[kind]
    patient.rewrite(picture, narrow, "I;16")
    return Fault("8-in-16", picture.path, (), (sample.name,))


def _grey(sample: TrueSample) -> bool:
    return sample.infrared.mode in ("L", "RGB") and sample.infrared.encoding in (
        "jpeg", "png", "bmp",
    )  # fmt: skip


def _levels(patient: _Patient, sample: TrueSample) -> U8:
    pixels = patient.pixels(sample).astype(np.uint8)
    return pixels if pixels.ndim == 2 else np.ascontiguousarray(pixels[..., 0])


def _pseudo_colour(patient: _Patient) -> Fault | None:
    sample = patient.take(_grey)
    if sample is None:
        return None
    patient.rewrite(sample.infrared, pseudo_colour(_levels(patient, sample)), "RGB")
    return Fault("pseudo-colour", sample.infrared.path, (), (sample.name,))


def _exact_duplicate(patient: _Patient) -> Fault | None:
    original = patient.take(lambda _: True)
    if original is None:
        return None
    # Where there are splits the copy leaks into another one.
    alike = [s for s in patient.free if s.infrared.encoding == original.infrared.encoding]
    leaks = [s for s in alike if s.split != original.split]
    chosen = leaks or alike
    copy = patient.take(lambda s: s is chosen[0]) if chosen else None
    if copy is None:
        return None
    content = patient.file(original.infrared.path).read_bytes()
    patient.file(copy.infrared.path).write_bytes(content)
    names = (original.name, copy.name)
    return Fault("exact-duplicate", copy.infrared.path, (original.infrared.path,), names)


def _near_duplicate(patient: _Patient) -> Fault | None:
    original = patient.take(_grey)
    if original is None:
        return None
    first = original.infrared
    copy = patient.take(
        lambda s: (
            (s.infrared.encoding, s.infrared.mode) == (first.encoding, first.mode)
            and (s.infrared.height, s.infrared.width) == (first.height, first.width)
        )
    )
    if copy is None:
        return None
    pixels = patient.pixels(original)
    brighter = np.minimum(pixels.astype(np.int16) + 1, 255).astype(np.uint8)
    patient.rewrite(copy.infrared, brighter, first.mode)
    return Fault("near-duplicate", copy.infrared.path, (first.path,), (original.name, copy.name))


def _short_sequence(patient: _Patient) -> Fault | None:
    last = {s.sequence: s for s in patient.truth.samples if s.sequence}
    free = {id(sample) for sample in patient.free}
    for sequence, sample in last.items():
        frames = [s for s in patient.truth.samples if s.sequence == sequence][-2:]
        if len(frames) < 2 or not all(id(s) in free for s in frames) or sample.frame < 2:
            continue
        patient.free = [s for s in patient.free if s not in frames]
        gone = [p.path for s in frames for p in s.pictures.values()]
        for path in gone:
            patient.file(path).unlink()
        names = tuple(s.name for s in frames)
        return Fault("short-sequence", frames[0].infrared.path, tuple(gone), names)
    return None


def _damaged_frames(patient: _Patient) -> Fault | None:
    run = patient.take_run(lambda s: s.infrared.encoding in ("jpeg", "png"), _RUN)
    if not run:
        return None
    paths = [sample.infrared.path for sample in run]
    for path in paths:
        file = patient.file(path)
        content = file.read_bytes()
        file.write_bytes(content[: len(content) * 2 // 3])
    return Fault("damaged-frames", paths[0], tuple(paths[1:]), tuple(s.name for s in run))


def _border(patient: _Patient) -> Fault | None:
    sample = patient.take(lambda s: "border" in s.attributes)
    if sample is None:
        return None
    width = int(sample.attributes["border"])
    pixels = patient.pixels(sample).astype(np.uint8).copy()
    inner = pixels[width:-width, width:-width].copy()
    pixels[:] = 0
    pixels[width:-width, width:-width] = inner
    patient.rewrite(sample.infrared, pixels, "RGB")
    return Fault("border-not-white", sample.infrared.path, (), (sample.name,))


_SURGERY: dict[str, Callable[[_Patient], Fault | None]] = {
    "pair-missing": _pair_missing,
    "pair-shifted": _pair_shifted,
    "labels-swapped": _labels_swapped,
    "broken-label": _broken_label,
    "orphan-label": _orphan_label,
    "extra-class": _extra_class,
    "8-in-16": _eight_in_sixteen,
    "pseudo-colour": _pseudo_colour,
    "exact-duplicate": _exact_duplicate,
    "near-duplicate": _near_duplicate,
    "short-sequence": _short_sequence,
    "damaged-frames": _damaged_frames,
    "border-not-white": _border,
}
