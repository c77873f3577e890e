# SPDX-License-Identifier: Apache-2.0
"""Stored samples: written part by part, read back as they were, refused when torn or of something else."""

import json
import tarfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import stim

from synfab.artefact import file_digest
from synfab.circuits import Memory, PauliNoise
from synfab.data import FreshSamples, Manifest, SampleSource, load_manifest, open_samples, write_samples
from synfab.data.export import WRITERS
from synfab.data.manifest import Storage
from synfab.errors import InputError
from synfab.predecoder.labels import Labels, LabelSampler, bits_from_words
from synfab.predecoder.layouts import layout_by_name

STORAGES: tuple[Storage, ...] = get_args(Storage)
MEMORY = Memory(code="rotated_surface", distance=3, rounds=4, basis="X", noise=PauliNoise.depolarizing(0.01))
AS_WRITTEN = stim.Circuit(str(MEMORY.circuit()))
"""Stim writes probabilities with six digits; what is sampled is what is written."""

storages = pytest.mark.parametrize("storage", STORAGES)


def write(directory: Path, **changes: Any) -> Manifest:
    return write_samples(directory, **{"memory": MEMORY, "shots": 1500, "part_shots": 640, "seed": 5, **changes})


def read(shard: tarfile.TarFile, name: str) -> bytes:
    member = shard.extractfile(name)
    assert member is not None
    return member.read()


def collected(source: SampleSource, words: int = 1000) -> Labels:
    return Labels.joined(list(source.words(words)))


def same(one: Labels, other: Labels) -> bool:
    names = ("detectors", "sites", "observables")
    return one.volume == other.volume and all(np.array_equal(getattr(one, n), getattr(other, n)) for n in names)


@storages
class TestThereAndBack:
    def test_what_is_read_explains_what_was_detected(self, tmp_path, storage) -> None:
        manifest = write(tmp_path / "deep" / "samples", storage=storage)
        assert (manifest.shots, [part.shots for part in manifest.parts]) == (1920, [640] * 3)
        source = open_samples(tmp_path / "deep" / "samples")
        assert len(source) == 1920
        assert source.circuit == AS_WRITTEN
        labels = collected(source)
        assert labels.shots == 1920
        assert not labels.residual().any()
        assert not (labels.logical() ^ labels.observables).any()
        assert len(np.unique(bits_from_words(labels.sites), axis=0)) > 500

    def test_it_is_what_the_sampler_gave(self, tmp_path, storage) -> None:
        manifest = write(tmp_path, storage=storage, reach=2)
        parts = [
            LabelSampler(circuit=AS_WRITTEN, reach=2).compile(seed=part.seed).sample(10) for part in manifest.parts
        ]
        assert same(collected(open_samples(tmp_path)), Labels.joined(parts))

    def test_counts(self, tmp_path, storage) -> None:
        manifest = write(tmp_path, storage=storage)
        labels = collected(open_samples(tmp_path))
        total = {name: sum(part.counts[name] for part in manifest.parts) for name in manifest.parts[0].counts}
        sums = bits_from_words(labels.detectors).sum(axis=(0, 2, 3))
        assert [total["detectors_x"], total["detectors_z"]] == sums.tolist()
        assert [total["data_z"], total["data_x"]] == bits_from_words(labels.data).sum(axis=(0, 2, 3)).tolist()
        assert [total["timelike_x"], total["timelike_z"]] == bits_from_words(labels.timelike).sum((0, 2, 3)).tolist()
        assert total["observables"] == bits_from_words(labels.observables).sum()

    def test_manifest(self, tmp_path, storage) -> None:
        manifest = write(tmp_path, storage=storage, layout="grid")
        assert load_manifest(tmp_path) == manifest
        assert stim.Circuit(manifest.circuit) == AS_WRITTEN
        assert manifest.noise["cx_xz"] == 0.01 / 15
        assert (manifest.layout, manifest.layout_sha256) == ("grid", layout_by_name("grid", 3).fingerprint)
        assert set(manifest.tools) == {"synfab", "stim", "numpy", storage}
        assert (manifest.seed, manifest.reach, manifest.part_shots) == (5, 1, 640)
        assert len({part.seed for part in manifest.parts}) == 3

    def test_batches(self, tmp_path, storage) -> None:
        write(tmp_path, storage=storage)
        batches = list(open_samples(tmp_path).batches(shots=704, layout="supercell"))
        assert [len(batch.events) for batch in batches] == [704, 704, 512]
        whole = layout_by_name("supercell", 3).batch(collected(open_samples(tmp_path)))
        for name in ("events", "targets", "observables"):
            assert np.array_equal(np.concatenate([getattr(b, name) for b in batches]), getattr(whole, name))

    def test_a_shuffle_has_every_shot_once_in_another_order(self, tmp_path, storage) -> None:
        write(tmp_path, storage=storage, shots=640 * 6)
        source = open_samples(tmp_path, shuffle_seed=3)
        plain, first, second = (collected(s) for s in (open_samples(tmp_path), source, source))
        orders = [bits_from_words(each.sites).tolist() for each in (plain, first, second)]
        assert orders[0] != orders[1] != orders[2]
        assert sorted(orders[0]) == sorted(orders[1]) == sorted(orders[2])


