"""Facts of any kind for tests of tasks: drawn by hypothesis, or with a few words."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from irtd_fast.tasks.facts import Facts

STREET = ("person", "bicycle", "car", "dog", "other vehicle")
SHARES = (0, 0.25, 1 / 3, 0.5, 2 / 3, 0.75, 1)


def facts_of(boxes=(), categories=(), *, index=0, size=(512, 640), source="flir-v1", **more):
    name = more.pop("name", f"picture {index}")
    return Facts(index, f"{source}/{name}", source, name, *size, boxes=tuple(boxes),
                 categories=tuple(categories), **{"vocabulary": STREET, **more})  # fmt: skip


@st.composite
def places(draw, side):
    """A coordinate: anywhere, often at what divides a picture."""
    if draw(st.booleans()):
        return float(np.float32(draw(st.sampled_from(SHARES)) * side))  # as stores have them
    return draw(st.floats(0, side, allow_nan=False, width=32))


@st.composite
def boxes(draw, size):
    xs = sorted((draw(places(size[1])), draw(places(size[1]))))
    ys = sorted((draw(places(size[0])), draw(places(size[0]))))
    return (xs[0], ys[0], max(xs[1], xs[0] + 0.5), max(ys[1], ys[0] + 0.5))


@st.composite
def any_facts(draw, vocabulary=(*STREET, "background", "bus", "sheep")):
    """Pictures with boxes and points, some of both beyond the frame."""
    size = draw(st.sampled_from([(512, 640), (300, 301), (7, 900)]))
    found = draw(st.lists(boxes(size), max_size=9))
    words = [draw(st.sampled_from(vocabulary)) for _ in found]
    around = st.tuples(
        *(places(side).map(lambda x: float(np.float32(x * 1.2 - 3))) for side in size[::-1])
    )
    points = draw(st.lists(around, max_size=6))
    point_words = [draw(st.sampled_from(["person", "target", "sheep"])) for _ in points]
    return facts_of(
        found, words, size=size, vocabulary=(*vocabulary, "target"), points=tuple(points),
        point_categories=tuple(point_words),
        scene=draw(st.sampled_from(["", "day", "night", "forest", "elsewhere"])),
        band=draw(st.sampled_from(["", "NIR", "LWIR", "mixed"])),
        index=draw(st.integers(0, 10**6)),
    )  # fmt: skip
