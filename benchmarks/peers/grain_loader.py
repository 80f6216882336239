"""Grain: MapDataset, shuffled, read threads: its way for work that frees the GIL."""

from __future__ import annotations

import sys

import grain
import numpy as np
from common import BATCH, cores, read, samples, serve, transform


class Transform(grain.transforms.RandomMap):
    """Decode and transform one sample."""

    def random_map(self, element, rng):
        path, boxes = element
        return transform(read(path), boxes, rng)


def stack(items):
    """A batch with ragged boxes."""
    return np.stack([image for image, _ in items]), sum(len(boxes) for _, boxes in items)


def main(folder):
    listed = samples(folder)
    options = grain.ReadOptions(num_threads=cores(), prefetch_buffer_size=4 * BATCH)

    def epoch(number):
        return iter(
            grain.MapDataset.source(listed).shuffle(seed=number).seed(number)
            .random_map(Transform()).batch(BATCH, drop_remainder=True, batch_fn=stack)
            .to_iter_dataset(options)
        )  # fmt: skip

    serve(epoch)


if __name__ == "__main__":
    main(sys.argv[1])
