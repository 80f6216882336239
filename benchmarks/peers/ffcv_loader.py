"""FFCV: its own raw file, its own crop and flip; it cannot carry boxes through a crop."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import numpy as np
from common import BATCH, MEAN, SIZE, STD, cores, read, samples, serve

warnings.simplefilter("ignore")
from ffcv.fields import IntField, RGBImageField  # noqa: E402
from ffcv.fields.rgb_image import RandomResizedCropRGBImageDecoder  # noqa: E402
from ffcv.loader import Loader, OrderOption  # noqa: E402
from ffcv.transforms import NormalizeImage, RandomHorizontalFlip, ToTensor, ToTorchImage  # noqa: E402
from ffcv.writer import DatasetWriter  # noqa: E402


class Files:
    """Gray pictures as the three channels that FFCV stores."""

    def __init__(self, folder):
        self.samples = samples(folder)

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        return np.repeat(read(self.samples[index][0])[:, :, None], 3, axis=2), index


def main(folder):
    target = Path(folder, "raw.beton")
    if not target.exists():
        fields = {"image": RGBImageField(write_mode="raw"), "label": IntField()}
        DatasetWriter(str(target), fields, num_workers=cores()).from_indexed_dataset(Files(folder))
    crop = RandomResizedCropRGBImageDecoder((SIZE, SIZE), scale=(0.25, 1), ratio=(3 / 4, 4 / 3))
    mean, std = (255 * np.array(v, np.float32) for v in (MEAN, STD))
    steps = [crop, RandomHorizontalFlip(0.5), NormalizeImage(mean, std, np.float32), ToTensor(),
             ToTorchImage(convert_back_int16=False)]  # fmt: skip
    loader = Loader(
        str(target), BATCH, num_workers=cores(), order=OrderOption.RANDOM, os_cache=True,
        drop_last=True, pipelines={"image": steps, "label": None},
    )  # fmt: skip
    serve(lambda number: ((batch[0].numpy(), 0) for batch in loader), boxes=False)


if __name__ == "__main__":
    main(sys.argv[1])
