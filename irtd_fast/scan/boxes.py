"""What to do with a label whose geometry does not fit its picture. Nothing is ever clipped here.

============================================  =======================  ======================
what                                          code                     done
============================================  =======================  ======================
NaN or infinite coordinate                    ``not-finite-box``       left out
maximum before minimum                        ``inverted-box``         left out
no width or no height                         ``empty-box``            left out
no part inside the picture                    ``outside-box``          left out
centre in the border that is cut off          ``outside-box``          left out
sticks out by more than the tolerance         ``out-of-frame-box``     kept, ``OUT_OF_FRAME``
turned box: sticks out, centre inside         none                     kept, ``OUT_OF_FRAME``
turned box: centre outside                    ``out-of-frame-box``     kept, ``OUT_OF_FRAME``
point: NaN or infinite                        ``not-finite-point``     left out
point outside by more than the tolerance      ``outside-point``        left out
============================================  =======================  ======================
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from irtd_fast.types import Box, ObjectFlag, RawObject


@dataclass(frozen=True, slots=True)
class Verdict:
    """Judgement on one box or point.

    Attributes:
        keep: The label stays.
        code: Problem to report, or ``""``.
        message: What was expected and found.
        flags: ``ObjectFlag`` bits to add.
    """

    keep: bool = True
    code: str = ""
    message: str = ""
    flags: int = 0


_FINE = Verdict()


def moved(raw: RawObject, fx: float, fy: float, border: int) -> RawObject:
    """Give a copy of a label, x times ``fx``, y times ``fy``, without the picture's border."""
    edge = float(border)
    box, corners, point = raw.box, raw.corners, raw.point
    if box is not None:
        x0, y0, x1, y1 = box
        box = (x0 * fx - edge, y0 * fy - edge, x1 * fx - edge, y1 * fy - edge)
    if corners is not None:
        a, b, c, d, e, f, g, h = corners
        corners = (
            a * fx - edge, b * fy - edge, c * fx - edge, d * fy - edge,
            e * fx - edge, f * fy - edge, g * fx - edge, h * fy - edge,
        )  # fmt: skip
    if point is not None:
        point = (point[0] * fx - edge, point[1] * fy - edge)
    return replace(raw, box=box, corners=corners, point=point)


def judge_centre(box: Box, height: int, width: int) -> Verdict:
    """Leave out a box whose centre lies in the border that was cut off."""
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    if 0 <= x <= width and 0 <= y <= height:
        return _FINE
    return _out("outside-box", f"expected a centre inside {width} x {height}, found {_show(box)}")


def judge_box(
    box: Box, height: int, width: int, *, tolerance: float = 0.0, oriented: bool = False
) -> Verdict:
    """Judge a box (edges, pixels) on a picture; see the module's table."""
    x0, y0, x1, y1 = box
    if 0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height:
        return _FINE  # nearly all of them; NaN fails every comparison
    if not all(map(math.isfinite, box)):
        return _out("not-finite-box", f"expected finite numbers, found {_show(box)}")
    if x1 < x0 or y1 < y0:
        return _out("inverted-box", f"expected x0 < x1 and y0 < y1, found {_show(box)}")
    if x1 == x0 or y1 == y0:
        return _out("empty-box", f"expected some width and height, found {_show(box)}")
    place = f"expected inside {width} x {height}, found {_show(box)}"
    if x1 <= 0 or y1 <= 0 or x0 >= width or y0 >= height:
        return _out("outside-box", place)
    if oriented:
        inside = 0 <= (x0 + x1) / 2 <= width and 0 <= (y0 + y1) / 2 <= height
        code = "" if inside else "out-of-frame-box"
        return Verdict(code=code, message=place, flags=ObjectFlag.OUT_OF_FRAME)
    if max(-x0, -y0, x1 - width, y1 - height) <= tolerance:
        return _FINE
    return Verdict(code="out-of-frame-box", message=place, flags=ObjectFlag.OUT_OF_FRAME)


def judge_point(x: float, y: float, height: int, width: int, *, tolerance: float = 0.0) -> Verdict:
    """Judge a point (edge coordinates, pixels) on a picture; see the module's table."""
    if not (math.isfinite(x) and math.isfinite(y)):
        return _out("not-finite-point", f"expected finite numbers, found {_show((x, y))}")
    if max(-x, -y, x - width, y - height) > tolerance:
        message = f"expected inside {width} x {height}, found {_show((x, y))}"
        return _out("outside-point", message)
    return _FINE


def _out(code: str, message: str) -> Verdict:
    return Verdict(keep=False, code=code, message=message)


def _show(values: tuple[float, ...]) -> str:
    return "(" + ", ".join(f"{value:g}" for value in values) + ")"