@storages
class TestGoingOn:
    def test_more_shots_keep_what_is_there(self, tmp_path, storage) -> None:
        first = write(tmp_path, storage=storage, shots=640)
        seen: list[int] = []
        more = write(tmp_path, storage=storage, shots=2000, listener=seen.append)
        assert more.parts[0] == first.parts[0]
        assert seen == [640, 1280, 1920, 2560]
        write(tmp_path / "at_once", storage=storage, shots=2000)
        assert same(collected(open_samples(tmp_path)), collected(open_samples(tmp_path / "at_once")))

    def test_enough_is_enough(self, tmp_path, storage) -> None:
        manifest = write(tmp_path, storage=storage)
        stamp = (tmp_path / "manifest.json").stat().st_mtime_ns
        assert write(tmp_path, storage=storage, shots=10) == manifest
        assert (tmp_path / "manifest.json").stat().st_mtime_ns == stamp

    def test_a_kill_in_a_part_loses_that_part_alone(self, tmp_path, storage, monkeypatch) -> None:
        """Killed after the samples of part 1 were written and before the manifest names them."""
        writer = WRITERS[storage]

        def kill(directory: Path, manifest: Manifest, index: int, labels: Labels) -> tuple[str, str]:
            written = writer(directory, manifest, index, labels)
            if index == 1:
                raise KeyboardInterrupt
            return written

        monkeypatch.setitem(WRITERS, storage, kill)
        with pytest.raises(KeyboardInterrupt):
            write(tmp_path, storage=storage)
        assert len(load_manifest(tmp_path).parts) == 1
        assert collected(open_samples(tmp_path)).shots == 640
        monkeypatch.setitem(WRITERS, storage, writer)
        write(tmp_path, storage=storage)
        write(tmp_path / "at_once", storage=storage)
        assert same(collected(open_samples(tmp_path)), collected(open_samples(tmp_path / "at_once")))

    @pytest.mark.parametrize(
        ("changes", "name"),
        [
            ({"memory": Memory(code="rotated_surface", distance=5, rounds=4, basis="X", p=0.01)}, "distance is 5"),
            ({"memory": Memory(code="rotated_surface", distance=3, rounds=4, basis="Z", p=0.01)}, "basis is 'Z'"),
            ({"memory": Memory(code="rotated_surface", distance=3, rounds=4, basis="X", p=0.01)}, "noise is {'model'"),
            ({"seed": 6}, "seed is 6"),
            ({"reach": 0}, "reach is 0"),
            ({"layout": "grid"}, "layout is 'grid'"),
            ({"part_shots": 64}, "part_shots is 64"),
        ],
    )
    def test_other_samples_are_refused(self, tmp_path, storage, changes, name) -> None:
        write(tmp_path, storage=storage)
        before = (tmp_path / "manifest.json").read_bytes()
        with pytest.raises(InputError) as caught:
            write(tmp_path, storage=storage, **changes)
        assert f"must hold samples whose {name}" in str(caught.value)
        assert str(caught.value).endswith("name another folder, or delete it")
        assert (tmp_path / "manifest.json").read_bytes() == before


def test_both_storages_hold_the_same_samples(tmp_path) -> None:
    for storage in STORAGES:
        write(tmp_path / storage, storage=storage)
    one, other = (collected(open_samples(tmp_path / storage)) for storage in STORAGES)
    assert same(one, other)
    with pytest.raises(InputError, match="must hold samples whose storage is 'zarr'"):
        write(tmp_path / "webdataset", storage="zarr")


