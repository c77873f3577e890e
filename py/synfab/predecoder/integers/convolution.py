# SPDX-License-Identifier: Apache-2.0
"""One layer of a pre-decoder as frozen integers."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from synfab.errors import InputError

Integers = npt.NDArray[np.integer]


@dataclass(frozen=True, kw_only=True, eq=False)
class Convolution:
    """A three-dimensional convolution of integers, and what becomes of its sums.

    Output channel o at a site of space-time is ``bias[o]`` plus the sum over input channels and taps of
    ``weights[o, i, t, y, x]`` times input channel i at that site moved by ``(t, y, x)`` minus the kernel's centre;
    sites outside of the volume hold 0. A layer inside of a net hands on *activations*::

        clip(sum >> shift[o], 0, 2**activation_bits - 1)

    with an arithmetic shift, which is what batch normalization, a rectifier and a uniform quantizer fold into: an
    activation is at least k where the sum reaches the k-th of :attr:`thresholds`. The last layer has no activation:
    its sums are the net's logits.

    Attributes
    ----------
    weights : ndarray of integers, kept as int32, (outputs, inputs, rounds, rows, columns)
        Read-only. The kernel's sides are odd.
    weight_bits : int
        Of a weight, a signed number; from 1, where all of them are -1 or 0.
    bias, shift : ndarray of integers, kept as int32, (outputs,)
    activation_bits : int or None
        None for the last layer.
    input_bits : int
        Of an input, an unsigned number.

    Raises
    ------
    InputError
        If the parts contradict each other, or a sum could pass 31 bits.
    """

    weights: Integers
    weight_bits: int
    bias: Integers
    shift: Integers
    activation_bits: int | None = None
    input_bits: int = 1

    def __post_init__(self) -> None:
        for name in ("weights", "bias", "shift"):
            array = np.array(getattr(self, name))
            if not np.issubdtype(array.dtype, np.integer):
                raise InputError(f"{name} of a convolution must be integers, not {array.dtype}; quantize them first")
            array = array.astype(np.int32)
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        if self.weights.ndim != 5 or any(side % 2 == 0 for side in self.weights.shape[2:]):
            raise InputError(
                "weights of a convolution must have five axes (outputs, inputs, rounds, rows, columns) and a kernel of "
                f"odd sides, not the shape {self.weights.shape}"
            )
        for name in ("bias", "shift"):
            if (shape := getattr(self, name).shape) != self.weights.shape[:1]:
                raise InputError(
                    f"{name} must have a number for each of the {len(self.weights)} outputs, not the shape {shape}"
                )
        largest = 1 << (self.weight_bits - 1)
        if self.weights.size and not (-largest <= self.weights.min() and self.weights.max() < largest):
            raise InputError(
                f"weights must lie in {-largest} .. {largest - 1}, as weight_bits is {self.weight_bits}, not in "
                f"{self.weights.min()} .. {self.weights.max()}; give more bits, or quantize to fewer"
            )
        if (least := self.shift.min(initial=0)) < 0:
            raise InputError(f"shift must be at least 0, not {least}; take coarser activations or finer weights")
        if self.input_bits < 1 or (self.activation_bits is not None and self.activation_bits < 1):
            raise InputError(
                f"inputs and activations must have at least 1 bit, not {self.input_bits!r} and {self.activation_bits!r}"
            )
        if self.accumulator_bits > 31:
            raise InputError(f"a sum must fit 31 bits, not {self.accumulator_bits}; take narrower weights or inputs")

    @property
    def num_inputs(self) -> int:
        """Input channels."""
        return self.weights.shape[1]

    @property
    def num_outputs(self) -> int:
        """Output channels."""
        return self.weights.shape[0]

    @property
    def kernel(self) -> tuple[int, int, int]:
        """Sides of the kernel: rounds, rows, columns."""
        rounds, rows, columns = self.weights.shape[2:]
        return rounds, rows, columns

    @property
    def look_ahead(self) -> int:
        """Rounds after its own that an output sees."""
        return self.kernel[0] // 2

    @cached_property
    def sum_range(self) -> tuple[int, int]:
        """Least and largest value of a sum, bias included, and of all partial sums from the bias on in any order.

        Proved from the weights: no input exceeds ``2**input_bits - 1``, so the largest sum takes all positive weights
        and no negative one. A partial sum has fewer of both.
        """
        most = (1 << self.input_bits) - 1
        flat = self.weights.reshape(len(self.weights), -1).astype(np.int64)
        low = self.bias + most * np.minimum(flat, 0).sum(axis=1)
        high = self.bias + most * np.maximum(flat, 0).sum(axis=1)
        return int(low.min(initial=0)), int(high.max(initial=0))

    @cached_property
    def accumulator_bits(self) -> int:
        """Width of a signed number that no sum can overflow."""
        low, high = self.sum_range
        return max((-low - 1).bit_length() if low < 0 else 0, high.bit_length()) + 1

    @cached_property
    def thresholds(self) -> npt.NDArray[np.int64]:
        """Least sums, without the bias, of each activation from 1 on: (outputs, 2**activation_bits - 1)."""
        if self.activation_bits is None:
            return np.zeros((self.num_outputs, 0), np.int64)
        levels = np.arange(1, 1 << self.activation_bits, dtype=np.int64) << self.shift[:, np.newaxis]
        return levels - self.bias[:, np.newaxis]

    def activations(self, sums: Integers) -> Integers:
        """Return what the layer hands on for its sums, ``(..., outputs)``, bias included."""
        if self.activation_bits is None:
            return sums
        return np.clip(sums >> self.shift, 0, (1 << self.activation_bits) - 1)
