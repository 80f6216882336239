"""What a loader may take: limits of the machine, of control groups, and what fits in them."""

from __future__ import annotations

import pytest

from irtd_fast.load.memory import affordable_prefetch, available_memory, parse_bytes


def tree(tmp_path, cgroup_line, files):
    proc, cgroup = tmp_path / "proc", tmp_path / "cgroup"
    (proc / "self").mkdir(parents=True)
    (proc / "meminfo").write_text("MemTotal: 9000000 kB\nMemAvailable:  8000000 kB\n")
    (proc / "self" / "cgroup").write_text(cgroup_line)
    for name, text in files.items():
        path = cgroup / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    cgroup.mkdir(exist_ok=True)
    return {"proc": proc, "cgroup": cgroup}


def test_without_limits_it_is_what_the_machine_has(tmp_path):
    assert available_memory(**tree(tmp_path, "0::/\n", {})) == 8_000_000 * 1024
    assert available_memory() > 0


def test_a_group_and_those_above_it_bound_it(tmp_path):
    files = {
        "slurm/job/memory.max": "max\n", "slurm/job/memory.current": "500\n",
        "slurm/job/memory.stat": "inactive_file 1\n",
        "slurm/memory.max": "3000000\n", "slurm/memory.current": "1000000\n",
        "slurm/memory.stat": "anon 5\ninactive_file 250000\nfile 7\n",
    }  # fmt: skip
    assert available_memory(**tree(tmp_path, "0::/slurm/job\n", files)) == 2_250_000


def test_groups_of_the_first_version(tmp_path):
    files = {
        "memory/docker/memory.limit_in_bytes": "4000000\n",
        "memory/docker/memory.usage_in_bytes": "3900000\n",
        "memory/docker/memory.stat": "cache 1\ntotal_inactive_file 50\n",
        "memory/memory.limit_in_bytes": "9223372036854771712\n",
        "memory/memory.usage_in_bytes": "1\n", "memory/memory.stat": "\n",
    }  # fmt: skip
    line = "5:cpu:/docker\n4:memory:/docker\n"
    assert available_memory(**tree(tmp_path, line, files)) == 100_050


def test_a_group_beyond_its_limit_leaves_nothing(tmp_path):
    files = {"memory.max": "10\n", "memory.current": "20\n", "memory.stat": "\n"}
    assert available_memory(**tree(tmp_path, "0::/\n", files)) == 0


@pytest.mark.parametrize(
    ("size", "expected"),
    [(5, 5), ("2GB", 2_000_000_000), ("512MiB", 512 << 20), ("1.5 k", 1500), ("1_000", 1000),
     ("7b", 7), ("2gi", 2 << 30)],
)  # fmt: skip
def test_sizes(size, expected):
    assert parse_bytes(size) == expected


@pytest.mark.parametrize("size", [0, -1, "", "two", "5 TB", "1e9", True, "-3MB", "0k"])
def test_what_is_no_size(size):
    with pytest.raises(ValueError, match="bytes"):
        parse_bytes(size)


def test_prefetch_is_what_fits():
    assert affordable_prefetch(100, 4, 10_000) == 4
    assert affordable_prefetch(100, 4, 500) == 3
    assert affordable_prefetch(100, 4, 299) == 0
    assert affordable_prefetch(100, 4, None) == 4
    assert affordable_prefetch(1 << 62, 4, None) == 0  # not refused: the caller set no limit
    with pytest.raises(ValueError, match="is 199 bytes, but a batch takes 100 and two of them"):
        affordable_prefetch(100, 4, 199)