class TestShards:
    def test_another_reader_reads_them(self, tmp_path) -> None:
        """As tar files of .npy files; the key of a WebDataset sample ends at the first dot."""
        manifest = write(tmp_path, part_shots=64 * 100, shots=6400)
        (path,) = (tmp_path / "shards").iterdir()
        assert file_digest(path) == manifest.parts[0].sha256
        with tarfile.open(path) as shard:
            names = shard.getnames()
            arrays = {name: np.load(BytesIO(read(shard, name))) for name in names}
        keys = {name.split(".")[0] for name in names}
        assert len(keys) == 2
        assert names == sorted(f"{k}.{a}.npy" for k in keys for a in ("detectors", "sites", "observables"))
        sites = np.concatenate([arrays[f"{key}.sites.npy"] for key in sorted(keys)], axis=1)
        assert np.array_equal(sites, collected(open_samples(tmp_path)).sites)

    @pytest.mark.parametrize(
        ("p", "stem"),
        [(0.001, "d3-r4-x-circuit-p1e-3"), (0.0015, "d3-r4-x-circuit-p15e-4"), (0.1, "d3-r4-x-circuit-p1e-1")],
    )
    def test_names_have_no_dots(self, tmp_path, p, stem) -> None:
        memory = Memory(code="rotated_surface", distance=3, rounds=4, basis="X", p=p)
        manifest = write(tmp_path, memory=memory, shots=64, part_shots=64)
        assert manifest.stem == stem
        uniform = Memory(code="rotated_surface", distance=3, rounds=4, basis="X", noise=PauliNoise.depolarizing(p))
        other = Manifest.of(uniform, storage="zarr", layout="grid", reach=0, seed=0, part_shots=64)
        assert other.stem == stem.replace("circuit", "depolarizing")
        assert manifest.parts[0].name == f"{stem}-000000.tar"

    def test_equal_samples_are_equal_files(self, tmp_path) -> None:
        one, other = (write(tmp_path / name) for name in ("one", "other"))
        assert one == other

    @pytest.mark.parametrize("tear", [lambda data: data[:-2048], lambda data: data[:700], lambda data: b""])
    def test_a_torn_shard(self, tmp_path, tear: Callable[[bytes], bytes]) -> None:
        manifest = write(tmp_path)
        path = tmp_path / "shards" / manifest.parts[1].name
        path.write_bytes(tear(path.read_bytes()))
        for attempt in (lambda: collected(open_samples(tmp_path)), lambda: write(tmp_path, shots=5000)):
            with pytest.raises(InputError) as caught:
                attempt()
            assert f"{path} must have the SHA-256 {manifest.parts[1].sha256[:12]}... of the manifest" in str(
                caught.value
            )
            assert "it is torn or was changed" in str(caught.value)

    def test_a_missing_shard(self, tmp_path) -> None:
        manifest = write(tmp_path)
        path = tmp_path / "shards" / manifest.parts[2].name
        path.unlink()
        with pytest.raises(InputError, match="must be there, as the manifest says, and is not"):
            collected(open_samples(tmp_path))


class TestZarr:
    def test_another_reader_reads_it(self, tmp_path) -> None:
        import zarr

        manifest = write(tmp_path, storage="zarr")
        group = zarr.open_group(tmp_path / "samples.zarr", mode="r")
        assert group.metadata.zarr_format == 3
        attributes: Any = group.attrs["synfab"]
        assert Manifest.model_validate(attributes).model_copy(update={"parts": manifest.parts}) == manifest
        labels = collected(open_samples(tmp_path))
        for name, words in (("detectors", labels.detectors), ("data", labels.data), ("timelike", labels.timelike)):
            array: Any = group[name]
            assert (array.dtype, array.shape[0]) == (np.bool_, 1920)
            assert np.array_equal(array[:], bits_from_words(words))

    def test_changed_shots(self, tmp_path) -> None:
        import zarr

        write(tmp_path, storage="zarr")
        array: Any = zarr.open_group(tmp_path / "samples.zarr", mode="a")["data"]
        array[700, 0, 1, 0] = not array[700, 0, 1, 0]
        with pytest.raises(InputError, match=r"the shots 640-1279 of .* must be those of the manifest, not changed"):
            collected(open_samples(tmp_path))

    def test_missing_shots(self, tmp_path) -> None:
        import zarr

        write(tmp_path, storage="zarr")
        array: Any = zarr.open_group(tmp_path / "samples.zarr", mode="a")["timelike"]
        array.resize((1300, *array.shape[1:]))
        with pytest.raises(InputError, match="must hold the shots 1280-1919 of the manifest and does not"):
            collected(open_samples(tmp_path))

    def test_a_missing_array(self, tmp_path) -> None:
        import shutil

        write(tmp_path, storage="zarr")
        shutil.rmtree(tmp_path / "samples.zarr" / "observables")
        with pytest.raises(InputError, match="must be a Zarr group that synfab wrote"):
            collected(open_samples(tmp_path))


