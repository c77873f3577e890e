# SPDX-License-Identifier: Apache-2.0
"""The targets beside Helios: what holds, what misses, what is not known."""

from typing import Any

import pytest

from synfab.flow.benchmarks.extent import CIRCUIT, CLOSED, OPEN
from synfab.flow.benchmarks.models import Area, BlockName, Cycles, FabricBenchmark, Speed, Weights
from synfab.flow.benchmarks.targets import Target, target_table, targets

MEASURED: dict[str, Any] = {"num_detectors": 12, "num_edges": 31, "verilog_sha256": "0" * 64}
MEAN = "mean cycles at most 1/3 or 1/2 of Helios': "
OF_OPEN = f"{MEAN}{OPEN}, unit weights"


def cycles(distance: int, p: float, mean: float, block: BlockName = OPEN, **others: Any) -> Cycles:
    about: dict[str, Any] = {"weights": "unit", "shots": 100_000, "mismatches": 0, "p50": 2, "p99": 3}
    about |= {"p999": 4, "max": 5, "histogram": ((2, 100_000),)} | others
    return Cycles(**MEASURED | about, block=block, distance=distance, p=p, mean=mean)


def target(name: str, *points: Cycles, area: tuple[Area, ...] = (), speed: tuple[Speed, ...] = ()) -> Target:
    benchmark = FabricBenchmark(tools={}, cycles=points, area=area, speed=speed)
    (found,) = [one for one in targets(benchmark) if name in (one.name, one.name.partition(" at ")[0])]
    return found


def test_mean_may_be_a_third_up_to_d7_and_half_beyond():
    means = [(7, 3.33), (7, 3.34), (9, 5.0), (9, 5.01)]
    found = [target(OF_OPEN, cycles(d, 0.01, mean, helios_mean=10.0)) for d, mean in means]
    assert [len(one.of("held")) for one in found] == [1, 0, 1, 0]
    assert [one.points("missed") for one in found] == [
        "",
        "d = 7, p = 0.01: **0.334**",
        "",
        "d = 9, p = 0.01: **0.501**",
    ]


def test_points_that_are_not_there_are_said():
    found = target(OF_OPEN, cycles(3, 0.001, 2.0), cycles(3, 0.005, 2.0, helios_mean=10.0))
    assert found.points("not measured") == "d = 3, p = 0.01; d = 5; d = 7; d = 9; d = 11; d = 13"
    assert found.points("no figure of Helios") == "d = 3, p = 0.001"
    assert target(OF_OPEN).points("not measured") == "all"


@pytest.mark.parametrize(
    ("p", "shots", "enough"), [(0.001, 99_999, False), (0.005, 10_000, True), (0.01, 9_999, False)]
)
def test_a_mean_of_few_shots_does_not_count(p, shots, enough):
    found = target(OF_OPEN, cycles(3, p, 2.0, shots=shots, helios_mean=10.0))
    assert len(found.of("held")) == enough


@pytest.mark.parametrize(
    "others",
    [{"hops": 2}, {"gap_cycles": 100}, {"corrections": True}, {"own_weights": True}, {"micro_architecture": "shared"}],
)
def test_other_designs_and_traffic_do_not_count(others):
    assert not target(OF_OPEN, cycles(3, 0.01, 2.0, helios_mean=10.0, **others)).of("held")


def test_two_hops_a_cycle_are_a_row_of_their_own():
    slow, fast = (cycles(13, 0.01, mean, hops=hops, helios_mean=10.0) for mean, hops in ((6.0, 1), (4.0, 2)))
    assert target(OF_OPEN, slow, fast).points("missed") == "d = 13, p = 0.01: **0.6**"
    assert len(target(f"{OF_OPEN}, two hops a cycle", slow, fast).of("held")) == 1


def test_loaded_weights_count_where_built_ones_were_not_measured():
    weights: Weights = "log_likelihood"
    loaded = cycles(7, 0.005, 9.0, CIRCUIT, weights=weights, runtime_weights=True, helios_mean=10.0)
    built = cycles(7, 0.005, 3.0, CIRCUIT, weights=weights, helios_mean=10.0)
    name = f"{MEAN}{CIRCUIT}, weighted"
    assert target(name, loaded).points("missed") == "d = 7, p = 0.005: **0.9**"
    assert not target(name, loaded, built).of("missed")


def test_a_closed_block_stands_beside_the_open_one():
    closed, opened = cycles(3, 0.01, 6.0, CLOSED), cycles(3, 0.01, 2.0, helios_mean=10.0)
    name = f"{MEAN}{CLOSED}, unit weights"
    assert target(name, closed, opened).points("missed") == "d = 3, p = 0.01: **0.6**"
    assert target(name, closed).points("no figure of Helios") == "d = 3, p = 0.01"


def test_area_product_and_loop():
    about: dict[str, Any] = MEASURED | {"block": OPEN, "weights": "unit", "distance": 3}
    area = Area(
        **about, way="flat", lut=60, lutram=0, ff=1, longest_path_levels=1, longest_path_ps=200, helios_lut=100,
        helios_ps=100,
    )  # fmt: skip
    fast, slow = (Speed(**about, p=0.001, loop=loop, cocotb=1.0) for loop in (20.0, 19.9))
    assert target("LUTs a detector", area=(area,)).points("missed") == "d = 3: **0.6**"
    point = cycles(3, 0.01, 2.0, helios_mean=10.0)
    assert target("mean cycles x path", point, area=(area,)).points("missed") == "d = 3, p = 0.01: **0.4**"
    assert len(target("RTL in the loop", speed=(fast,)).of("held")) == 1
    assert target("RTL in the loop", speed=(slow,)).points("missed") == "d = 3: **19.9**"


def test_table_has_a_row_a_target():
    benchmark = FabricBenchmark(tools={}, cycles=(cycles(3, 0.01, 9.0, helios_mean=10.0),))
    rows = target_table(benchmark).splitlines()
    assert len(rows) == 2 + len(list(targets(benchmark)))
    assert f"| {OF_OPEN} | 0 of 18 | d = 3, p = 0.01: **0.9** | d = 3, p = 0.001, p = 0.005; d = 5;" in rows[2]
