"""Checks of arguments: each error names the argument, the value it got and what was expected."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ram_envs.errors import InvalidArgument, shown


def check_integer(name: str, value: Any, minimum: int, maximum: int | None = None) -> int:
    """Return ``value`` as an int.

    Raises:
        InvalidArgument: If it is not an integer (a bool is none) or lies outside [minimum, maximum].
    """
    expected = f"an integer of at least {minimum}" if maximum is None else f"an integer from {minimum} to {maximum}"
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise InvalidArgument(f"{name}={shown(value)} is not valid: expected {expected}")
    if value < minimum or (maximum is not None and value > maximum):
        raise InvalidArgument(f"{name}={shown(value)} is out of range: expected {expected}")
    return int(value)


def check_number(name: str, value: Any, minimum: float, maximum: float) -> float:
    """Return ``value`` as a float.

    Raises:
        InvalidArgument: If it is not a finite real number in [minimum, maximum].
    """
    is_number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not is_number or not minimum <= value <= maximum:
        raise InvalidArgument(f"{name}={shown(value)} is not valid: expected a number from {minimum:g} to {maximum:g}")
    return float(value)


def check_flag(name: str, value: Any) -> bool:
    """Return ``value`` as a bool.

    Raises:
        InvalidArgument: If it is neither True nor False.
    """
    if not isinstance(value, (bool, np.bool_)):
        raise InvalidArgument(f"{name}={shown(value)} is not valid: expected True or False")
    return bool(value)


def check_choice(name: str, value: Any, choices: Sequence[str]) -> str:
    """Return ``value``.

    Raises:
        InvalidArgument: If it is not one of ``choices``.
    """
    if not isinstance(value, str) or value not in choices:
        raise InvalidArgument(f"{name}={shown(value)} is not valid: expected one of {', '.join(map(repr, choices))}")
    return value


def check_indices(name: str, indices: Any, count: int) -> None:
    """Check an array of integers on the CPU; on a GPU, reading the indices would wait for the device.

    Raises:
        InvalidArgument: If one lies outside [0, count).
    """
    if str(indices.device) != "cpu" or len(indices) == 0:
        return
    least, greatest = int(indices.min()), int(indices.max())
    if least < 0 or greatest >= count:
        raise InvalidArgument(f"{name} ranges from {least} to {greatest}: expected 0 to {count - 1}")