class TestFresh:
    def test_it_goes_on(self) -> None:
        source = FreshSamples(circuit=MEMORY.circuit(), seed=1, words=3)
        pieces = source.words(5)
        one, other = next(pieces), next(pieces)
        assert one.shots == other.shots == 320
        assert not same(one, other)
        assert not one.residual().any()
        batch = next(source.batches(shots=128, layout="grid"))
        assert batch.events.shape == (128, 2, 5, 3, 3)

    def test_a_seed_repeats(self) -> None:
        one, same_seed = (next(FreshSamples(circuit=MEMORY.circuit(), seed=1).words(9)) for _ in range(2))
        assert same(one, same_seed)


def edited(path: Path, **values: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


class TestBadInput:
    @pytest.mark.parametrize(
        ("changes", "sentence"),
        [
            ({"shots": 0}, "shots must be an integer of at least 1, not 0"),
            ({"part_shots": 100}, "part_shots must be a multiple of 64, not 100"),
            ({"part_shots": 1}, "part_shots must be an integer of at least 64, not 1"),
            ({"seed": -1}, "seed must be an integer of at least 0, not -1"),
            ({"layout": "hexagon"}, "layout must be one of 'grid', 'supercell', not 'hexagon'"),
            ({"storage": "hdf5"}, "storage must be one of 'webdataset', 'zarr', not 'hdf5'"),
            (
                {"memory": Memory(code="toric", distance=3, p=0.01)},
                "code must be 'rotated_surface' for samples of a pre-decoder, not 'toric'",
            ),
            (
                {"memory": Memory(code="rotated_surface", distance=3, rounds=1, p=0.01)},
                "rounds must be an integer of at least 2, not 1",
            ),
        ],
    )
    def test_writing(self, tmp_path, changes, sentence) -> None:
        with pytest.raises(InputError) as caught:
            write(tmp_path / "new", **changes)
        assert str(caught.value) == sentence
        assert not (tmp_path / "new").exists()

    def test_a_folder_of_something_else(self, tmp_path) -> None:
        (tmp_path / "thesis.tex").touch()
        with pytest.raises(InputError, match=r"must be a new folder or one with samples, not one with 'thesis\.tex'"):
            write(tmp_path)

    def test_no_manifest(self, tmp_path) -> None:
        with pytest.raises(InputError, match=r"must be a folder of samples with a manifest\.json, as 'synfab data"):
            open_samples(tmp_path)

    @pytest.mark.parametrize(
        ("values", "sentence"),
        [
            ({"distance": "three"}, "must be a manifest that synfab wrote: 1 faults"),
            ({"circuit": str(MEMORY.circuit().without_noise())}, "must name the SHA-256 of its own circuit"),
            ({"layout": "hexagon"}, "layout must be one of 'grid', 'supercell', not 'hexagon'"),
            ({"layout_sha256": "0" * 64}, "the tables of the layout 'supercell' must be those of"),
            ({"rounds": 7}, "must be of its circuit's volume"),
            ({"basis": "Z"}, "must be of its circuit's volume"),
            ({"parts": []}, "must have at least one part, not none"),
        ],
    )
    def test_a_manifest_that_contradicts_itself(self, tmp_path, values, sentence) -> None:
        write(tmp_path)
        edited(tmp_path / "manifest.json", **values)
        with pytest.raises(InputError) as caught:
            open_samples(tmp_path)
        assert sentence in str(caught.value)

    def test_batches(self, tmp_path) -> None:
        write(tmp_path)
        source = open_samples(tmp_path)
        with pytest.raises(InputError, match="shots of a batch must be a multiple of 64, not 100"):
            source.batches(shots=100, layout="grid")
        with pytest.raises(InputError, match="layout must be one of 'grid', 'supercell', not 'hexagon'"):
            source.batches(shots=128, layout="hexagon")
