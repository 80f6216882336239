"""Raw infrared dumps to sharded Zarr v3 stores to training batches, at the speed of the disk.

>>> import irtd_fast
>>> ds = irtd_fast.open("my.zarr")  # doctest: +SKIP
>>> for batch in irtd_fast.Loader(ds.filter(split="train"), batch_size=64):  # doctest: +SKIP
...     train(batch.images, batch.boxes, batch.offsets)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

try:
    from irtd_fast import _core
except ModuleNotFoundError as error:
    if error.name != "irtd_fast._core":
        raise
    raise ImportError(
        "the native core is not built: you are importing the source tree; run `pip install -e .`"
    ) from error

from irtd_fast.errors import IrtdError

if TYPE_CHECKING:
    from irtd_fast.engines.ingest import ingest
    from irtd_fast.export import export_store
    from irtd_fast.load import Augment, Batch, Loader
    from irtd_fast.store.dataset import Dataset
    from irtd_fast.store.dataset import open_store as open
    from irtd_fast.store.sample import Sample
    from irtd_fast.store.verify import verify_store as verify
    from irtd_fast.tasks.build import build_texts

__version__: str = _core.build_info()["version"]

# Imported on first use, so that `import irtd_fast` stays cheap.
_LAZY = {
    "Augment": ("irtd_fast.load", "Augment"),
    "Batch": ("irtd_fast.load", "Batch"),
    "Dataset": ("irtd_fast.store.dataset", "Dataset"),
    "Loader": ("irtd_fast.load", "Loader"),
    "Sample": ("irtd_fast.store.sample", "Sample"),
    "build_texts": ("irtd_fast.tasks.build", "build_texts"),
    "export_store": ("irtd_fast.export", "export_store"),
    "ingest": ("irtd_fast.engines.ingest", "ingest"),
    "open": ("irtd_fast.store.dataset", "open_store"),
    "verify": ("irtd_fast.store.verify", "verify_store"),
}

__all__ = [
    "Augment",
    "Batch",
    "Dataset",
    "IrtdError",
    "Loader",
    "Sample",
    "__version__",
    "build_texts",
    "export_store",
    "ingest",
    "open",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'irtd_fast' has no attribute {name!r}")
    module, attribute = _LAZY[name]
    value = getattr(importlib.import_module(module), attribute)
    globals()[name] = value
    return value
