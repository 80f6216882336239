"""What every source's writer is: draw sample i, name its files, write the shared lists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from irtd_fast.synth.scene import generator
from irtd_fast.synth.truth import TrueSample
from irtd_fast.synth.writers import encode


@dataclass(slots=True)
class Drawn:
    """A sample with its pixels.

    Attributes:
        sample: What is in it.
        arrays: By kind of picture; see ``Truth.pixels`` for shapes.
    """

    sample: TrueSample
    arrays: dict[str, NDArray[np.generic]]


class SourceWriter:
    """Base of the writers; sample ``i`` never depends on how many samples there are.

    Attributes:
        key: The catalogue's key.
        variants: Layouts, the default first.
        covers: Variants of the catalogue's record that have another name here, or that one tree
            here serves together.
        categories: The publisher's words.
        default_size: ``(height, width)`` of the real infrared pictures.
    """

    key: ClassVar[str]
    variants: ClassVar[tuple[str, ...]] = ("",)
    covers: ClassVar[Mapping[str, str]] = {}
    categories: ClassVar[tuple[str, ...]]
    default_size: ClassVar[tuple[int, int]]

    def __init__(self, *, seed: int, variant: str, size: tuple[int, int] | None) -> None:
        self.seed = seed
        self.variant = variant
        self.size = size

    def rng(self, index: int) -> np.random.Generator:
        """Random numbers of sample ``index``; variants share them and so show the same scenes."""
        return generator(self.seed, self.key, index)

    def draw(self, index: int) -> Drawn:
        """Draw sample ``index``."""
        raise NotImplementedError

    def labels(self, sample: TrueSample) -> Iterator[tuple[str, bytes]]:
        """Yield the label files about this sample alone, in the order of ``sample.labels``."""
        yield from ()

    def finish(self, samples: Sequence[TrueSample]) -> Iterator[tuple[str, bytes]]:
        """Yield the files about all samples: split lists, COCO records."""
        yield from ()

    def files(self, drawn: Drawn) -> Iterator[tuple[str, bytes]]:
        """Yield every file of one sample as (path, content); equal pictures are encoded once."""
        done: dict[tuple[int, str, str], bytes] = {}
        for kind, picture in drawn.sample.pictures.items():
            array = drawn.arrays[kind]
            key = (id(array), picture.encoding, picture.mode)
            if key not in done:
                done[key] = encode(array, picture.encoding, picture.mode)
            yield picture.path, done[key]
        yield from self.labels(drawn.sample)


def three_channels(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Store grey as three equal channels, as LLVIP does."""
    out = np.empty((*grey.shape, 3), dtype=np.uint8)
    for channel in range(3):
        out[..., channel] = grey
    return out


def split_of(index: int, pattern: Sequence[str]) -> tuple[str, int]:
    """Deal samples to splits by a repeating pattern.

    Returns:
        The split and how many earlier samples went to it.
    """
    turns, place = divmod(index, len(pattern))
    split = pattern[place]
    earlier = turns * sum(word == split for word in pattern)
    return split, earlier + sum(word == split for word in pattern[:place])
