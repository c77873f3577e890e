# SPDX-License-Identifier: Apache-2.0
# Amaranth makes ports, and the meaning of an expression, at run time; its partial annotations say otherwise. To the
# type checker everything from it is Any.
from typing import Any

def __getattr__(name: str) -> Any: ...
