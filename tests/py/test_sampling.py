# SPDX-License-Identifier: Apache-2.0
"""Collection of logical error rates: what comes out, and what a killed run leaves to go on with."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import sinter
import stim

from synfab.circuits import Memory
from synfab.dem import DecodingGraph
from synfab.errors import InputError
from synfab.interval import wilson_interval
from synfab.sampling import Row, circuit_from_dem, collect, task_from_circuit, task_from_dem
from synfab.sampling.resume import mend_csv
from synfab.sinter import UnionFindDecoder

HYPEREDGE = stim.DetectorErrorModel("error(0.125) D0 D1 D2 L0")


def task(distance: int = 3, p: float = 0.01) -> sinter.Task:
    memory = Memory(code="repetition", distance=distance, p=p)
    return task_from_circuit(memory.circuit(), dem=memory.dem(), metadata={"distance": distance, "p": p})


def row(**changes: Any) -> Row:
    values: dict[str, Any] = {"decoder": "synfab_w4", "metadata": {}, "shots": 10, "errors": 5, "discards": 0}
    return Row(**{**values, "seconds": 0.5, **changes})


class TestTasks:
    def test_a_dem_as_a_circuit(self) -> None:
        dem = stim.DetectorErrorModel(
            """
            error(0.125) D0 L0
            error(0.25) D0 D1 D2 ^ D2 L2
            error(0.25) D1 ^ D1
            repeat 2 {
                error(0.875) D1 D2
                detector(1, 2, 0) D1
                shift_detectors(0, 0, 1) 2
            }
            error(0.0625) L0
            detector D4
            """
        )
        expected = stim.DetectorErrorModel(
            """
            error(0.125) D0 L0
            error(0.25) D0 D1 L2
            error(0.875) D1 D2
            error(0.875) D3 D4
            error(0.0625) L0
            detector(1, 2, 0) D1
            detector(1, 2, 1) D3
            detector D8
            logical_observable L1
            """
        )
        circuit = circuit_from_dem(dem)
        model = circuit.detector_error_model()
        assert DecodingGraph.from_dem(model) == DecodingGraph.from_dem(expected)
        assert (circuit.num_detectors, circuit.num_observables) == (dem.num_detectors, dem.num_observables)

    @pytest.mark.parametrize("code", ["rotated_surface", "toric"])
    def test_a_codes_dem_as_a_circuit(self, code: Any) -> None:
        dem = Memory(code=code, distance=3, noise="phenomenological", p=0.01).dem()
        assert "^" in str(dem)
        whole = stim.DetectorErrorModel(str(dem).replace(" ^", ""))
        got = circuit_from_dem(dem).detector_error_model()
        assert sorted(merged(got)) == sorted(merged(whole))

    def test_an_empty_dem_as_a_circuit(self) -> None:
        circuit = circuit_from_dem(stim.DetectorErrorModel())
        assert (circuit.num_detectors, circuit.num_observables) == (0, 0)

    def test_the_circuits_own_model_is_the_default(self) -> None:
        circuit = Memory(code="rotated_surface", distance=3, p=0.01).circuit()
        expected = circuit.detector_error_model(decompose_errors=True, approximate_disjoint_errors=True)
        assert task_from_circuit(circuit).detector_error_model == expected

    def test_a_circuit_whose_errors_do_not_decompose(self) -> None:
        circuit = stim.Circuit("X_ERROR(0.1) 0\nM 0\nDETECTOR rec[-1]\nDETECTOR rec[-1]\nDETECTOR rec[-1]")
        with pytest.raises(InputError) as caught:
            task_from_circuit(circuit)
        assert str(caught.value).startswith(
            "the errors of a circuit must decompose into pairs of detectors: Failed to decompose errors"
        )
        assert str(caught.value).endswith("Decode one basis at a time, or give a model of your own")
        assert "\n" not in str(caught.value)


def merged(dem: stim.DetectorErrorModel) -> list[tuple[tuple[str, ...], float]]:
    """Return the mechanisms of a model as (targets, probability), equal ones combined, rounded to 12 digits."""
    found: dict[tuple[str, ...], float] = {}
    for instruction in dem.flattened():
        assert isinstance(instruction, stim.DemInstruction)
        if instruction.type == "error":
            targets: set[str] = set()
            for target in instruction.targets_copy():
                targets ^= {str(target)}
            p, q = instruction.args_copy()[0], found.get(tuple(sorted(targets)), 0.0)
            found[tuple(sorted(targets))] = p * (1 - q) + q * (1 - p)
    return [(targets, round(p, 12)) for targets, p in found.items()]


class TestIntervals:
    def test_worked_examples(self) -> None:
        # Wilson (1927), z = 1.959964: without errors the upper end is z^2 / (n + z^2).
        assert wilson_interval(0, 10) == (0.0, pytest.approx(3.841459 / 13.841459, rel=1e-6))
        assert wilson_interval(5, 10) == (pytest.approx(0.236593, rel=1e-5), pytest.approx(0.763407, rel=1e-5))
        assert wilson_interval(10, 10) == (pytest.approx(10 / 13.841459, rel=1e-6), 1.0)

    def test_no_shots_say_nothing(self) -> None:
        assert wilson_interval(0, 0) == (0.0, 1.0)

    def test_discards_are_not_counted(self) -> None:
        assert row(shots=30, discards=20).interval == row().interval
        assert row(shots=30, discards=20).logical_error_rate == 0.5
        assert row(shots=20, errors=0, discards=20).logical_error_rate == 0


class TestCollect:
    def test_rows_and_resuming(self, tmp_path: Path) -> None:
        csv = tmp_path / "deep" / "stats.csv"
        decoders = ["synfab_w4", "pymatching"]
        tasks = [task(3), task_from_dem(task(5).detector_error_model or HYPEREDGE, metadata={"distance": 5})]
        progress: list[sinter.Progress] = []
        rows = collect(tasks=tasks, decoders=decoders, max_shots=400, csv=csv, progress_callback=progress.append)
        assert [(r.decoder, r.metadata["distance"], r.shots, r.discards) for r in rows] == [
            ("synfab_w4", 3, 400, 0),
            ("pymatching", 3, 400, 0),
            ("synfab_w4", 5, 400, 0),
            ("pymatching", 5, 400, 0),
        ]
        assert sum(stats.shots for message in progress for stats in message.new_stats) == 1600
        # Nothing is left to do; what the file says is what comes back, though it holds more than was asked for.
        text = csv.read_text()
        assert collect(tasks=tasks[1:], decoders=decoders[:1], max_shots=300, csv=csv) == [
            Row(**{**vars(rows[2]), "seconds": pytest.approx(rows[2].seconds, abs=0.01)})
        ]
        assert csv.read_text() == text
        # A line cut short is dropped, and its shots are sampled again.
        lines = text.splitlines(keepends=True)
        csv.write_text("".join(lines[:-1]) + lines[-1][:40])
        again = collect(tasks=tasks, decoders=decoders, max_shots=500, csv=csv)
        assert [r.shots for r in again] == [500] * 4
        assert csv.read_text().startswith("".join(lines[:-1]))

    def test_killed_run(self, tmp_path: Path) -> None:
        """Kill a run that would take for ever, then go on from its file with one that ends."""
        script = tmp_path / "endless.py"
        script.write_text(
            "from pathlib import Path\n"
            "from synfab.circuits import Memory\n"
            "from synfab.sampling import collect, task_from_circuit\n"
            "if __name__ == '__main__':\n"
            "    memory = Memory(code='repetition', distance=3, p=0.01)\n"
            "    task = task_from_circuit(memory.circuit(), dem=memory.dem(), metadata={'distance': 3, 'p': 0.01})\n"
            "    collect(tasks=[task], decoders=['synfab_w4'], max_shots=10**15, csv=Path('stats.csv'))\n"
        )
        csv = tmp_path / "stats.csv"
        process = subprocess.Popen(
            [sys.executable, script.name],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            start_new_session=True,
        )
        try:
            deadline = time.monotonic() + 60
            while not (csv.exists() and csv.read_text().count("\n") > 3):
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        with csv.open("a") as file:
            file.write("       123,   ")
        before = sum(stats.shots for stats in sinter.read_stats_from_csv_files(mended(csv)))
        assert before > 0
        (result,) = collect(tasks=[task(3)], decoders=["synfab_w4"], max_shots=before + 100, csv=csv)
        assert result.shots == before + 100

    def test_max_errors_and_custom_decoders(self) -> None:
        (result,) = collect(
            tasks=[task(3, 0.1)],
            decoders=["mine"],
            custom_decoders={"mine": UnionFindDecoder(weight_bits=9)},
            max_shots=10**9,
            max_errors=50,
        )
        assert result.decoder == "mine"
        assert 50 <= result.errors < result.shots < 10**9

    @pytest.mark.parametrize("name", ["max_shots", "max_errors", "workers"])
    def test_numbers_below_1(self, name: str) -> None:
        arguments: Mapping[str, Any] = {"max_shots": 10, name: 0}
        with pytest.raises(InputError, match=f"^{name} must be at least 1, not 0$"):
            collect(tasks=[task()], decoders=["synfab_w4"], **arguments)

    def test_unknown_decoder(self) -> None:
        with pytest.raises(InputError) as caught:
            collect(tasks=[task()], decoders=["synfab_w4", "unionfind"], max_shots=10)
        assert str(caught.value).startswith("a decoder of synfab must be named 'synfab_unit' or ")
        assert "not 'unionfind'; or one of sinter's: vacuous, pymatching" in str(caught.value)

    def test_a_task_given_twice(self) -> None:
        with pytest.raises(InputError, match=r"^each task must be given once, not twice: synfab_w4 on {'distance': 3"):
            collect(tasks=[task(), task()], decoders=["synfab_w4"], max_shots=10)

    @pytest.mark.parametrize("decoder", ["synfab_w4", "pymatching"])
    def test_hyperedges(self, decoder: str) -> None:
        """PyMatching itself would leave them out and say nothing."""
        with pytest.raises(InputError, match=r"^the error 'error\(0.125\) D0 D1 D2 L0' cannot be matched: "):
            collect(tasks=[task_from_dem(HYPEREDGE)], decoders=[decoder], max_shots=10)


def mended(path: Path) -> Path:
    mend_csv(path)
    return path


class TestMending:
    HEADER = sinter.CSV_HEADER + "\n"
    LINES = tuple(
        sinter.TaskStats(
            strong_id=f"{k}" * 64,
            decoder="synfab_w4",
            json_metadata={"p": 0.01, "code": "a,b"},
            shots=100 + k,
            errors=k,
            custom_counts=Counter({"latency_cycles": k} if k else {}),
        ).to_csv_line()
        + "\n"
        for k in range(3)
    )

    def test_cut_anywhere(self, tmp_path: Path) -> None:
        path = tmp_path / "stats.csv"
        whole = self.HEADER + "".join(self.LINES)
        ends = [place + step for place, letter in enumerate(whole) if letter == "\n" for step in (0, 1, 2)]
        for cut in sorted({*range(0, len(whole), 9), *ends, len(whole)}):
            path.write_text(whole[:cut])
            mend_csv(path)
            if cut < len(self.HEADER):
                assert not path.exists()
                continue
            complete = whole[:cut].count("\n") - 1
            assert path.read_text() == self.HEADER + "".join(self.LINES[:complete])
            assert [stats.shots for stats in sinter.read_stats_from_csv_files(path)] == [100, 101, 102][:complete]

    def test_no_file(self, tmp_path: Path) -> None:
        mend_csv(tmp_path / "stats.csv")
        assert not (tmp_path / "stats.csv").exists()

    @pytest.mark.parametrize(
        "text",
        ["shopping list\n", "shopping list", "a,b,c\n1,2,3", "\xff\n", "middle"],
    )
    def test_other_files_are_refused_and_left_alone(self, tmp_path: Path, text: str) -> None:
        path = tmp_path / "notes.csv"
        if text == "middle":
            text = self.HEADER + "what is this\n" + self.LINES[0]
        path.write_text(text, encoding="latin-1")
        with pytest.raises(InputError) as caught:
            mend_csv(path)
        sentence = str(caught.value)
        assert sentence.startswith(f"{path} must be a CSV file that sinter wrote, to be resumed from: ")
        assert sentence.endswith("; move it away or name another")
        assert path.read_text(encoding="latin-1") == text
