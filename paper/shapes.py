"""Checks of the plain values in results files: a damaged file is refused when it is read, not when a table needs it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ram_envs.arguments import check_choice, check_integer, check_number
from ram_envs.errors import shown

_LIMIT = 10**12
_POINTS = [(float, float, float)]


def check_shape(name: str, value: Any, shape: Any) -> None:
    """Check the types within a plain value.

    Args:
        name: Its name in the error message; empty for the content of a file.
        value: The value.
        shape: ``float`` for a number; ``int`` for a count; ``str``; a frozenset of the possible strings; ``[shape]``
            for a list of at least one value; a tuple for a list of values of these shapes; a dictionary for one with
            at least these keys; ``{str: shape}`` for one with any keys.

    Raises:
        ValueError: If it has another shape.
    """
    if shape is float:
        check_number(name, value, -_LIMIT, _LIMIT)
    elif shape is int:
        check_integer(name, value, 0, _LIMIT)
    elif shape is str:
        _require(isinstance(value, str), name, value, "a string")
    elif isinstance(shape, frozenset):
        check_choice(name, value, sorted(shape))
    elif isinstance(shape, dict):
        _require(isinstance(value, dict), name, value, "a dictionary")
        shapes = dict.fromkeys(value, shape[str]) if str in shape else shape
        for key, part in shapes.items():
            path = f"{name}.{key}" if name else key
            if key not in value:
                raise ValueError(f"{path} is missing")
            check_shape(path, value[key], part)
    else:
        _require(isinstance(value, list) and len(value) > 0, name, value, "a list of at least one value")
        parts = shape if isinstance(shape, tuple) else shape * len(value)
        _require(len(value) == len(parts), name, value, f"a list of {len(parts)} values")
        for index, part in enumerate(parts):
            check_shape(f"{name}[{index}]", value[index], part)


def check_lengths(name: str, value: Mapping[str, list[Any]], one: str, other: str) -> None:
    """Check that two lists of a dictionary have the same length.

    Raises:
        ValueError: If they have not.
    """
    lengths = len(value[one]), len(value[other])
    if lengths[0] != lengths[1]:
        raise ValueError(f"{name}.{one} and {name}.{other} have {lengths[0]} and {lengths[1]} values: expected as many")


def check_curve(name: str, value: Any) -> None:
    """Check a training curve; see :class:`paper.records.SeedResult`.

    Raises:
        ValueError: If it is not one.
    """
    check_shape(name, value, {"frames": [float], "values": [float]})
    check_lengths(name, value, "frames", "values")


def check_stopping(name: str, value: Any) -> None:
    """Check what :func:`paper.stopping.curve_of` returns.

    Raises:
        ValueError: If it is not that.
    """
    shape = {"episodes": int, "temperature": float, "error_by_glimpse": [float]}
    check_shape(name, value, {**shape, "plain": _POINTS, "calibrated": _POINTS})
    check_lengths(name, value, "plain", "calibrated")


def check_distance(name: str, value: Any) -> None:
    """Check what :func:`paper.distance.measure_classifier` returns.

    Raises:
        ValueError: If it is not that.
    """
    check_shape(name, value, {"edges": [float], "scenes_and_errors": [(int, int)]})
    check_lengths(name, value, "edges", "scenes_and_errors")


def check_changes(name: str, value: Any) -> None:
    """Check a row of :func:`paper.robustness.measure_robustness`: the error and its interval by the name of the change.

    Raises:
        ValueError: If it is not one.
    """
    check_shape(name, value, {str: (float, float, float)})


def _require(holds: bool, name: str, value: Any, expected: str) -> None:
    if not holds:
        raise ValueError(f"{name}={shown(value)} is not valid: expected {expected}")
