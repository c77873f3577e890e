# SPDX-License-Identifier: Apache-2.0
"""What a circuit's parameter must be; each refusal is one sentence that begins with the parameter's name."""

from typing import Any

from synfab.errors import InputError


def require_choice(name: str, value: Any, choices: tuple[str, ...]) -> None:
    """Raise InputError unless ``value`` is one of ``choices``."""
    if value not in choices:
        raise InputError(f"{name} must be one of {', '.join(map(repr, choices))}, not {value!r}")


def require_integer(name: str, value: Any, minimum: int) -> None:
    """Raise InputError unless ``value`` is an integer of at least ``minimum``."""
    if not isinstance(value, int) or isinstance(value, bool) or value < minimum:
        raise InputError(f"{name} must be an integer of at least {minimum}, not {value!r}")


def require_probability(name: str, value: Any) -> None:
    """Raise InputError unless ``value`` is a probability above 0 and at most 0.5."""
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 < value <= 0.5:
        raise InputError(f"{name} must be a probability above 0 and at most 0.5, not {value!r}")
