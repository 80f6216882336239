"""Human actions in CDFAG: InfAR (infrared) and XD145 (visible), not paired.

    frames  InfAR/<action>/<action>_001/00001.jpg  XD145/<action>/<action>_001/00001.jpg
    clips   InfAR/<action>/<action>_001_00001.jpg  likewise
    video   InfAR/<action>/<action>_001.avi        XD145/<action>/<action>_001.avi, Motion JPEG

The layout on disk is not documented; the action as folder is what both parts share.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irtd_fast.synth.base import Drawn, SourceWriter, three_channels
from irtd_fast.synth.scene import U8
from irtd_fast.synth.sequences import SequenceWriter
from irtd_fast.synth.truth import TruePicture, TrueSample
from irtd_fast.synth.writers import encode_jpeg

_ACTIONS = (
    "fight", "handclapping", "handshake", "hug", "jog", "jump", "punch", "push", "skip", "walk",
    "wave1", "wave2",
)  # fmt: skip
_RATE = 25
CLIP = 5  # frames of a written video


class Cdfag(SequenceWriter):
    """Writes frames of clips, or the clips themselves; a sample is then a clip."""

    key = "cdfag"
    variants = ("frames", "clips", "video")
    categories = _ACTIONS
    default_size = (256, 293)
    length = 2
    targets = tuple((action, "person", "") for action in _ACTIONS)

    def sequence_name(self, name: str, turn: int) -> str:
        """Number clips by action."""
        return f"{name}_{turn + 1:03d}"

    def draw(self, index: int) -> Drawn:
        """Draw one frame, or the first frame of a clip."""
        if self.variant == "video":
            index *= self.length
        sequence, frame = self.place(index)
        action = sequence.rsplit("_", 1)[0]
        shot = self.shoot(index)
        grey = shot.grey()
        folder = f"InfAR/{action}/{sequence}"
        if self.variant == "video":
            picture = TruePicture(f"{folder}.avi", "avi", "RGB", *shot.size)
            sample = TrueSample(
                sequence, index // self.length, "", {"infrared": picture},
                attributes={"class": action, "frames": str(CLIP)}, sequence=sequence,
            )  # fmt: skip
        else:
            joint = "_" if self.variant == "clips" else "/"
            path = f"{folder}{joint}{frame + 1:05d}.jpg"
            picture = TruePicture(path, "jpeg", "RGB", *shot.size)
            sample = TrueSample(
                f"{sequence}/{frame + 1:05d}", index, "", {"infrared": picture},
                attributes={"class": action}, sequence=sequence, frame=frame + 1,
            )  # fmt: skip
        return Drawn(sample, {"infrared": three_channels(grey)})

    def files(self, drawn: Drawn) -> Iterator[tuple[str, bytes]]:
        """Yield the frame, or the clip: its frames repeat the first one, a little brighter each."""
        if self.variant != "video":
            yield from super().files(drawn)
            return
        first = np.asarray(drawn.arrays["infrared"], dtype=np.uint8)
        yield drawn.sample.infrared.path, encode_avi(_brighter(first))

    def finish(self, samples: Sequence[TrueSample]) -> Iterator[tuple[str, bytes]]:
        """Yield one visible clip (or frame) an action."""
        for action in dict.fromkeys(sample.attributes["class"] for sample in samples):
            height, width = self.size or self.default_size
            ramp = np.linspace(40, 200, height * width).reshape(height, width).astype(np.uint8)
            picture = np.dstack((ramp, ramp // 2, 255 - ramp))
            stem = f"XD145/{action}/{action}_001"
            if self.variant == "video":
                yield f"{stem}.avi", encode_avi(_brighter(picture))
            else:
                joint = "_" if self.variant == "clips" else "/"
                yield f"{stem}{joint}00001.jpg", encode_jpeg(picture)


def _brighter(first: U8) -> list[U8]:
    return [np.clip(first.astype(np.int16) + 3 * n, 0, 255).astype(np.uint8) for n in range(CLIP)]


def encode_avi(frames: Sequence[NDArray[np.uint8]]) -> bytes:
    """Encode a clip as Motion JPEG in AVI.

    Args:
        frames: uint8 (h, w, 3), all of one size.

    Raises:
        ImportError: PyAV is not installed; the message says how to install it.
    """
    try:
        av: Any = importlib.import_module("av")
    except ImportError as error:
        msg = "video containers need PyAV: pip install av"
        raise ImportError(msg) from error
    height, width = frames[0].shape[:2]
    buffer = BytesIO()
    options = {"fflags": "+bitexact"}
    with av.open(buffer, "w", format="avi", options=options) as container:
        stream = container.add_stream("mjpeg", rate=_RATE, options={"flags": "+bitexact"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuvj444p"
        stream.thread_count = 1
        for frame in frames:
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return buffer.getvalue()


WRITERS: tuple[type[SourceWriter], ...] = (Cdfag,)
