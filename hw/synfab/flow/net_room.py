# SPDX-License-Identifier: Apache-2.0
"""Whether a board has room for a pre-decoder's net: counted in seconds, before anything is emitted."""

from synfab.boards import Board
from synfab.errors import OversizeError
from synfab.hw.yosys import excess
from synfab.rtl.predecoder import Predecoder
from synfab.rtl.predecoder.size import NetSize

# By how much a count exceeded what yosys found, at most, over the nets of benchmarks/predecoder_cost.json.
COUNT_EXCESS = {"lut": 0.19, "ff": 0.01, "dsp": 0.0}


def check_net(net: Predecoder, board: Board) -> None:
    """Refuse a net that is larger than its board even if it is as much smaller than its count as any was.

    Raises
    ------
    OversizeError
        Which resource, how much is needed at least, how much there is.
    """
    size = NetSize.of(net)
    counted = {"lut": size.lut, "ff": size.registers, "dsp": size.dsp}
    least = {name: int(count / (1 + COUNT_EXCESS[name])) for name, count in counted.items()}
    beyond = excess({name: (need, board.capacity[name]) for name, need in least.items()})
    if beyond:
        raise OversizeError(
            f"the net must fit the board {board.name}, but by its count, less what such counts were found too large, "
            f"it needs {beyond}; choose a larger board, fewer positions_per_cycle, more cycles_per_beat of loaded "
            "weights, or a smaller model"
        )
