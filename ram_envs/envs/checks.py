"""Checks of the values of actions."""

from __future__ import annotations

from functools import cache
from types import ModuleType
from typing import Any

from gymnasium.error import InvalidAction

from ram_envs.arrays import Array, namespace
from ram_envs.errors import shown


def check_floats(name: str, array: Array, shape: tuple[int, ...]) -> Array:
    """Return a batch of floating-point numbers.

    Args:
        name: Name of the value in error messages.
        array: The batch.
        shape: Its expected shape, (B, n).

    Raises:
        InvalidAction: If the shape or dtype is wrong, or there is a NaN.
    """
    xp = namespace(array)
    if tuple(array.shape) != shape or not _is_kind(array, "real floating"):
        raise InvalidAction(f"{name} is {_describe(array)}: expected float32, {_row_shape(shape)}")
    if xp.isnan(array).any():
        row = int(xp.argmax(xp.astype(xp.any(xp.isnan(array), axis=1), xp.int64)))
        raise InvalidAction(f"{name} has a NaN in row {row}: {shown(array[row].tolist())}; expected numbers")
    return array


def check_integers(name: str, array: Array, shape: tuple[int, ...], counts: tuple[int, ...]) -> Array:
    """Return a batch of choices as int64.

    Args:
        name: Name of the value in error messages.
        array: The batch.
        shape: Its expected shape, (B,) or (B, n).
        counts: The number of choices, one for each of the n columns.

    Raises:
        InvalidAction: If the shape or dtype is wrong, or a choice does not exist.
    """
    xp = namespace(array)
    if tuple(array.shape) != shape or not _is_kind(array, "integral"):
        raise InvalidAction(f"{name} is {_describe(array)}: expected int64, {_row_shape(shape)}")
    columns = xp.reshape(array, (shape[0], -1))
    for index, count in enumerate(counts):
        column = columns[:, index]
        wrong = (column < 0) | (column >= count)
        if wrong.any():
            raise InvalidAction(
                f"{name}={int(column[wrong][0])} does not exist: expected an integer from 0 to {count - 1}"
            )
    return xp.astype(array, xp.int64, copy=False)


def _is_kind(array: Array, kind: str) -> bool:
    return _is_dtype_of(namespace(array), array.dtype, kind)


@cache  # looked up at every step, and slow to find out
def _is_dtype_of(xp: ModuleType, dtype: Any, kind: str) -> bool:
    return getattr(dtype, "kind", "f") in "biufc" and xp.isdtype(dtype, kind)


def _describe(array: Array) -> str:
    return f"{str(array.dtype).removeprefix('torch.')}, {_row_shape(tuple(array.shape))}"


def _row_shape(shape: tuple[int, ...]) -> str:
    """Describe the shape of a batch so that it also makes sense to a user who passed one action."""
    return f"shape {shape[1:]} for each of {shape[0]} rows" if shape else "shape ()"
