# SPDX-License-Identifier: Apache-2.0
"""The graph of gates holds what the Verilog says, in every lane."""

import ctypes

import numpy as np
import pytest

from synfab.sim.loop.graph import header, ports
from synfab.sim.loop.library import build

# A port of more than ten bits, constant outputs, gates that are the same, a register that begins with one, and one
# without a first value.
VERILOG = """
module sums(input clk, input rst, input [11:0] i__payload, input i__valid,
            output [13:0] o__payload, output o__valid, output i__ready);
    reg [11:0] total;
    reg odd = 1'b1;
    always @(posedge clk) begin
        total <= rst ? 12'd5 : total + (i__valid ? i__payload : 12'd0);
        odd <= odd ^ (i__valid & ^i__payload);
    end
    assign o__payload = {1'b1, odd, total};
    assign o__valid = i__valid & ~(i__payload == 12'd0);
    assign i__ready = 1'b1;
endmodule
"""
HARNESS = """
#include "Vdecoder.h"
extern "C" void sums(int64_t cycles, const uint64_t* inputs, uint64_t* outputs) {
    Vdecoder top;
    for (int64_t cycle = 0; cycle < cycles; ++cycle, inputs += 13, outputs += 16) {
        top.rst = cycle == 0;
        for (int bit = 0; bit < 12; ++bit) top.i___05Fpayload[bit] = inputs[bit];
        top.i___05Fvalid = inputs[12];
        top.clk = 0;
        top.eval();
        for (int bit = 0; bit < 14; ++bit) outputs[bit] = top.o___05Fpayload[bit];
        outputs[14] = top.o___05Fvalid;
        outputs[15] = top.i___05Fready;
        top.clk = 1;
        top.eval();
    }
}
"""


def test_every_lane_does_what_the_verilog_says(tmp_path):
    path = build(verilog=VERILOG, top="sums", harness=HARNESS, defines=[], cache=tmp_path, side_by_side=True)
    cycles = 50
    bits = np.random.default_rng(3).integers(0, 2, (cycles, 13, 64), np.uint8)
    bits[10:20, :12, :5] = 0
    inputs = np.packbits(bits, axis=2, bitorder="little").view(np.uint64)
    outputs = np.zeros((cycles, 16), np.uint64)
    played = ctypes.CDLL(str(path)).sums
    played.argtypes = [ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p]
    played(cycles, inputs.ctypes.data, outputs.ctypes.data)
    found = np.unpackbits(outputs.view(np.uint8).reshape(cycles, 16, 8), axis=2, bitorder="little")

    values = np.tensordot(1 << np.arange(12), bits[:, :12].astype(np.int64), axes=(0, 1))
    valid = bits[:, 12].astype(np.int64)
    # The sum from the reset on, which takes the first cycle; the parity from the start.
    totals = 5 + np.cumsum((values * valid)[1:], axis=0) - (values * valid)[1:]
    seen = np.tensordot(1 << np.arange(12), found[:, :12].astype(np.int64), axes=(0, 1))
    assert np.array_equal(seen[1:], totals % 4096)
    flips = valid * (bits[:, :12].sum(axis=1) % 2)
    assert np.array_equal(found[:, 12], (1 + np.cumsum(flips, axis=0) - flips) % 2)
    assert found[:, 13].all()
    assert np.array_equal(found[:, 14], valid * (values > 0))
    assert found[:, 15].all()


@pytest.mark.parametrize("order", [1, -1])
def test_ports_are_known_by_their_names_in_any_order(order):
    symbols = ["i1 i__payload[0]", "i10 rst", "i2 i__payload[1]", "o0 o__payload", "l0 total[0]", "i11 init:total[0]"]
    graph = "\n".join(["aig 1 1 0 0 0", "i0 clk", *symbols[::order], "c", "made by hand"]).encode()
    inputs, outputs = ports(graph)
    assert inputs == {"clk": [0], "rst": [10], "i__payload": [1, 2]}
    assert outputs == {"o__payload": [0]}
    assert "std::array<uint64_t, 2> i___05Fpayload{};" in header(inputs, outputs)
