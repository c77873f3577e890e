# SPDX-License-Identifier: Apache-2.0
"""Samples to learn from, behind one interface: fresh from Stim, from WebDataset shards, from a Zarr group."""

from synfab.data.export import write_samples
from synfab.data.manifest import Manifest, Part, load_manifest
from synfab.data.source import FreshSamples, SampleSource, StoredSamples, open_samples

__all__ = [
    "FreshSamples",
    "Manifest",
    "Part",
    "SampleSource",
    "StoredSamples",
    "load_manifest",
    "open_samples",
    "write_samples",
]
