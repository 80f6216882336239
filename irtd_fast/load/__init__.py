"""Training batches from a store."""

from __future__ import annotations

from irtd_fast.load.augment import Augment
from irtd_fast.load.batch import Batch
from irtd_fast.load.loader import Loader
from irtd_fast.load.pairs import Visible

__all__ = ["Augment", "Batch", "Loader", "Visible"]
