# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the tests of the RTL."""

import gc
import warnings
from collections.abc import Iterator

import pytest


@pytest.fixture
def unused() -> Iterator[None]:
    """For a test that makes components and never elaborates them, of which Amaranth warns when they are collected."""
    yield
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*created but never used")
        gc.collect()
