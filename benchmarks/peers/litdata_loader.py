"""litdata: optimised chunks of JPEG bytes and boxes, StreamingDataLoader."""

from __future__ import annotations

import sys
from pathlib import Path

import litdata
import numpy as np
import torch
from common import BATCH, cores, samples, serve
from packed import sample, stack


def pack(item):
    path, boxes = item
    return {"jpeg": Path(path).read_bytes(), "boxes": boxes}


class Data(litdata.StreamingDataset):
    """Decodes and transforms in the worker."""

    def __getitem__(self, index):
        item = super().__getitem__(index)
        return sample(item["jpeg"], np.asarray(item["boxes"], np.float32))


def main(folder):
    torch.set_num_threads(1)
    target = str(Path(folder, "litdata"))
    if not Path(target, "index.json").exists():
        litdata.optimize(pack, samples(folder), target, chunk_bytes="64MB", num_workers=1)
    data = Data(target, shuffle=True, drop_last=True)
    loader = litdata.StreamingDataLoader(
        data, batch_size=BATCH, num_workers=cores(), collate_fn=stack, prefetch_factor=4
    )

    def epoch(number):
        return ((images.numpy(), count) for images, count in loader if len(images) == BATCH)

    serve(epoch)


if __name__ == "__main__":
    main(sys.argv[1])
