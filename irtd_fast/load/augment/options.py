"""What is drawn for each sample: windows, flips, turns, mosaics, holes, photometric effects."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from irtd_fast.geometry.windows import ObjectCrop, ObjectWindows, Pictures
from irtd_fast.load.augment.cutout import Cutout
from irtd_fast.load.augment.draws import Draws
from irtd_fast.load.augment.mosaic import Mosaic
from irtd_fast.load.augment.photometric import Photometric
from irtd_fast.load.augment.windows import ScaleJitter, Windows, around_objects, resized_crops

Crop = Literal["random", "semantic", "whole", "letterbox"] | ObjectCrop | ScaleJitter
_WORDS = ("random", "semantic", "whole", "letterbox")


@dataclass(frozen=True)
class Affine:
    """A turn, a shear, a scale and a shift about the middle of the frame, in this order.

    Attributes:
        rotate: Bounds in degrees, from x towards y (clockwise on a screen).
        shear: Bounds in degrees, drawn for x (rows slide) and y (columns slide) apart.
        scale: Bounds of the factor, drawn log-uniformly.
        translate: Largest shift along each axis as a share of the frame's side.
        probability: Of doing any of it.
    """

    rotate: tuple[float, float] = (0.0, 0.0)
    shear: tuple[float, float] = (0.0, 0.0)
    scale: tuple[float, float] = (1.0, 1.0)
    translate: float = 0.0
    probability: float = 1.0

    def __post_init__(self) -> None:
        """Check the bounds."""
        if not -math.inf < self.rotate[0] <= self.rotate[1] < math.inf:
            raise ValueError(f"rotate must satisfy low <= high, found {self.rotate}")
        if not -40 <= self.shear[0] <= self.shear[1] <= 40:  # both at 45 degrees make a line
            raise ValueError(f"shear must be within -40..40 degrees, found {self.shear}")
        if not 0 < self.scale[0] <= self.scale[1] < math.inf:
            raise ValueError(f"scale must satisfy 0 < low <= high, found {self.scale}")
        if not 0 <= self.translate <= 1:
            raise ValueError(f"translate must be a share, found {self.translate}")
        check_probability("probability", self.probability)


@dataclass(frozen=True)
class Augment:
    """What is drawn anew for each sample of each epoch; by default a resized crop and a flip.

    Everything geometric is one 2x3 matrix from the picture's pixels to the batch's: the window,
    then mirroring, quarter turns and the affine. One draw serves the infrared picture, its visible
    partner and their masks, and boxes, corners, points and density maps follow it. Photometric
    effects are drawn for infrared and visible apart.

    With ``crop="random"``: a window of a random share of the area and a random aspect ratio at a
    random place; after ten draws that do not fit, the largest centred window within the ratio
    bounds (the usual training recipe since Szegedy et al., CVPR 2015). ``semantic`` or an
    ``ObjectCrop``: the window is chosen by the objects of the picture instead, within the same
    bounds where they allow it. ``whole`` stretches the picture to the frame, ``letterbox`` fits it
    in with its aspect kept, a ``ScaleJitter`` does so and then zooms in or out.

    Attributes:
        scale: Bounds of the window's share of the picture's area.
        ratio: Bounds of its width over its height, drawn log-uniformly.
        flip: Probability of a horizontal flip.
        crop: How the window is chosen.
        flip_vertical: Probability of a vertical flip.
        rotate90: Probability of a turn by one, two or three quarters, each as likely.
        affine: A small affine after that, ``None``: none.
        mosaic: Frames of four samples, ``None``: none.
        cutout: Rectangles painted over in the finished frame, ``None``: none.
        photometric: What is done to infrared frames, ``None``: nothing.
        visible_photometric: The same for visible ones, from draws of their own.
        fill: What stands beyond the picture, as a share of the output's range (0 its bottom, 1 its
            top); ``None``: what the loader's ``border`` says.
    """

    scale: tuple[float, float] = (0.25, 1.0)
    ratio: tuple[float, float] = (3 / 4, 4 / 3)
    flip: float = 0.5
    crop: Crop = "random"
    flip_vertical: float = 0.0
    rotate90: float = 0.0
    affine: Affine | None = None
    mosaic: Mosaic | None = None
    cutout: Cutout | None = None
    photometric: Photometric | None = None
    visible_photometric: Photometric | None = None
    fill: float | None = None

    def __post_init__(self) -> None:
        """Check the bounds."""
        if not 0 < self.scale[0] <= self.scale[1] <= 1:
            raise ValueError(f"scale must satisfy 0 < low <= high <= 1, found {self.scale}")
        if not 0 < self.ratio[0] <= self.ratio[1]:
            raise ValueError(f"ratio must satisfy 0 < low <= high, found {self.ratio}")
        for name in ("flip", "flip_vertical", "rotate90"):
            check_probability(name, getattr(self, name))
        if not isinstance(self.crop, ObjectCrop | ScaleJitter) and self.crop not in _WORDS:
            raise ValueError(
                f"crop must be {', '.join(_WORDS)}, an ObjectCrop or a ScaleJitter, "
                f"found {self.crop!r}"
            )
        if self.fill is not None and not math.isfinite(self.fill):
            raise ValueError(f"fill must be a number, found {self.fill}")

    @property
    def object_crop(self) -> ObjectCrop | None:
        """The rule of windows chosen by objects, ``None`` if they are not."""
        if isinstance(self.crop, ObjectCrop):
            return self.crop
        return ObjectCrop() if self.crop == "semantic" else None

    def draw(
        self,
        seed: int,
        epoch: int,
        samples: NDArray[np.int64],
        heights: NDArray[np.int64],
        widths: NDArray[np.int64],
    ) -> tuple[Windows, NDArray[np.bool_]]:
        """Random windows (n, 4) xyxy in native pixels, whole numbers, and flips (n,)."""
        draws = Draws(seed, epoch, samples)
        windows = resized_crops(draws, heights, widths, (self.scale, self.ratio))
        return windows, draws.happens("flip", self.flip)

    def draw_around_objects(
        self,
        seed: int,
        epoch: int,
        samples: NDArray[np.int64],
        pictures: Pictures,
        size: tuple[int, int],
    ) -> tuple[ObjectWindows, NDArray[np.bool_]]:
        """Windows by ``object_crop``, and flips (n,); ``size`` is that of the frame."""
        draws = Draws(seed, epoch, samples)
        rule = self.object_crop or ObjectCrop()
        drawn = around_objects(draws, pictures, rule, (self.scale, self.ratio), size)
        return drawn, draws.happens("flip", self.flip)


def check_probability(name: str, value: float) -> None:
    """Refuse what is no probability."""
    if not 0 <= value <= 1:
        raise ValueError(f"{name} must be a probability, found {value}")
