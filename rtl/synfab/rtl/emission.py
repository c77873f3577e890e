# SPDX-License-Identifier: Apache-2.0
"""From an Amaranth component to Verilog that every simulator and synthesizer reads alike."""

import re

from amaranth.back import verilog
from amaranth.lib import wiring

# Yosys wakes each `always @*` block at time 0 by assigning to a register in its declaration. Simulators that follow
# SystemVerilog do that before any block waits, and the block sleeps until an input changes; an `initial` block with a
# non-blocking assignment wakes it everywhere.
_WAKE = re.compile(r"^(\s*)reg (\\\$auto\$verilog_backend\S+ )\s*= 0;$", re.MULTILINE)
# A branch that holds nothing but a switch without cases comes out as the switch's attribute, with no statement.
_NOTHING = re.compile(r"\(\* full_case = 32'd1 \*\)\n *\n")


def emitted(component: wiring.Component, name: str) -> str:
    """Return ``component`` as plain Verilog (2001) with the top module ``name``, the same text every time."""
    text = verilog.convert(component, name=name, emit_src=False, strip_internal_attrs=True)
    text = _NOTHING.sub("/* empty */;\n", text)
    return _WAKE.sub(r"\1reg \2;\n\1initial \2<= 0;", text)
