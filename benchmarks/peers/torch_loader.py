"""torch DataLoader: OpenCV + albumentations, or the expert's transform (``tuned``)."""

from __future__ import annotations

import sys
import warnings

import numpy as np
import torch
from common import BATCH, MEAN, SIZE, STD, cores, read, samples, serve, transform
from torch.utils.data import DataLoader, Dataset


class Files(Dataset):
    """One sample a picture, decoded and transformed in a worker."""

    def __init__(self, folder, kind):
        self.samples, self.kind, self.compose = samples(folder), kind, None

    def __len__(self):
        return len(self.samples)

    def albumentations(self):
        import albumentations as alb

        return alb.Compose(
            [alb.RandomResizedCrop((SIZE, SIZE), scale=(0.25, 1), ratio=(3 / 4, 4 / 3)),
             alb.HorizontalFlip(p=0.5), alb.Normalize(MEAN, STD)],
            bbox_params=alb.BboxParams("pascal_voc", label_fields=["labels"], min_visibility=0.1),
        )  # fmt: skip

    def __getitem__(self, index):
        path, boxes = self.samples[index]
        gray = read(path)
        if self.kind == "tuned":
            rng = np.random.default_rng(int(torch.randint(1 << 62, ())))
            image, boxes = transform(gray, boxes, rng)
            return torch.from_numpy(image), torch.from_numpy(boxes)
        if self.compose is None:
            self.compose = self.albumentations()
        rgb = np.repeat(gray[:, :, None], 3, axis=2)
        done = self.compose(image=rgb, bboxes=boxes, labels=np.zeros(len(boxes)))
        image = torch.from_numpy(done["image"].transpose(2, 0, 1).copy())
        return image, torch.as_tensor(np.asarray(done["bboxes"], np.float32).reshape(-1, 4))


def collate(items):
    """Stack the pictures, keep the boxes ragged."""
    return torch.stack([image for image, _ in items]), [boxes for _, boxes in items]


def main(folder, kind):
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    loader = DataLoader(
        Files(folder, kind), BATCH, shuffle=True, num_workers=cores(), collate_fn=collate,
        drop_last=True, persistent_workers=True, prefetch_factor=4,
    )  # fmt: skip
    serve(lambda number: ((x.numpy(), sum(map(len, boxes))) for x, boxes in loader))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
