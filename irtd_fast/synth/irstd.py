"""IRSTD-1k: small targets with binary masks.

    IRSTD1k_Img/XDU0.png  IRSTD1k_Label/XDU0.png  trainval.txt  test.txt

One-channel PNG, masks 0/255, list files hold stems.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from irtd_fast.synth.base import Drawn, SourceWriter
from irtd_fast.synth.targets import draw_targets
from irtd_fast.synth.truth import TruePicture, TrueSample
from irtd_fast.synth.writers import encode_lines


class Irstd1k(SourceWriter):
    """Writes IRSTD-1k's layout."""

    key = "irstd-1k"
    variants = ("official",)
    categories = ("target",)
    default_size = (512, 512)

    def draw(self, index: int) -> Drawn:
        """Draw one sky and its mask."""
        rng = self.rng(index)
        size = self.size or self.default_size
        scene = draw_targets(rng, size, 1 + int(rng.poisson(0.6)), "target")
        name = f"XDU{index}"
        pictures = {
            "infrared": TruePicture(f"IRSTD1k_Img/{name}.png", "png", "L", *size),
            "mask": TruePicture(f"IRSTD1k_Label/{name}.png", "png", "L", *size),
        }
        split = "test" if index % 5 == 4 else "trainval"
        sample = TrueSample(name, index, split, pictures, scene.objects, scene.points)
        arrays: dict[str, np.ndarray] = {"infrared": scene.image, "mask": scene.mask}
        return Drawn(sample, arrays)

    def finish(self, samples: Sequence[TrueSample]) -> Iterator[tuple[str, bytes]]:
        """Yield the two list files."""
        for split in ("trainval", "test"):
            yield f"{split}.txt", encode_lines([s.name for s in samples if s.split == split])
