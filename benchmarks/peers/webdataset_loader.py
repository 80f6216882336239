"""WebDataset: tar shards, WebLoader over worker processes, as its documentation shows."""

from __future__ import annotations

import io
import json
import sys
import tarfile
from pathlib import Path

import numpy as np
import torch
import webdataset as wds
from common import BATCH, cores, decode, samples, serve, transform


def pack(folder):
    """Eight shards beside the dump, written once."""
    shards = [Path(folder, f"wds-{k}.tar") for k in range(8)]
    if not all(shard.exists() for shard in shards):
        for k, shard in enumerate(shards):
            with tarfile.open(shard, "w") as tar:
                for number, (path, boxes) in enumerate(samples(folder)[k::8]):
                    for name, data in (("jpg", Path(path).read_bytes()),
                                       ("json", json.dumps(boxes.tolist()).encode())):  # fmt: skip
                        info = tarfile.TarInfo(f"{k}_{number:06d}.{name}")
                        info.size = len(data)
                        tar.addfile(info, io.BytesIO(data))
    return [str(shard) for shard in shards]


def one(item):
    rng = np.random.default_rng(int(torch.randint(1 << 62, ())))
    boxes = np.asarray(json.loads(item["json"]), np.float32).reshape(-1, 4)
    return transform(decode(item["jpg"]), boxes, rng)


def stack(items):
    return torch.from_numpy(np.stack([i for i, _ in items])), sum(len(b) for _, b in items)


def main(folder):
    torch.set_num_threads(1)
    data = (
        wds.WebDataset(pack(folder), shardshuffle=8, seed=0).shuffle(500).map(one)
        .batched(BATCH, partial=False, collation_fn=stack)
    )  # fmt: skip
    loader = wds.WebLoader(data, batch_size=None, num_workers=cores(), prefetch_factor=4,
                           persistent_workers=True)  # fmt: skip
    serve(lambda number: ((images.numpy(), count) for images, count in loader))


if __name__ == "__main__":
    main(sys.argv[1])
