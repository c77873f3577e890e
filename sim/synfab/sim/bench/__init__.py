# SPDX-License-Identifier: Apache-2.0
"""The cocotb bench of a decoder: Driver, Monitor, Model, Checker, and the Testbench that wires them.

It reads the Verilog and the vectors of one artefact folder and depends on cocotb and the standard library only.
"""
