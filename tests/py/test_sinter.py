# SPDX-License-Identifier: Apache-2.0
"""The decoders as sinter sees them, by sinter's own tests and command among others."""

import os
import pickle
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import sinter
import stim

from synfab.circuits import Memory
from synfab.decoders import UnionFindSpec
from synfab.dem import DecodingGraph
from synfab.errors import InputError
from synfab.sinter import UnionFindDecoder, decoders, union_find_from_name

MEMORY = Memory(code="rotated_surface", distance=3, p=0.01)


def shots_of(memory: Memory, shots: int) -> np.ndarray:
    return np.asarray(memory.circuit().compile_detector_sampler(seed=3).sample(shots, bit_packed=True))


def test_import_is_light() -> None:
    heavy = ("numba", "torch", "amaranth", "matplotlib", "pymatching", "pydantic", "scipy.stats", "cocotb")
    script = f"""
import pickle, sys
import synfab.sinter
pickle.loads(pickle.dumps(synfab.sinter.decoders()))
print([name for name in {heavy} if name in sys.modules])
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"


def test_names_carry_the_parameters() -> None:
    offered = decoders()
    assert list(offered) == ["synfab_unit", *(f"synfab_w{bits}" for bits in range(2, 9))]
    for name, decoder in offered.items():
        assert isinstance(decoder, UnionFindDecoder)
        assert decoder.name == name
        assert union_find_from_name(name) == decoder
        assert pickle.loads(pickle.dumps(decoder)) == decoder
    assert UnionFindDecoder().name == "synfab_w4"
    assert union_find_from_name("synfab_w12") == UnionFindDecoder(weight_bits=12)


@pytest.mark.parametrize("name", ["synfab", "synfab_w", "synfab_w04", "synfab_w-1", "synfab_w4x", "pymatching", ""])
def test_unknown_names(name: str) -> None:
    with pytest.raises(InputError) as caught:
        union_find_from_name(name)
    assert str(caught.value) == (
        "a decoder of synfab must be named 'synfab_unit' or 'synfab_w' and its bits a weight (2 to 16), for example "
        f"'synfab_w4', not {name!r}"
    )


def test_parameters_out_of_range() -> None:
    with pytest.raises(InputError, match=r"^weight_bits must lie in 2\.\.16, not 17$"):
        union_find_from_name("synfab_w17")
    with pytest.raises(InputError, match=r"^weights must be 'log_likelihood' or 'unit', not 'x'$"):
        UnionFindDecoder(weights="x")  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("name", ["synfab_unit", "synfab_w4", "synfab_w12"])
def test_predictions_are_those_of_the_spec(name: str) -> None:
    decoder = union_find_from_name(name)
    spec = UnionFindSpec.compile(
        DecodingGraph.from_dem(MEMORY.dem()), weights=decoder.weights, weight_bits=decoder.weight_bits
    )
    assert decoder.spec_for_dem(MEMORY.dem()) == spec
    shots = shots_of(MEMORY, 500)
    compiled = decoder.compile_decoder_for_dem(dem=MEMORY.dem())
    predictions = compiled.decode_shots_bit_packed(bit_packed_detection_event_data=shots)
    assert predictions.dtype == np.uint8
    assert predictions.shape == (500, 1)
    expected = spec.decode_batch(shots, bit_packed_shots=True, bit_packed_predictions=True)
    assert expected.any()
    assert np.array_equal(predictions, expected)
    again = pickle.loads(pickle.dumps(compiled))
    assert np.array_equal(again.decode_shots_bit_packed(bit_packed_detection_event_data=shots), expected)


def test_decode_via_files(tmp_path: Path) -> None:
    decoder = UnionFindDecoder()
    shots, dem = shots_of(MEMORY, 300), MEMORY.dem()
    shots.tofile(tmp_path / "dets.b8")
    dem.to_file(tmp_path / "model.dem")

    def decode(num_shots: int) -> None:
        decoder.decode_via_files(
            num_shots=num_shots,
            num_dets=dem.num_detectors,
            num_obs=dem.num_observables,
            dem_path=tmp_path / "model.dem",
            dets_b8_in_path=tmp_path / "dets.b8",
            obs_predictions_b8_out_path=tmp_path / "obs.b8",
            tmp_dir=tmp_path,
        )

    decode(300)
    expected = decoder.spec_for_dem(dem).decode_batch(shots, bit_packed_shots=True, bit_packed_predictions=True)
    assert (tmp_path / "obs.b8").read_bytes() == expected.tobytes()
    (tmp_path / "obs.b8").unlink()
    with pytest.raises(ValueError, match="cannot reshape"):
        decode(301)
    assert not (tmp_path / "obs.b8").exists()


def test_predict_observables_of_sinter() -> None:
    sampler = MEMORY.circuit().compile_detector_sampler(seed=4)
    detections, observables = sampler.sample(2000, separate_observables=True)
    predictions = sinter.predict_observables(
        dem=MEMORY.dem(), dets=np.asarray(detections), decoder="synfab_w4", custom_decoders=decoders()
    )
    assert 0 < np.count_nonzero(predictions != observables) < 200 < np.count_nonzero(observables)


def test_hyperedges_are_refused() -> None:
    dem = stim.DetectorErrorModel("error(0.125) D0 D1 D2 L0")
    with pytest.raises(InputError) as caught:
        UnionFindDecoder().compile_decoder_for_dem(dem=dem)
    assert str(caught.value) == (
        "the error 'error(0.125) D0 D1 D2 L0' cannot be matched: an error must flip at most two detectors, not 3 "
        "(D0 D1 D2); make the model with circuit.detector_error_model(decompose_errors=True)"
    )


def test_sinters_own_decoder_tests(tmp_path: Path) -> None:
    """Sinter's suite, on two of our decoders; it imports a module of one name, hence the one written here."""
    (tmp_path / "decoders_under_test.py").write_text(
        "from synfab.sinter import decoders as offered\n\n\n"
        "def decoders():\n"
        "    return {name: offered()[name] for name in ('synfab_unit', 'synfab_w4')}\n"
    )
    environment = {
        **os.environ,
        "SINTER_PYTEST_CUSTOM_DECODERS": "decoders_under_test:decoders",
        "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path]),
    }
    report = tmp_path / "report.xml"
    command = [sys.executable, "-m", "pytest", "-q", "--pyargs", "sinter._decoding._decoding_test", "-k", "synfab"]
    result = subprocess.run(
        [*command, f"--junitxml={report}", "-p", "no:cacheprovider", "--rootdir", str(tmp_path)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    cases = ElementTree.parse(report).getroot().findall(".//testcase")
    passed = [case.get("name", "") for case in cases if not len(case)]
    for decoder in ("synfab_unit", "synfab_w4"):
        # 9 tests and one of 8 offsets, each in memory and on disk, and one of collection from end to end.
        assert sum(decoder in name for name in passed) >= 2 * (9 + 8) + 1
    assert len(passed) == len(cases)


def test_sinters_own_command(tmp_path: Path) -> None:
    MEMORY.circuit().to_file(tmp_path / "memory.stim")
    command = [str(Path(sys.executable).with_name("sinter")), "collect", "--circuits", "memory.stim"]
    result = subprocess.run(
        [
            *command,
            *("--decoders", "synfab_w3", "--custom_decoders_module_function", "synfab.sinter:decoders"),
            *("--max_shots", "300", "--processes", "1", "--quiet", "--save_resume_filepath", "stats.csv"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    (stats,) = sinter.read_stats_from_csv_files(tmp_path / "stats.csv")
    assert (stats.decoder, stats.shots, stats.discards) == ("synfab_w3", 300, 0)
