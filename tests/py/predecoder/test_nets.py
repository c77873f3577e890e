# SPDX-License-Identifier: Apache-2.0
"""Architectures: their published sizes, what they see, and what is refused."""

import pytest
import torch
from pydantic import ValidationError

from synfab.predecoder.nets import ARCHITECTURES, Architecture
from synfab.predecoder.nets.floating import FloatNet

# Of the papers' tables, but for model 1: table 2 has 912,272, which is not what its own filters make.
PUBLISHED = {
    "model_1": 912_772,
    "model_2": 3_595_012,
    "model_3": 4_224_388,
    "model_4": 1_797_764,
    "model_5": 7_134_468,
    "model_6": 42_593_296,
}
RECEPTIVE_FIELD = {"S": 5, "M": 7, "model_1": 9, "model_3": 17, "model_5": 13, "model_6": 17, "six_layers": 9}


def net_of(name: str) -> FloatNet:
    with torch.device("meta"):
        return FloatNet(ARCHITECTURES[name])


@pytest.mark.parametrize("name", PUBLISHED)
def test_papers_nets_have_their_parameters(name):
    assert sum(parameter.numel() for parameter in net_of(name).parameters()) == PUBLISHED[name]


def test_six_layers_have_their_parameters():
    """The paper counts four numbers a channel of batch normalization, the running mean and variance among them.

    It normalizes the last layer, too: eight numbers that a threshold on the logits makes superfluous.
    """
    assert state_of("six_layers") == 221_660 - 4 * 2


def test_eleven_layers_have_those_of_their_filters():
    """The paper has 352,210, which is not what its own filters make when they are counted as those of six layers."""
    spatial = 5 * 27 * 50 + 50 + 3 * (50 * 27 * 50 + 50)
    pointwise = 50 * 100 + 100 + 5 * (100 * 100 + 100) + 100 * 2 + 2
    assert state_of("eleven_layers") == spatial + pointwise + 4 * (4 * 50 + 6 * 100) == 268_452


def state_of(name: str) -> int:
    """Parameters, and what normalization keeps besides."""
    state = net_of(name).state_dict()
    return sum(tensor.numel() for name, tensor in state.items() if not name.endswith("tracked"))


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_any_volume_goes_through(name):
    net = net_of(name)
    architecture = ARCHITECTURES[name]
    for sides in ((1, 2, 3), (7, 5, 5)):
        logits = net(torch.zeros(2, architecture.num_inputs, *sides, device="meta"))
        assert logits.shape == (2, architecture.num_outputs, *sides)


@pytest.mark.parametrize("name", ["S", "M"])
def test_logit_sees_its_receptive_field_and_no_more(name):
    torch.manual_seed(1)
    architecture = ARCHITECTURES[name]
    net = FloatNet(architecture).eval()
    side = RECEPTIVE_FIELD[name] + 4
    planes = torch.zeros(1, architecture.num_inputs, side, side, side, requires_grad=True)
    net(planes)[0, :, side // 2, side // 2, side // 2].sum().backward()
    assert planes.grad is not None
    seen = planes.grad[0].abs().sum(0).nonzero()
    assert (seen.max() - seen.min() + 1).item() <= architecture.receptive_field == RECEPTIVE_FIELD[name]
    assert (side // 2 - seen[:, 0].min()).item() == architecture.look_ahead


def test_receptive_fields_are_the_papers():
    assert {name: ARCHITECTURES[name].receptive_field for name in RECEPTIVE_FIELD} == RECEPTIVE_FIELD


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        ({"kernels": (3,)}, "kernels must be as many as filters, 2, not 1"),
        ({"kernels": (3, 2)}, "a kernel's side must be odd, so that it has a centre, not 2"),
        ({"filters": (0, 4)}, "a layer must have at least one filter, not 0"),
        ({"filters": (4, 4, 4), "kernels": (3, 3, 3), "residual": True}, "an even number of layers, not 3"),
    ],
)
def test_impossible_architectures_are_refused(parts, sentence):
    with pytest.raises(ValidationError, match=sentence):
        Architecture(**{"layout": "grid", "filters": (4, 4), "kernels": (3, 3)} | parts)
