"""Ground truth of four trackers without their pictures, as toolkits pass it around.

    RGBT234/<seq>/{infrared,visible,init}.txt: comma, CRLF; once visible-o.txt
    RGBT234/attr_txt/<attribute>.txt, SequencesName.txt: also of sequences that are not there
    GTOT/<seq>/groundTruth_{i,v}.txt: x1 y1 x2 y2; init.txt: x y w h, tab, CRLF
    LasHeR/annos/<seq>.txt: comma; annos/att/<seq>.txt: some sequences again, tab, other boxes
    LasHeR/List_for_Protocol2/{training,testing}setList.txt: CRLF, every sequence published
    LSOTB-TIR/anno/<seq>.txt: from 1; anno/att/<seq>.txt: sixteen flags, no newline

A sample is a frame: the truth has its boxes and no picture. Frames go to the four in turns, so
four samples are already a dump.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import ClassVar

from irtd_fast.synth.base import Drawn, SourceWriter
from irtd_fast.synth.sequence_xml import LsotbTir
from irtd_fast.synth.sequences import SequenceWriter, in_sequences, rows, xywh
from irtd_fast.synth.trackers import Gtot, Lasher, Rgbt234
from irtd_fast.synth.truth import TrueSample

_Files = Iterator[tuple[str, bytes]]
_COPIED = 3  # of so many sequences of LasHeR one has a second file


class _Rgbt234(Rgbt234):
    elsewhere = ("blackwoman", "manypeople1", "yellowcar")


class _Lasher(Lasher):
    reach = 2.0
    elsewhere: ClassVar[dict[str, tuple[str, ...]]] = {
        "train": ("1blackteacher", "whitecar3"),
        "test": ("10runone", "11leftboy"),
    }


class TrackingGt(SourceWriter):
    """Writes the texts of four trackers, each by its own writer's frames."""

    key = "tracking-gt"
    variants = ("labels",)
    categories = ("",)
    default_size = (480, 640)

    def __init__(self, *, seed: int, variant: str, size: tuple[int, int] | None) -> None:
        super().__init__(seed=seed, variant=variant, size=size)
        scene = size or self.default_size
        kinds: dict[str, tuple[type[SequenceWriter], str]] = {
            "RGBT234": (_Rgbt234, "official"),
            "GTOT": (Gtot, "official"),
            "LasHeR": (_Lasher, "official"),
            "LSOTB-TIR": (LsotbTir, "eval"),
        }
        self._trackers = {
            name: kind(seed=seed, variant=form, size=scene) for name, (kind, form) in kinds.items()
        }

    def draw(self, index: int) -> Drawn:
        """Draw one frame and keep its boxes."""
        turn, place = divmod(index, len(self._trackers))
        family, writer = list(self._trackers.items())[place]
        sample = writer.draw(turn).sample
        sample.index = index
        sample.name, sample.sequence = f"{family}/{sample.name}", f"{family}/{sample.sequence}"
        sample.pictures, sample.partner_matrix, sample.attributes = {}, None, {}
        for obj in sample.objects:
            obj.category = ""  # rows name nothing
        if family == "LasHeR" and turn % writer.length == 0:  # both files begin alike
            sample.partner_objects = [replace(obj) for obj in sample.objects]
        return Drawn(sample, {})

    def finish(self, samples: Sequence[TrueSample]) -> _Files:
        """Yield what the trackers' writers say about the frames, where toolkits keep it."""
        placing: dict[str, Callable[[Sequence[TrueSample], _Files], _Files]] = {
            "RGBT234": _rgbt234,
            "LasHeR": _lasher,
        }
        for family, writer in self._trackers.items():
            own = [
                replace(sample, sequence=sample.sequence.removeprefix(f"{family}/"))
                for sample in samples
                if sample.sequence.startswith(f"{family}/")
            ]
            if own:
                files = writer.finish(own)
                place = placing.get(family)
                for path, content in place(own, files) if place else files:
                    yield f"{family}/{path}", content


def _rgbt234(samples: Sequence[TrueSample], files: _Files) -> _Files:
    """The first sequence is there in two forms: its first row was corrected."""
    yield from files
    sequence, frames = next(in_sequences(samples))
    boxes = [xywh(sample.partner_objects) for sample in frames]
    x, y, width, height = boxes[0]
    boxes[0] = (x, y, width + 14, height)
    yield f"{sequence}/visible-o.txt", rows(boxes, ",", end="\r\n")


def _lasher(samples: Sequence[TrueSample], files: _Files) -> _Files:
    """One file a sequence instead of a folder; the other boxes of some are kept apart."""
    for path, content in files:
        sequence, _, name = path.rpartition("/")
        if not sequence:
            yield f"List_for_Protocol2/{name}", content
        elif name == "infrared.txt":
            yield f"annos/{sequence}.txt", content
    for number, (sequence, frames) in enumerate(in_sequences(samples)):
        if number % _COPIED == 0:
            other = [xywh(sample.partner_objects) for sample in frames]
            yield f"annos/att/{sequence}.txt", rows(other, "\t")


WRITERS: tuple[type[SourceWriter], ...] = (TrackingGt,)
