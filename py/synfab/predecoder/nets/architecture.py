# SPDX-License-Identifier: Apache-2.0
"""What a net looks like, before it has weights."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

LayoutName = Literal["supercell", "grid", "grid_2022"]

NUM_INPUTS: dict[LayoutName, int] = {"supercell": 8, "grid": 4, "grid_2022": 5}
"""Planes of a round: detection events of both types, and masks."""

INPUT_FRACTION_BITS: dict[LayoutName, int] = {"supercell": 0, "grid": 1, "grid_2022": 0}
"""Inputs are from 0 to 1, in units of 2 to the minus so many: 1/2 where a mask is the check's weight over four."""


class Architecture(BaseModel):
    """A stack of three-dimensional convolutions, each but the last with an activation.

    A net takes planes, ``(shots, inputs, rounds, rows, columns)`` from 0 to 1, and gives logits of the same rounds,
    rows and columns, for volumes of any size; sites outside of the volume hold 0.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    layout: LayoutName = Field(description="How detectors and corrections lie in planes")
    filters: tuple[int, ...] = Field(min_length=1, description="Output channels of each layer")
    kernels: tuple[int, ...] = Field(description="Side of each layer's cubic kernel, odd")
    activation: Literal["relu", "gelu"] = Field(default="relu", description="gelu: its approximation by tanh")
    batch_norm: bool = Field(default=True, description="Batch normalization after each hidden layer")
    residual: bool = Field(default=False, description="Layers come in pairs, each with a skip connection")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(self.kernels) != len(self.filters):
            raise ValueError(f"kernels must be as many as filters, {len(self.filters)}, not {len(self.kernels)}")
        if wrong := [side for side in self.kernels if side < 1 or side % 2 == 0]:
            raise ValueError(f"a kernel's side must be odd, so that it has a centre, not {wrong[0]!r}")
        if any(number < 1 for number in self.filters):
            raise ValueError(f"a layer must have at least one filter, not {min(self.filters)!r}")
        if self.residual and len(self.filters) % 2:
            raise ValueError(f"a net of residual blocks must have an even number of layers, not {len(self.filters)}")
        return self

    @property
    def num_inputs(self) -> int:
        """Planes of a round that the net takes."""
        return NUM_INPUTS[self.layout]

    @property
    def input_fraction_bits(self) -> int:
        """Inputs of the net are integers times 2 to the minus so many; see :func:`integer_planes`."""
        return INPUT_FRACTION_BITS[self.layout]

    @property
    def num_outputs(self) -> int:
        """Planes of a round of logits."""
        return self.filters[-1]

    @property
    def receptive_field(self) -> int:
        """Side of the volume of inputs that a logit sees (arXiv:2604.12841, eq. 8), in sites of the layout."""
        return 1 + sum(side - 1 for side in self.kernels)

    @property
    def look_ahead(self) -> int:
        """Rounds after its own that a logit sees."""
        return sum(side // 2 for side in self.kernels)


def _paper(filters: tuple[int, ...], side: int) -> Architecture:
    kernels = (side,) * len(filters)
    return Architecture(layout="grid", filters=filters, kernels=kernels, activation="gelu", batch_norm=False)


ARCHITECTURES: dict[str, Architecture] = {
    "S": Architecture(layout="supercell", filters=(16, 12), kernels=(3, 3)),
    "M": Architecture(layout="supercell", filters=(32, 32, 12), kernels=(3, 3, 3)),
    # Table 2 of the 2026 paper.
    "model_1": _paper((128, 128, 128, 4), 3),
    "model_2": _paper((256, 256, 256, 4), 3),
    "model_3": _paper((128, 128, 128, 4), 5),
    "model_4": _paper((128, 128, 128, 128, 128, 4), 3),
    "model_5": _paper((256, 256, 256, 256, 256, 4), 3),
    # Its figure 15.
    "model_6": Architecture(layout="grid", filters=(512,) * 7 + (4,), kernels=(3,) * 8, residual=True),
    # Figure 6 of the 2022 paper, without its skip connections: only the drawing shows where they are.
    "six_layers": Architecture(layout="grid_2022", filters=(50, 50, 50, 50, 200, 2), kernels=(3, 3, 3, 3, 1, 1)),
    "eleven_layers": Architecture(
        layout="grid_2022",
        filters=(50,) * 4 + (100,) * 6 + (2,),
        kernels=(3,) * 4 + (1,) * 7,
    ),
}
"""By name: the supercell nets, and those of the papers that they are compared with."""
