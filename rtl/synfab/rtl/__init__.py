# SPDX-License-Identifier: Apache-2.0
"""How a decoder is built: Amaranth generators, each from one spec."""
