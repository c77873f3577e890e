# SPDX-License-Identifier: Apache-2.0
"""Stored logits of the zoo's nets, checked again by the reference of today, on whole volumes and round by round."""

from pathlib import Path

import numpy as np
import pytest

from synfab.predecoder.integers import LogitStream, PredecoderSpec

MODELS = Path(__file__).parents[3] / "models"
NETS = sorted(path.parent.name for path in MODELS.glob("*/spec.json"))


def test_the_nets_are_those_of_the_zoo(stored_blocks):
    specs = {net: PredecoderSpec.load(MODELS / net / "spec.json").sha256 for net in NETS}
    assert {"surface-s", "surface-m4", "surface-m"} <= specs.keys()
    assert {distance: blocks.spec_sha256 for distance, blocks in stored_blocks.items()} == {5: specs, 7: specs}


@pytest.mark.parametrize("distance", [5, 7])
@pytest.mark.parametrize("net", NETS)
def test_the_logits_are_still_the_same(stored_blocks, net, distance):
    spec, blocks = PredecoderSpec.load(MODELS / net / "spec.json"), stored_blocks[distance]
    stored = blocks.logits(net)
    # Short blocks and long ones, in which corrections are proposed, but for few sites.
    assert sorted({logits.shape[1] for logits in stored}) == [3, distance + 1, 4 * distance + 1]
    assert all(0 < (logits > 0).mean() < 0.1 for logits in stored)
    rows, columns = stored[0].shape[2:]
    stream = LogitStream(spec, rows=rows, columns=columns)
    for planes, logits in zip(blocks.planes, stored, strict=True):
        assert np.array_equal(spec.logits(planes[np.newaxis])[0], logits)
        pushed = [stream.push(planes[:, number]) for number in range(planes.shape[1])]
        settled = [each for each in pushed if each is not None] + stream.finish()
        assert np.array_equal(np.stack(settled, axis=1), logits)
