# SPDX-License-Identifier: Apache-2.0
"""The RTL through sinter's own command line."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import sinter
import stim

from synfab.circuits import Memory
from synfab.errors import InputError
from synfab.flow.sinter import RtlUnionFind, decoders
from synfab.sim.loop import CYCLES, DIFFERS


def test_command_line_of_sinter_finds_the_rtl(tmp_path):
    Memory(code="repetition", distance=3, p=0.02).circuit().to_file(tmp_path / "d=3.stim")
    command = [shutil.which("sinter", path=Path(sys.executable).parent), "collect", "--circuits", "d=3.stim"]
    command += ["--decoders", "rtl", "rtl_unit", "--custom_decoders_module_function", "synfab.flow.sinter:decoders"]
    command += ["--max_shots", "2000", "--processes", "1", "--save_resume_filepath", "samples.csv", "--quiet"]
    done = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    rows = sinter.read_stats_from_csv_files(tmp_path / "samples.csv")
    assert sorted(row.decoder for row in rows) == ["rtl", "rtl_unit"]
    for row in rows:
        assert row.errors > 0
        assert DIFFERS not in row.custom_counts
        assert sum(n for key, n in row.custom_counts.items() if key.startswith(CYCLES)) == row.shots >= 2000
    assert len(list((tmp_path / "out" / "sinter").glob("*/libdecoder.so"))) == 2


def test_parameters_are_in_the_name():
    named = decoders()
    assert sorted(named) == ["rtl", "rtl_unit", *(f"rtl_w{bits}" for bits in range(2, 9))]
    wide = named["rtl_w6"]
    assert isinstance(wide, RtlUnionFind)
    assert wide.reference.name == "synfab_w6"
    assert named["rtl"] == named["rtl_w4"]


def test_what_cannot_be_sampled_is_refused(tmp_path):
    sampler = RtlUnionFind(cache=tmp_path)
    circuit = stim.Circuit("X_ERROR(0.1) 0\nM 0\n" + "DETECTOR rec[-1]\n" * 3)
    with pytest.raises(InputError, match="must sample a task with a circuit and its model"):
        sampler.compiled_sampler_for_task(sinter.Task(circuit=circuit))
    model = circuit.detector_error_model()
    with pytest.raises(InputError, match="cannot be matched"):
        sampler.compiled_sampler_for_task(sinter.Task(circuit=circuit, detector_error_model=model))
    assert not list(tmp_path.iterdir())
