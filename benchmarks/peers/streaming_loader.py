"""MosaicML Streaming: MDS shards of JPEG bytes and boxes, DataLoader over workers."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import numpy as np
import torch
from common import BATCH, cores, samples, serve
from packed import sample, stack

warnings.simplefilter("ignore")
# streaming imports torchvision, whose wheels for CUDA register their operators only where there is
# CUDA, and fail without; nothing of them is used here.
_operators = torch.library.Library("torchvision", "FRAGMENT")
for _name in ("nms", "qnms"):
    _operators.define(f"{_name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
from streaming import MDSWriter, StreamingDataset  # noqa: E402


class Data(StreamingDataset):
    """Decodes and transforms in the worker."""

    def __getitem__(self, index):
        item = super().__getitem__(index)
        return sample(item["jpeg"], np.frombuffer(item["boxes"], np.float32))


def main(folder):
    torch.set_num_threads(1)
    target = str(Path(folder, "mds"))
    if not Path(target, "index.json").exists():
        with MDSWriter(out=target, columns={"jpeg": "bytes", "boxes": "bytes"}) as writer:
            for path, boxes in samples(folder):
                writer.write({"jpeg": Path(path).read_bytes(), "boxes": boxes.tobytes()})
    data = Data(local=target, shuffle=True, batch_size=BATCH)
    loader = torch.utils.data.DataLoader(
        data, BATCH, num_workers=cores(), collate_fn=stack, drop_last=True,
        persistent_workers=True, prefetch_factor=4,
    )  # fmt: skip
    serve(lambda number: ((images.numpy(), count) for images, count in loader))


if __name__ == "__main__":
    main(sys.argv[1])
