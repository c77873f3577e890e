# SPDX-License-Identifier: Apache-2.0
"""A board is data: part, resources, clocks, links and pins file, each figure with the document it comes from."""

from .board import Board, Clock, Link, board, boards

__all__ = ["Board", "Clock", "Link", "board", "boards"]
