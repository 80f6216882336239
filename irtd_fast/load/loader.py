"""The loader: epochs of batches, deterministic for any number of threads and any prefetch."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from irtd_fast.density import Density
from irtd_fast.errors import IrtdError, LoaderError
from irtd_fast.geometry.ledger import Ledger
from irtd_fast.geometry.remap import BoxOptions
from irtd_fast.geometry.resampling import Border, Filter, check_choice
from irtd_fast.load.augment import Augment
from irtd_fast.load.batch import Batch
from irtd_fast.load.course import Course
from irtd_fast.load.masks import MaskPictures
from irtd_fast.load.memory import affordable_prefetch
from irtd_fast.load.orders import Order
from irtd_fast.load.pairs import PairFrames, Visible, visible_options
from irtd_fast.load.plan import BatchPlan, Places
from irtd_fast.load.planner import Planner
from irtd_fast.load.position import Position
from irtd_fast.load.prefetch import Prefetcher
from irtd_fast.load.ranks import find_rank
from irtd_fast.load.recipes import SideRecipes
from irtd_fast.load.sampler import Remainder, Sampler
from irtd_fast.load.skipped import Skipped
from irtd_fast.load.stats import LoaderStats
from irtd_fast.load.targets import Target
from irtd_fast.load.text_feed import Frame, TextFeed, text_options
from irtd_fast.radiometry import MinMax, Recipe
from irtd_fast.radiometry.base import OutputType
from irtd_fast.store.dataset import Dataset

_PLANS_AHEAD = 2
_NOTHING = Augment()
_ITEM_BYTES = {"float32": 4, "float16": 2, "bfloat16": 2, "uint8": 1, "uint16": 2}


@dataclass
class Loader:
    """Batches of a dataset, epoch after epoch.

    Every ``for batch in loader`` is one epoch; the next one continues with the next epoch number.
    Batches are a pure function of (seed, epoch, rank), whatever ``threads`` and ``prefetch`` are.
    ``box_ledger`` and ``point_ledger`` say what became of all boxes and points of the batches that
    the present epoch has yielded so far (since it was resumed, if it was).

    Args:
        dataset: What ``irtd_fast.open`` gave.
        batch_size: Samples of a batch.
        size: (height, width) of the batch's pictures.
        augment: What is drawn for each sample: crop, flips, turns, mosaics, photometric effects;
            ``None`` resizes every picture whole.
        normalize: Recipe from counts to network input; with ``scope`` sequence or source it goes
            by what ``irtd stats`` stored.
        dtype: ``float32``, ``float16``, ``bfloat16`` (its bits as uint16), ``uint8`` or ``uint16``;
            the last for ``Counts``, to be normalised elsewhere.
        channels: 1 or 3; a gray picture is repeated.
        layout: ``chw`` or ``hwc``.
        filter: How pictures are resized (``geometry.resample`` explains each). ``antialias`` keeps
            small hot targets when it reduces; ``bilinear`` is what OpenCV does by default.
        border: What stands where a window reaches beyond its picture.
        order: ``random`` (a true permutation), ``sequential``, ``shards`` (for network disks),
            ``shape`` (batches of one native shape), or an order of ``load.orders``: ``Weighted``,
            ``Curriculum``, ``ShardShuffled(window)``.
        visible: Give the visible partners too (``Batch.visible``), cut by the same draw: ``True``
            or options. What is no pair, or does not fit, is refused when the loader is made.
        shrink_jpeg: Let JPEG pictures of compact stores be decoded 2, 4 or 8 times smaller where
            ``area`` or ``antialias`` reduces them by more than that; faster, a few levels off.
        boxes: What becomes of boxes that the window cuts.
        targets: Which labels follow the pictures: ``boxes``, ``points``, ``corners`` (oriented
            boxes), ``masks``, ``density`` (which ``density`` asks for too), ``texts``: then
            ``dataset`` becomes the samples that have some, and ``Batch.texts`` is true of what the
            batch shows.
        texts: Name of the stored texts; by default the only ones there are.
        tasks: Only texts of these tasks.
        task_weights: How often each task is drawn: one text a sample; ``None`` gives them all.
        defer_effects: Leave photometric effects and cutout out of the frames and give them as
            numbers (``Batch.effects``), for ``load.device.DeviceLoader`` or others to apply.
        mask_fill: The label in ``Batch.masks`` beyond pictures, and where a sample has no mask.
        density: How density maps of the points are made (``Batch.density``), ``None``: none are,
            unless ``targets`` names them.
        seed: Of order and augmentation.
        rank: Of this process; with ``world_size``, or neither: then ``torch.distributed``, or the
            environment that torchrun or Slurm sets, say it (``load.ranks.find_rank``).
        world_size: Processes that share an epoch.
        remainder: What becomes of the samples that fill no batch on every rank: ``wrap`` repeats
            others, ``pad`` does so and marks them (``Batch.padding``), ``drop`` leaves them out.
        drop_last: The same as ``remainder="drop"``.
        on_error: What to do about a sample that cannot be read: ``raise``, or ``skip``: its batch
            comes without it, and ``skipped`` counts it and says why.
        threads: Native threads, by default some more than cores.
        prefetch: Batches made ahead; 0 makes each when it is asked for.
        memory_limit: Bytes (or ``"2GB"``) that batches may take: those made ahead, the one in the
            making and the one in use; fewer are made ahead if that is what it takes. By default
            half of what the machine, or the control group, has free.

    Raises:
        ValueError: An argument outside of the above.
        LoaderError: While iterating: a sample that cannot be read, by number and name; with
            ``skip``, more than a tenth that cannot be read; an iteration from before a fork.
        StoreReplacedError: While iterating: another ingest took the place of a source.
    """

    dataset: Dataset
    batch_size: int = 64
    size: tuple[int, int] = (448, 448)
    augment: Augment | None = field(default_factory=Augment)
    normalize: Recipe = field(default_factory=MinMax)
    dtype: OutputType = "float32"
    channels: int = 1
    layout: Literal["chw", "hwc"] = "chw"
    order: Order | str = "random"
    boxes: BoxOptions = field(default_factory=BoxOptions)
    seed: int = 0
    rank: int | None = None
    world_size: int | None = None
    drop_last: bool = False
    threads: int = 0
    prefetch: int = 2
    density: Density | None = None
    filter: Filter = "antialias"
    border: Border = "replicate"
    visible: bool | Visible = False
    shrink_jpeg: bool = True
    memory_limit: int | str | None = None
    remainder: Remainder = "wrap"
    on_error: Literal["raise", "skip"] = "raise"
    targets: tuple[Target, ...] = ("boxes", "points")
    mask_fill: int = 0
    texts: str | None = None
    tasks: Sequence[str] = ()
    task_weights: Mapping[str, float] | None = None
    defer_effects: bool = False

    def __post_init__(self) -> None:
        """Check the arguments and fix the order of epochs."""
        height, width = self.size
        if not (1 <= height <= 1 << 16 and 1 <= width <= 1 << 16):
            raise ValueError(f"size must be (height, width) in 1..65536, found {self.size}")
        if self.channels not in (1, 3):
            raise ValueError(f"channels must be 1 or 3, found {self.channels}")
        check_choice("dtype", self.dtype, OutputType)
        if self.layout not in ("chw", "hwc"):
            raise ValueError(f"layout must be chw or hwc, found {self.layout!r}")
        if self.on_error not in ("raise", "skip"):
            raise ValueError(f"on_error must be raise or skip, found {self.on_error!r}")
        check_choice("filter", self.filter, Filter)
        check_choice("border", self.border, Border)
        for target in self.targets:
            check_choice("targets", target, Target)
        if self.density is None and "density" in self.targets:
            self.density = Density()
        self._prepare()
        self.rank, self.world_size = find_rank(self.rank, self.world_size)
        remainder: Remainder = "drop" if self.drop_last else self.remainder
        sampler = Sampler(self.batch_size, self.rank, self.world_size, remainder)
        self.course = Course(self.dataset, self.order, sampler, self.seed)
        self.ahead = affordable_prefetch(self._batch_bytes(), self.prefetch, self.memory_limit)
        self.stats = LoaderStats()
        self.skipped = Skipped()
        self._turns = 0, 1
        self.box_ledger = self.point_ledger = Ledger()

    def __getstate__(self) -> dict[str, Any]:
        made_anew = {"_visible", "_planner", "_masks", "_feed"}
        return {key: value for key, value in vars(self).items() if key not in made_anew}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._prepare()

    def _prepare(self) -> None:
        """What native code or the store's columns are behind, and so does not travel."""
        self._feed = self._make_feed()
        self._visible = visible_options(asked=self.visible)
        augment = self.augment if self.augment is not None else _NOTHING
        how = {"shares": augment.fill is not None, "effects": augment.cutout is not None,
               "deferred": self.defer_effects}  # fmt: skip
        infrared = SideRecipes(self.normalize, augment.photometric, self.dataset, self.dtype, **how)
        visible = None
        if self._visible is not None:
            recipe, effects = self._visible.normalize, augment.visible_photometric
            visible = SideRecipes(recipe, effects, self.dataset, self.dtype, **how)
        pairs = PairFrames(self.dataset, self._visible) if self._visible is not None else None
        targets: frozenset[Target] = frozenset(self.targets)
        if self.density is not None:
            targets |= {"density"}
        self._planner = Planner(
            self.dataset, self.size, self.augment, self.boxes, targets, self.density, infrared,
            visible, pairs, self.seed, self.threads, self.defer_effects,
        )  # fmt: skip
        self._masks = None
        if "masks" in targets:
            self._masks = MaskPictures(
                self.dataset, self.size, self.mask_fill, self.threads,
                visible=self._visible is not None,
            )  # fmt: skip

    def _make_feed(self) -> TextFeed | None:
        wanted = "texts" in self.targets
        options = text_options(self.texts, self.tasks, self.task_weights, wanted=wanted)
        if options is None:
            return None
        frame = Frame(self.size, self.channels, self.dtype, self.layout)
        feed = TextFeed(
            self.dataset, options, frame, self.augment, self.boxes, seed=self.seed,
            threads=self.threads,
        )  # fmt: skip
        self.dataset = feed.dataset
        return feed

    def __len__(self) -> int:
        """Batches of a whole epoch, the same on every rank."""
        return len(self.course)

    def __iter__(self) -> Iterator[Batch]:
        start = self.course.position
        self.box_ledger = self.point_ledger = Ledger()
        for seen, batch in self._produce(start):
            self.course.position = Position(start.epoch, seen)
            self.box_ledger += batch.box_ledger
            self.point_ledger += batch.point_ledger
            yield batch
        self.set_epoch(start.epoch + 1)

    def set_epoch(self, epoch: int) -> None:
        """Start the next iteration at the beginning of an epoch."""
        self.course.position = Position(epoch)

    @contextmanager
    def turns(self, first: int, every: int) -> Iterator[None]:
        """Make only every so-many-th batch while the block lasts: others make the rest."""
        self._turns = first, every
        try:
            yield
        finally:
            self._turns = 0, 1

    def state_dict(self) -> dict[str, Any]:
        """Where the loader is, as small JSON-able data: exact in the middle of an epoch.

        It counts samples of all ranks, so a loader with another batch size or world size goes on
        from it as well.
        """
        return self.course.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue where another loader of the same dataset, seed and order was.

        Raises:
            ValueError: The state belongs to another seed, dataset, order or version.
        """
        self.course.load_state_dict(state)

    def _batch_bytes(self) -> int:
        """Bytes of a batch's pictures, masks and density maps."""
        channels = self.channels + (self._visible.channels if self._visible is not None else 0)
        height, width = self.size
        pixels = height * width * channels * _ITEM_BYTES[self.dtype]
        if self._masks is not None:
            pixels += height * width * self._masks.pixel_bytes
        if self._feed is not None and self._feed.has_grids:
            pixels += height * width * self.channels * _ITEM_BYTES[self.dtype]
        density = 0
        if self.density is not None:
            density = 4 * -(-height // self.density.stride) * -(-width // self.density.stride)
        return self.batch_size * (pixels + density)

    def _waited(self, seconds: float) -> None:
        self.stats.wait_ns += int(seconds * 1e9)

    def _produce(self, start: Position) -> Iterator[tuple[int, Batch]]:
        """Batches of the rest of an epoch, each with the samples seen after it.

        With ``prefetch`` two threads are at work beside the native ones: one plans (draws, labels),
        the other one waits for the pixels of the plan before, so that no core waits for Python.
        """
        plans = self._plans(start)
        if self.ahead == 0:
            return self._rendered(plans)
        ahead = iter(Prefetcher(plans, _PLANS_AHEAD))
        return iter(Prefetcher(self._rendered(ahead), self.ahead, self._waited))

    def _plans(self, start: Position) -> Iterator[tuple[int, BatchPlan]]:
        first, every = self._turns
        for share in itertools.islice(self.course.shares(start), first, None, every):
            plan = self.plan_batch(share.index, start.epoch, share.visits)
            plan.targets["padding"] = share.padding
            if self.ahead > 0:
                for places in (plan.infrared, plan.visible, plan.masks):
                    if places is not None:
                        self.dataset.pipeline.read_ahead(places.codes, places.rows)
            yield share.position, plan

    def _rendered(self, plans: Iterator[tuple[int, BatchPlan]]) -> Iterator[tuple[int, Batch]]:
        try:
            for seen, plan in plans:
                yield seen, self._surely(plan)
        finally:
            plans.close()  # type: ignore[attr-defined]  # a generator: ends what plans ahead

    def _surely(self, plan: BatchPlan) -> Batch:
        """The batch, without the samples that cannot be read if that is what ``on_error`` says."""
        while True:
            try:
                batch = self.render(plan)
            except IrtdError as error:
                self.dataset.check_replaced()  # says more than that a file is not as expected
                if self.on_error == "raise" or not isinstance(error, LoaderError):
                    raise
                plan = self.skipped.without(error, plan, self.plan_batch)
            else:
                self.dataset.check_replaced()  # before anything of another ingest gets out
                self.skipped.saw(len(plan))
                return batch

    def make_batch(self, index: NDArray[np.int64], epoch: int) -> Batch:
        """One batch of these dataset numbers, with the draws of an epoch."""
        return self.render(self.plan_batch(index, epoch))

    def plan_batch(
        self, index: NDArray[np.int64], epoch: int, visits: NDArray[np.int64] | None = None
    ) -> BatchPlan:
        """Draw the numbers of a batch and take its labels along; reads no picture.

        ``visits`` (b,) says how often the epoch had each sample before: each time it draws anew.
        """
        plan = replace(self._planner.plan(index, epoch, visits), visits=visits)
        return plan if self._feed is None else self._feed.add(plan)

    def render(self, plan: BatchPlan) -> Batch:
        """Read, decode, cut, resize, normalise and change the pictures of a plan."""
        pictures: dict[str, Any] = {
            "images": self._pixels(plan, plan.infrared, self._planner.infrared, self.channels)
        }
        if plan.visible is not None and self._visible is not None:
            assert self._planner.visible is not None
            pictures["visible"] = self._pixels(
                plan, plan.visible, self._planner.visible, self._visible.channels
            )
        if plan.masks is not None and self._masks is not None:
            with self._naming(plan):
                pictures["masks"], times = self._masks.render(plan)
            pictures["mask_present"] = self._masks.present(plan)
            self.stats.add(times)
        if self._feed is not None:
            pictures["grids"] = self._feed.compose(plan)
        self.stats.images += len(plan)
        return Batch(**pictures, **plan.targets, index=plan.index)

    def _pixels(
        self, plan: BatchPlan, places: Places, side: SideRecipes, channels: int
    ) -> NDArray[Any]:
        fill = self.augment.fill if self.augment is not None else None
        low, high = side.range
        with self._naming(plan):
            images, times = self.dataset.pipeline.run(
                places.codes, places.rows, places.matrix, size=self.size, channels=channels,
                dtype=self.dtype, layout=self.layout, filter=self.filter,
                border=self.border if fill is None else "constant",
                border_fill=None if fill is None else low + fill * (high - low),
                shrink_jpeg=self.shrink_jpeg, threads=self.threads, normalize=side.native,
                recipe_codes=places.recipes, effects=places.effects, **plan.tiling,
            )  # fmt: skip
        self.stats.add(times)
        result: NDArray[Any] = images
        return result

    @contextmanager
    def _naming(self, plan: BatchPlan) -> Iterator[None]:
        """Errors of the pipeline with the sample they are about."""
        try:
            yield
        except (IrtdError, OSError) as error:
            place, members = getattr(error, "row", None), plan.members
            number = int(members[place]) if place is not None and place < len(members) else None
            who = "a sample" if number is None else f"sample {number} ({self.dataset[number].id})"
            raise LoaderError(f"{who}: {error}", sample=number) from error
