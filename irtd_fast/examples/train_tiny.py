"""Train a tiny detector of object centres on a store, on the CPU, in about a minute.

    python -m irtd_fast.examples.train_tiny my.zarr --steps 300

A network of 60,000 weights learns where the centres of boxes are and how large the boxes are
(Zhou et al., "Objects as Points", 2019, with one class for all categories). It shows all that a
training script needs: a loader, tensors over its batches, targets from boxes and offsets. After
training it counts how many objects of the validation split it finds. Needs the extra ``torch``.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

import irtd_fast
from irtd_fast.load import Augment, Loader
from irtd_fast.load.torch import TorchBatch, tensors
from irtd_fast.radiometry import Percentile
from irtd_fast.store.dataset import Dataset

STRIDE = 4
_NEAR = 8.0  # pixels that a centre may be off, at least


class TinyDetector(nn.Module):
    """Heat of object centres and their sizes at a quarter of the resolution."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.quarter = nn.Sequential(_block(1, width, 2), _block(width, 2 * width, 2))
        self.eighth = nn.Sequential(
            _block(2 * width, 3 * width, 2), _block(3 * width, 3 * width, 1)
        )
        self.merged = _block(5 * width, 2 * width, 1)
        self.head = nn.Conv2d(2 * width, 3, 1)
        nn.init.normal_(self.head.weight, std=0.01)
        bias = self.head.bias
        assert bias is not None
        nn.init.constant_(bias, 0.0)
        bias.data[0] = -3.0  # centres are rare

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Heat (b, h, w) as logits, and the logarithm of sizes (b, 2, h, w), width first."""
        quarter = self.quarter(images)
        wide = functional.interpolate(self.eighth(quarter), size=quarter.shape[-2:])
        out = self.head(self.merged(torch.cat([quarter, wide], 1)))
        return out[:, 0], out[:, 1:]


def _block(channels: int, out: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, out, 3, stride, 1, bias=False), nn.GroupNorm(4, out), nn.SiLU()
    )


@dataclass(frozen=True)
class Targets:
    """What a batch's boxes mean for the network.

    Attributes:
        heat: (b, h, w) 1 at centres, falling off with the size of the box.
        owner: (m,) sample of each box.
        cell: (m, 2) row and column of each centre.
        size: (m, 2) logarithm of width and height in cells.
    """

    heat: Tensor
    owner: Tensor
    cell: Tensor
    size: Tensor

    @classmethod
    def of(cls, batch: TorchBatch) -> Targets:
        """From the boxes of a batch."""
        count = len(batch)
        height, width = (side // STRIDE for side in batch.images.shape[-2:])
        owner = torch.repeat_interleave(torch.arange(count), batch.offsets.diff())
        size = (batch.boxes[:, 2:] - batch.boxes[:, :2]).clamp(min=1) / STRIDE
        centre = (batch.boxes[:, :2] + batch.boxes[:, 2:]) / 2 / STRIDE
        column = centre[:, 0].floor().long().clamp(0, width - 1)
        row = centre[:, 1].floor().long().clamp(0, height - 1)
        spread = (size / 6).clamp(min=0.7)
        x, y = torch.arange(width), torch.arange(height)
        across = ((x - column[:, None]) / spread[:, :1]) ** 2
        down = ((y - row[:, None]) / spread[:, 1:]) ** 2
        bumps = torch.exp(-(down[:, :, None] + across[:, None, :]) / 2)
        heat = torch.zeros(count, height, width)
        for i, (first, last) in enumerate(pairwise(batch.offsets.tolist())):
            if first < last:
                heat[i] = bumps[first:last].amax(0)
        return cls(heat, owner, torch.stack([row, column], 1), size.log())


def loss_of(outputs: tuple[Tensor, Tensor], targets: Targets) -> Tensor:
    """Penalty-reduced focal loss of the heat, and L1 of the sizes at the centres."""
    heat, sizes = outputs
    share = heat.sigmoid()
    peaks = targets.heat == 1
    hit = -functional.logsigmoid(heat) * (1 - share) ** 2
    miss = -functional.logsigmoid(-heat) * share**2 * (1 - targets.heat) ** 4
    count = max(1, len(targets.owner))
    total = torch.where(peaks, hit, miss).sum() / count
    here = sizes[targets.owner, :, targets.cell[:, 0], targets.cell[:, 1]]
    return total + 0.2 * (here - targets.size).abs().sum() / count


@dataclass
class Found:
    """Objects there are, those found, and what was taken for one."""

    objects: int = 0
    hits: int = 0
    calls: int = 0

    @property
    def recall(self) -> float:
        """Share of the objects that were found."""
        return self.hits / max(1, self.objects)

    @property
    def precision(self) -> float:
        """Share of the calls that were objects."""
        return self.hits / max(1, self.calls)


def find_objects(model: TinyDetector, loader: Loader, threshold: float = 0.3) -> Found:
    """Compare local maxima of the heat with the centres of boxes, one for one, nearest first."""
    found = Found()
    model.eval()
    with torch.no_grad():
        for batch in tensors(loader):
            heat = model(batch.images)[0].sigmoid()
            highest = functional.max_pool2d(heat[:, None], 3, 1, 1)[:, 0]
            peaks = ((heat == highest) & (heat > threshold)).nonzero()
            for i in range(len(batch)):
                if bool(batch.padding[i]):
                    continue
                boxes = batch.boxes[batch.offsets[i] : batch.offsets[i + 1]]
                mine = peaks[peaks[:, 0] == i, 1:].flip(1) * STRIDE + STRIDE / 2
                found.objects += len(boxes)
                found.calls += len(mine)
                found.hits += _matches(mine, boxes)
    model.train()
    return found


def _matches(points: Tensor, boxes: Tensor) -> int:
    if not len(points) or not len(boxes):
        return 0
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    reach = ((boxes[:, 2:] - boxes[:, :2]).amax(1) / 2).clamp(min=_NEAR)
    distance = torch.cdist(points.float(), centres) / reach
    hits = 0
    while distance.numel() and float(distance.min()) <= 1:
        point, box = divmod(int(distance.argmin()), distance.shape[1])
        distance[point, :] = distance[:, box] = float("inf")
        hits += 1
    return hits


@dataclass
class Report:
    """How a training went.

    Attributes:
        losses: Of every step.
        before: What the untrained network finds in the validation split.
        after: What the trained one finds.
        epochs: Epochs begun.
    """

    losses: list[float] = field(default_factory=list)
    before: Found = field(default_factory=Found)
    after: Found = field(default_factory=Found)
    epochs: int = 0

    def means(self, parts: int = 10) -> list[float]:
        """The loss in equal parts of the training."""
        each = max(1, len(self.losses) // parts)
        pieces = [self.losses[k : k + each] for k in range(0, len(self.losses), each)]
        return [sum(piece) / len(piece) for piece in pieces]


def train(
    store: str | Path, *, steps: int = 300, batch_size: int = 8, size: tuple[int, int] = (256, 320),
    seed: int = 0, source: str | None = None,
) -> Report:  # fmt: skip
    """Train on the split ``train`` of a store and validate on ``val`` (or ``test``).

    Args:
        store: With labelled boxes.
        steps: Of the optimiser.
        batch_size: Samples of a step.
        size: (height, width) of the network's input, multiples of 8.
        seed: Of weights, order and augmentation.
        source: Only this one of the store's sources.

    Raises:
        ValueError: The store has no samples with boxes, or the size does not divide by 8.
    """
    if size[0] % 8 or size[1] % 8:
        raise ValueError(f"size must be multiples of 8, found {size}")
    torch.manual_seed(seed)
    training, validation = _splits(irtd_fast.open(store), source)
    recipe = Percentile(1, 99.8)
    loader = Loader(
        training, batch_size, size, Augment(scale=(0.3, 1.0)), recipe, seed=seed, remainder="pad"
    )
    checking = Loader(
        validation, batch_size, size, None, recipe, order="sequential", remainder="pad"
    )
    model, report = TinyDetector(), Report()
    report.before = find_objects(model, checking)
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 6e-3, total_steps=steps)
    for batch in _endless(loader, steps):
        loss = loss_of(model(batch.images), Targets.of(batch))
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
        report.losses.append(float(loss.detach()))
    report.epochs = -(-steps // len(loader))
    checking.set_epoch(0)
    report.after = find_objects(model, checking)
    return report


def _endless(loader: Loader, steps: int) -> Iterator[TorchBatch]:
    """Epoch after epoch, until so many batches are taken."""
    taken = 0
    while True:
        for batch in tensors(loader):
            yield batch
            taken += 1
            if taken == steps:
                return


def _splits(dataset: Dataset, source: str | None) -> tuple[Dataset, Dataset]:
    """Samples to train and to validate on; where there is but one split, a fifth of it."""
    if source is not None:
        dataset = dataset.filter(source=source)
    names = {word for each in dataset.sources for word in each.splits}
    training = dataset.filter(split="train") if "train" in names else dataset
    other = next((name for name in ("val", "test") if name in names), None)
    validation = dataset.filter(split=other) if other is not None else dataset[:0]
    if not len(training):
        training = dataset
    if not len(validation):
        validation, training = training[::5], training[[n for n in range(len(training)) if n % 5]]
    if not len(training) or not any(len(sample.boxes) for sample in training):
        raise ValueError("the store has no samples with boxes to train on")
    return training, validation


def main(arguments: Sequence[str] | None = None) -> None:
    """Train as the command line says, and print how it went."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("store", help="a store with boxes, e.g. of hit-uav or llvip")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--source", default=None, help="only this source of the store")
    parser.add_argument("--threads", type=int, default=0, help="of torch; fewer on a busy machine")
    given = parser.parse_args(arguments)
    if given.threads > 0:
        torch.set_num_threads(given.threads)
    report = train(given.store, steps=given.steps, batch_size=given.batch_size, seed=given.seed,
                   source=given.source)  # fmt: skip
    print(f"{given.steps} steps, {report.epochs} epochs")
    print("loss  " + "  ".join(f"{mean:.3f}" for mean in report.means()))
    for when, found in (("before", report.before), ("after", report.after)):
        print(f"{when:<6} {found.hits} of {found.objects} objects found (recall "
              f"{found.recall:.2f}, precision {found.precision:.2f})")  # fmt: skip


if __name__ == "__main__":
    main()
