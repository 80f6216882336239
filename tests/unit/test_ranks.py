"""Which rank a process is: arguments, torch, launchers, in this order."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from irtd_fast.load.ranks import find_rank

TORCHRUN = {"RANK": "3", "WORLD_SIZE": "8"}
SLURM = {"SLURM_PROCID": "5", "SLURM_NTASKS": "16"}
MPI = {"OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "2"}


@pytest.fixture(autouse=True)
def without_torch(monkeypatch):
    monkeypatch.delitem(sys.modules, "torch", raising=False)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, (0, 1)),
        (TORCHRUN, (3, 8)),
        (SLURM, (5, 16)),
        (MPI, (1, 2)),
        ({**SLURM, **TORCHRUN}, (3, 8)),
        ({**MPI, **SLURM}, (5, 16)),
        ({**SLURM, "SLURM_STEP_NUM_TASKS": "6"}, (5, 6)),
        ({**SLURM, "SLURM_PROCID": "0", "SLURM_JOB_NAME": "bash"}, (0, 1)),
        ({**SLURM, "SLURM_JOB_NAME": "training"}, (5, 16)),
        ({"RANK": "3"}, (0, 1)),
    ],
)
def test_environments(environment, expected):
    assert find_rank(environment=environment) == expected


def test_torch_comes_after_arguments_and_before_the_environment(monkeypatch):
    group = SimpleNamespace(
        is_available=lambda: True, is_initialized=lambda: True, get_rank=lambda: 2,
        get_world_size=lambda: 4,
    )  # fmt: skip
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(distributed=group))
    assert find_rank(environment=TORCHRUN) == (2, 4)
    assert find_rank(1, 3, environment=TORCHRUN) == (1, 3)
    group.is_initialized = lambda: False
    assert find_rank(environment=TORCHRUN) == (3, 8)


@pytest.mark.parametrize(
    ("arguments", "environment", "message"),
    [
        ((1, None), {}, "rank and world_size, or neither; found 1 and None"),
        ((None, 2), {}, "or neither; found None and 2"),
        ((2, 2), {}, "found rank 2 of 2 .arguments"),
        ((-1, 2), {}, "found rank -1 of 2"),
        ((), {"RANK": "x", "WORLD_SIZE": "2"}, "whole numbers, found RANK='x', WORLD_SIZE='2'"),
        ((), {"RANK": "2", "WORLD_SIZE": "2"}, "found rank 2 of 2 .RANK and WORLD_SIZE"),
    ],
)
def test_what_is_no_rank(arguments, environment, message):
    with pytest.raises(ValueError, match=message):
        find_rank(*arguments, environment=environment)
