"""SPDL: a pipeline of thread stages over the expert's transform."""

from __future__ import annotations

import random
import sys

import numpy as np
from common import BATCH, cores, read, samples, serve, transform
from spdl.pipeline import PipelineBuilder


def main(folder):
    listed = samples(folder)

    def one(item):
        number, (path, boxes) = item
        return transform(read(path), boxes, np.random.default_rng(number))

    def stack(items):
        return np.stack([image for image, _ in items]), sum(len(boxes) for _, boxes in items)

    def epoch(number):
        order = list(range(len(listed)))
        random.Random(number).shuffle(order)
        source = [(number * len(order) + k, listed[k]) for k in order]
        pipeline = (
            PipelineBuilder().add_source(source).pipe(one, concurrency=cores())
            .aggregate(BATCH, drop_last=True).pipe(stack).add_sink(3)
            .build(num_threads=cores())
        )  # fmt: skip
        with pipeline.auto_stop():
            yield from pipeline

    serve(epoch)


if __name__ == "__main__":
    main(sys.argv[1])
