"""Visible partners in a batch: one geometric draw for both frames of a pair."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from irtd_fast.errors import StoreError
from irtd_fast.geometry.matrix import compose, invert
from irtd_fast.radiometry import Recipe, Window
from irtd_fast.store.columns import read_column
from irtd_fast.store.dataset import Dataset
from irtd_fast.store.source import Source

Array = NDArray[Any]

_ALIGNMENT = "alignment"  # the derived group that `irtd align` writes
_GOOD = 3  # its verdict of a pair that is proven
_SHOWN = 3


def _levels() -> Recipe:
    return Window(0, 255)


@dataclass(frozen=True)
class Visible:
    """How visible partners come into a batch.

    Attributes:
        channels: 3, or 1 for their luma.
        normalize: Recipe from levels to network input, pointwise or by picture.
        unregistered: What to do with pairs whose record says that the frames do not fit and that
            ``irtd align`` has not proven: ``refuse`` them when the loader is made, or ``scale``
            the infrared frame onto the visible one as if they did.
    """

    channels: Literal[1, 3] = 3
    normalize: Recipe = field(default_factory=_levels)
    unregistered: Literal["refuse", "scale"] = "refuse"

    def __post_init__(self) -> None:
        """Check the options."""
        if self.channels not in (1, 3):
            raise ValueError(f"channels must be 1 or 3, found {self.channels}")
        if self.unregistered not in ("refuse", "scale"):
            raise ValueError(f"unregistered must be refuse or scale, found {self.unregistered!r}")


def visible_options(*, asked: bool | Visible) -> Visible | None:
    """What a loader's ``visible`` asks for: the defaults, the options, or nothing."""
    return Visible() if asked is True else asked or None


class PairFrames:
    """Where the infrared pixels of each sample lie in its visible partner.

    A pair that ``irtd align`` found good has the matrix found; any other one of a source whose
    record calls it registered (or near) has the frames laid over each other edge to edge.

    Args:
        dataset: Samples, all with partners.
        options: What to do without registration.

    Raises:
        ValueError: Samples without a visible partner, by number and name.
        StoreError: A source whose pairs do not fit, with what to do about it.
    """

    def __init__(self, dataset: Dataset, options: Visible) -> None:
        self._dataset = dataset
        _check_partners(dataset)
        self._aligned = [_alignments(source) for source in dataset.sources]
        if options.unregistered == "refuse":
            self._check_registration()

    def matrices(self, index: NDArray[np.int64]) -> NDArray[np.float64]:
        """(b, 2, 3) from infrared to visible native pixels, edges to edges."""
        infrared = self._dataset.sizes(index).astype(np.float64)
        visible = self._dataset.sizes(index, "visible").astype(np.float64)
        out = np.zeros((len(index), 2, 3))
        out[:, 0, 0] = visible[:, 1] / infrared[:, 1]
        out[:, 1, 1] = visible[:, 0] / infrared[:, 0]
        codes, rows = self._dataset.source_codes[index], self._dataset.rows[index]
        for code in np.unique(codes).tolist():
            aligned = self._aligned[code]
            if aligned is None:
                continue
            here = np.flatnonzero(codes == code)
            matrix, good = aligned[0][rows[here]], aligned[1][rows[here]]
            out[here[good]] = matrix[good]
        return out

    def to_batch(self, index: NDArray[np.int64], matrix: NDArray[np.float64]) -> NDArray[Any]:
        """(b, 2, 3) from visible native pixels to batch pixels, given those of the infrared."""
        return compose(invert(self.matrices(index)), matrix)

    def _check_registration(self) -> None:
        for code, source in enumerate(self._dataset.sources):
            mine = self._dataset.rows[self._dataset.source_codes == code]
            registration = _registration(source)
            if not len(mine) or registration in ("registered", "near"):
                continue
            aligned = self._aligned[code]
            bad = len(mine) if aligned is None else int((~aligned[1][mine]).sum())
            if bad:
                done = "`irtd align` has not run" if aligned is None else "are not proven to fit"
                raise StoreError(
                    f"{source.name}: its frames do not fit (registration: {registration}) and "
                    f"{bad} of {len(mine)} pairs {done}; align them, take "
                    "`irtd align --materialise`, or pass Visible(unregistered='scale')",
                    source=source.name,
                )


def _check_partners(dataset: Dataset) -> None:
    missing = np.flatnonzero(dataset.column("visible_array") < 0)
    if len(missing):
        names = ", ".join(dataset[int(n)].id for n in missing[:_SHOWN])
        raise ValueError(
            f"{len(missing)} of {len(dataset)} samples have no visible partner "
            f"({names}{' ...' if len(missing) > _SHOWN else ''}); "
            "dataset.filter(paired=True) keeps those that have one"
        )


def _registration(source: Source) -> str:
    """What the record says about the layout that was ingested, else about the source."""
    record, name = source.attributes["source"], source.attributes.get("variant")
    mine: dict[str, Any] = next(
        (v for v in record.get("variants", ()) if v.get("name") == name), {}
    )
    return str(mine.get("registration") or record.get("registration", "unknown"))


def _alignments(source: Source) -> tuple[Array, Array] | None:
    """Matrices (n, 2, 3) and which of them are good, if the source was aligned."""
    folder = source.path / _ALIGNMENT
    if not folder.exists():
        return None
    matrix = read_column(folder / "matrix").reshape(-1, 2, 3)
    return matrix, read_column(folder / "verdict") == _GOOD
