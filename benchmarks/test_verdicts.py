"""The gate itself: medians over calm rounds, floors, limits, peers that are missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from .race import OURS, Contender, Result, hold_race
from .verdicts import Floor, Limit, judge_floors, judge_limits, load_floors, table


def result(ours: list[float], peer: list[float], others: list[float] | None = None) -> Result:
    return Result("g-u8-warm", {OURS: ours, "peer": peer}, others or [0.0] * len(ours))


def passed(floor: Floor, *results: Result) -> list[bool | None]:
    return [v.passed for v in judge_floors([floor], {r.group: r for r in results})]


def test_speedup_is_the_median_of_ratios_within_rounds() -> None:
    # The machine was 10 times slower in the middle; the ratios do not show it.
    found = result([1.0, 10.0, 1.0, 1.0, 1.0], [4.0, 40.0, 5.0, 3.0, 4.0])
    assert found.speedup("peer") == 4.0


def test_only_calm_rounds_count() -> None:
    found = result([1.0] * 10, [2.0] * 5 + [9.0] * 5, [0.0] * 5 + [1.5] * 5)
    assert found.speedup("peer") == 2.0
    assert found.rate("peer") == 0.5


@pytest.mark.parametrize(("at_least", "expected"), [(1.9, True), (2.0, True), (2.1, False)])
def test_floor(at_least: float, expected: bool) -> None:
    assert passed(Floor("g-*", "peer", at_least), result([1.0] * 5, [2.0] * 5)) == [expected]


def test_a_missing_peer_misses_its_floor_and_an_absent_race_does_not() -> None:
    raced = result([1.0] * 5, [2.0] * 5)
    assert passed(Floor("g-*", "other", 0.1), raced) == [False]
    assert passed(Floor("h-*", "peer", 99.0), raced) == [None]


def test_limits() -> None:
    limits = [Limit("g", "seconds", 1.0), Limit("g", "megabytes", 1.0), Limit("h", "seconds", 1.0)]
    measured = {("g", "seconds"): 1.0, ("g", "megabytes"): 1.1}
    assert [v.passed for v in judge_limits(limits, measured)] == [True, False, None]


def test_everyone_has_a_turn_a_round_and_another_one_begins() -> None:
    turns: list[tuple[str, int, int]] = []

    def contender(name: str, seconds: float) -> Contender:
        def turn(number: int, units: int) -> float:
            turns.append((name, number, units))
            return seconds * units

        return Contender(name, turn, step=4)

    names = [OURS, "b", "c"]
    racers = [contender(name, 0.001 * (k + 1)) for k, name in enumerate(names)]
    found = hold_race("g", racers, rounds=3, most_units=100, seconds_a_turn=0.04)
    held = [name for name, number, _ in turns if number >= 0]
    assert held == [OURS, "b", "c", "b", "c", OURS, "c", OURS, "b"]
    assert found.facts["units_a_turn"] == {OURS: 40, "b": 20, "c": 12}
    assert found.speedup("c") == pytest.approx(3.0)
    assert any("3.00x" in line for line in table(found))


def test_the_share_of_the_bandwidth_is_told() -> None:
    facts = {"unit_bytes": 2_000_000, "limit_per_s": 500.0}
    lines = list(table(Result("g", {OURS: [0.008] * 5}, [0.0] * 5, facts)))
    (limit,) = (line.split() for line in lines if "(bytes / bandwidth)" in line)
    assert limit[-3:] == ["500", "1.00", "0.25x"]  # units and GB a second, our share of them


def test_every_floor_is_about_a_group_that_exists() -> None:
    floors, limits = load_floors(Path(__file__).with_name("floors.toml"))
    sources = "".join(path.read_text() for path in Path(__file__).parent.glob("bench_*.py"))
    for floor in floors:
        assert floor.groups.split("-")[0] in sources
        assert floor.at_least > 0
    for limit in limits:  # the whole name, or all but a last part that is put in
        assert f'"{limit.group}"' in sources or f'"{limit.group.rpartition("-")[0]}-{{' in sources


def test_unknown_keys_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "floors.toml"
    path.write_text("[[flor]]\ngroups = 'x'\n")
    with pytest.raises(ValueError, match="flor"):
        load_floors(path)
