# SPDX-License-Identifier: Apache-2.0
"""Simulation: stored vectors, and the cocotb bench that plays them to any simulator.

``bench`` needs cocotb and the standard library alone, so that it travels in the artefact folder.
"""
