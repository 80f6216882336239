"""Raw infrared dumps to sharded Zarr v3 stores to training batches, at the speed of the disk."""

from __future__ import annotations

try:
    from irtd_fast import _core
except ModuleNotFoundError as error:  # pragma: no cover - depends on how Python was started
    if error.name != "irtd_fast._core":
        raise
    raise ImportError(
        "the native core is not built: you are importing the source tree; run `pip install -e .`"
    ) from error

from irtd_fast.errors import IrtdError

__version__: str = _core.build_info()["version"]

__all__ = ["IrtdError", "__version__"]
