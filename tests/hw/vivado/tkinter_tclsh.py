# SPDX-License-Identifier: Apache-2.0
"""Runs a Tcl script as tclsh does, with the Tcl inside Python's tkinter: SCRIPT [ARGUMENT ...]."""

import os
import sys
import tkinter


def leave(code: str = "0") -> None:
    """End the process at once; tkinter takes Tcl's own exit away."""
    tcl.eval("flush stdout")
    os._exit(int(code))


tcl = tkinter.Tcl()
tcl.createcommand("exit", leave)
tcl.call("set", "argv", tuple(sys.argv[2:]))
tcl.call("source", sys.argv[1])
