# SPDX-License-Identifier: Apache-2.0
"""Weighted union-find: its spec, and its reference."""
