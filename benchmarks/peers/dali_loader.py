"""NVIDIA DALI on the CPU: file reader, RandomBBoxCrop, bb_flip, crop-mirror-normalise."""

from __future__ import annotations

import sys

import numpy as np
from common import BATCH, SIZE, cores, samples, serve
from nvidia.dali import fn, pipeline_def, types


def source(listed):
    def read(info):
        number = (info.epoch_idx * len(listed) + info.idx_in_epoch) * 2654435761 % len(listed)
        path, boxes = listed[number]
        unit = boxes / np.array([640, 512, 640, 512], np.float32)
        return np.fromfile(path, np.uint8), unit, np.zeros(len(boxes), np.int32)

    return read


@pipeline_def(batch_size=BATCH, device_id=None, prefetch_queue_depth=2)
def task(listed):
    data, boxes, labels = fn.external_source(
        source(listed), num_outputs=3, batch=False,
        dtype=[types.UINT8, types.FLOAT, types.INT32], ndim=[1, 2, 1],
    )  # fmt: skip
    images = fn.decoders.image(data, output_type=types.GRAY)
    at, shape, boxes, _ = fn.random_bbox_crop(
        boxes, labels, scaling=[0.5, 1.0], aspect_ratio=[0.75, 1.3333], bbox_layout="xyXY",
        thresholds=[0.1], allow_no_crop=False, total_num_attempts=10,
    )  # fmt: skip
    images = fn.slice(images, at, shape, out_of_bounds_policy="trim_to_shape")
    images = fn.resize(images, size=[SIZE, SIZE], interp_type=types.INTERP_LINEAR, antialias=False)
    flip = fn.random.coin_flip()
    boxes = fn.bb_flip(boxes, ltrb=True, horizontal=flip)
    images = fn.crop_mirror_normalize(
        images, mirror=flip, mean=[114.0], std=[58.0], dtype=types.FLOAT, output_layout="CHW"
    )
    return fn.cat(images, images, images, axis=0), boxes


def main(folder):
    pipeline = task(samples(folder), num_threads=cores(), seed=1)
    pipeline.build()

    def epoch(number):
        while True:
            images, boxes = pipeline.run()
            yield images.as_array(), sum(len(np.asarray(boxes[k])) for k in range(BATCH))

    serve(epoch)


if __name__ == "__main__":
    main(sys.argv[1])
