"""Which part of an epoch is this process's."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

_LAUNCHERS = (
    ("RANK", "WORLD_SIZE"),
    ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS"),
    ("SLURM_PROCID", "SLURM_NTASKS"),
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
)
_INTERACTIVE = ("bash", "interactive")


def find_rank(
    rank: int | None = None, world_size: int | None = None, *,
    environment: Mapping[str, str] | None = None,
) -> tuple[int, int]:  # fmt: skip
    """Rank and world size: from the first of these that says something.

    1. The arguments. 2. ``torch.distributed``, if it is imported and initialised. 3. ``RANK`` and
    ``WORLD_SIZE``, as ``torchrun`` sets them. 4. ``SLURM_PROCID`` and the tasks of the job step
    (``SLURM_STEP_NUM_TASKS``, else ``SLURM_NTASKS``), as ``srun`` sets them for each task; not in
    an interactive shell, which is one process of an allocation for many. 5. Open MPI's. 6. One
    process.

    Args:
        rank: Of this process.
        world_size: Processes that share an epoch.
        environment: Instead of the process's own.

    Raises:
        ValueError: Only one of the two is given, they are no numbers, or they do not fit.
    """
    if (rank is None) != (world_size is None):
        raise ValueError(f"give rank and world_size, or neither; found {rank} and {world_size}")
    if rank is not None and world_size is not None:
        return _checked(rank, world_size, "arguments")
    initialised = _of_torch()
    if initialised is not None:
        return _checked(*initialised, "torch.distributed")
    found = os.environ if environment is None else environment
    for names in _LAUNCHERS:
        if names[0].startswith("SLURM") and found.get("SLURM_JOB_NAME") in _INTERACTIVE:
            continue
        if all(name in found for name in names):
            try:
                numbers = tuple(int(found[name]) for name in names)
            except ValueError:
                text = ", ".join(f"{name}={found[name]!r}" for name in names)
                raise ValueError(f"expected whole numbers, found {text}") from None
            return _checked(numbers[0], numbers[1], " and ".join(names))
    return 0, 1


def _of_torch() -> tuple[int, int] | None:
    torch = sys.modules.get("torch")
    distributed = getattr(torch, "distributed", None)
    if distributed is None or not distributed.is_available() or not distributed.is_initialized():
        return None
    return distributed.get_rank(), distributed.get_world_size()


def _checked(rank: int, world_size: int, where: str) -> tuple[int, int]:
    if not 0 <= rank < world_size:
        raise ValueError(
            f"need 0 <= rank < world_size, found rank {rank} of {world_size} ({where})"
        )
    return rank, world_size
