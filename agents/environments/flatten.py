"""Batches of observations of any space as flat float32 arrays, for a policy that reads vectors."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from agents.errors import SettingsError


def flat_size(space: spaces.Space[Any]) -> int:
    """Return the numbers that :func:`flatten_batch` makes of one value of a space.

    Raises:
        SettingsError: If the space is not one of numbers of a fixed size.
    """
    if isinstance(space, (spaces.Box, spaces.MultiBinary)):
        return int(np.prod(space.shape))
    if isinstance(space, spaces.Discrete):
        return int(space.n)
    if isinstance(space, spaces.MultiDiscrete):
        return int(space.nvec.sum())
    if isinstance(space, (spaces.Dict, spaces.Tuple)):
        return sum(map(flat_size, _parts(space)))
    raise SettingsError(
        f"the observation space {space} has no fixed number of values: use Box, Discrete, MultiDiscrete, MultiBinary, "
        "Dict or Tuple, for instance with gymnasium.wrappers.TransformObservation"
    )


def flatten_batch(space: spaces.Space[Any], values: Any, num_rows: int) -> NDArray[np.float32]:
    """Return a batch of values of a space as float32 (B, n); choices are one-hot encoded.

    Args:
        space: The space of one value.
        values: A batch of them, as a vector environment returns it.
        num_rows: B.
    """
    if isinstance(space, spaces.Dict):
        parts = [flatten_batch(part, values[key], num_rows) for key, part in space.spaces.items()]
        return np.concatenate(parts, axis=1)
    if isinstance(space, spaces.Tuple):
        parts = [flatten_batch(part, value, num_rows) for part, value in zip(space.spaces, values, strict=True)]
        return np.concatenate(parts, axis=1)
    array = np.asarray(values)
    if isinstance(space, spaces.Discrete):
        return _one_hot(array.reshape(num_rows, 1) - space.start, np.array([space.n]))
    if isinstance(space, spaces.MultiDiscrete):
        columns = array.reshape(num_rows, -1) - np.reshape(space.start, (1, -1))
        return _one_hot(columns, space.nvec.reshape(-1))
    return array.reshape(num_rows, -1).astype(np.float32)


def _parts(space: spaces.Dict | spaces.Tuple) -> list[spaces.Space[Any]]:
    return list(space.spaces.values()) if isinstance(space, spaces.Dict) else list(space.spaces)


def _one_hot(columns: NDArray[Any], counts: NDArray[Any]) -> NDArray[np.float32]:
    """One-hot encode choices, (B, k), with the given numbers of options, (k,)."""
    numbers = np.zeros((len(columns), int(counts.sum())), np.float32)
    first = np.cumsum(counts) - counts  # where the encoding of each choice begins
    numbers[np.arange(len(columns))[:, None], columns.astype(np.int64) + first] = 1.0
    return numbers
