# SPDX-License-Identifier: Apache-2.0
"""Nets round by round are the nets on whole volumes."""

import pytest
import torch

from synfab.errors import InputError
from synfab.predecoder.nets import ARCHITECTURES
from synfab.predecoder.nets.floating import FloatNet
from synfab.predecoder.nets.streaming import FloatStream

SMALL = {
    name: architecture.model_copy(
        update={"filters": (*(max(1, number // 16) for number in architecture.filters[:-1]), 4)}
    )
    for name, architecture in ARCHITECTURES.items()
}


def net_of(name: str, *, integers: bool) -> FloatNet:
    """A small net of chance; with integers, all sums are exact."""
    torch.manual_seed(3)
    net = FloatNet(SMALL[name]).double()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(torch.randint(-2, 3, parameter.shape) if integers else torch.randn(parameter.shape) / 4)
        for buffer_name, buffer in net.named_buffers():
            if "running_mean" in buffer_name:
                buffer.copy_(torch.randint(-3, 3, buffer.shape))
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm3d):
            # A variance of 1 leaves integers what they are.
            module.eps = 0.0
    return net.eval()


def streamed(net: FloatNet, planes: torch.Tensor) -> torch.Tensor:
    shots, _, rounds, rows, columns = planes.shape
    stream = FloatStream(net, shots=shots, rows=rows, columns=columns)
    found = []
    for _ in range(2):
        # The second volume must not see the first.
        outputs = [stream.push(planes[:, :, number]) for number in range(rounds)]
        settled = [one for one in outputs if one is not None]
        assert len(settled) == max(0, rounds - stream.look_ahead)
        found.append(torch.stack(settled + stream.finish(), dim=2))
    assert torch.equal(*found)
    return found[0]


@pytest.mark.parametrize("rounds", [1, 2, 9])
@pytest.mark.parametrize("name", [name for name, one in ARCHITECTURES.items() if one.activation == "relu"])
def test_streams_of_exact_sums_are_equal(name, rounds):
    net = net_of(name, integers=True)
    planes = torch.randint(0, 2, (3, net.architecture.num_inputs, rounds, 4, 5)).double()
    assert torch.equal(streamed(net, planes), net(planes))


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_streams_of_any_net_differ_by_rounding_alone(name):
    net = net_of(name, integers=False)
    planes = torch.randint(0, 2, (2, net.architecture.num_inputs, 14, 3, 3)).double()
    torch.testing.assert_close(streamed(net, planes), net(planes), rtol=1e-12, atol=1e-12)


def test_nets_in_training_are_not_streamed():
    with pytest.raises(InputError, match="must be in evaluation mode to be streamed"):
        FloatStream(FloatNet(SMALL["S"]), shots=1, rows=2, columns=2)
