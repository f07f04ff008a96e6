"""Senses: the vector parts of an observation that the agent receives beside the glimpse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from ram_envs.errors import InvalidArgument, InvalidObservation, did_you_mean
from ram_envs.wrappers.settings import ALL, OBSERVATION


class Senses:
    """Reads senses from a batch of observations, each as float32 (B, n).

    The numbers of a Box are taken as they are, in C order. A Discrete part is one-hot encoded, and so is each number of
    a MultiDiscrete part. MultiBinary parts become 0 and 1.

    Args:
        space: The observation space of one environment. If it is not a Dict, its one part is called "observation".
        senses: The keys of the parts, or "all" for every vector except the pixels.
        pixels_key: The key of the pixels; None if they are not part of a Dict observation.
        is_image: Whether the whole observation is the image.

    Attributes:
        spaces: The space of each sense by its key: float32 (n,).

    Raises:
        InvalidArgument: If there is no such part, or it is not a vector.
    """

    def __init__(
        self, space: spaces.Space[Any], senses: str | Sequence[str], pixels_key: str | None, is_image: bool
    ) -> None:
        self._from_dict = isinstance(space, spaces.Dict)
        parts: Mapping[str, spaces.Space[Any]] = {} if is_image else {OBSERVATION: space}
        if isinstance(space, spaces.Dict):
            parts = space.spaces
        if senses == ALL:
            senses = [key for key, part in parts.items() if key != pixels_key and _is_vector(part)]
        self._parts: dict[str, spaces.Space[Any]] = {}
        for key in senses:
            if key not in parts:
                known = ", ".join(map(repr, parts)) or "none, because the observation is the image"
                raise InvalidArgument(
                    f"the sense {key!r} is not part of the observation{did_you_mean(key, parts)}; its parts are {known}"
                )
            if not isinstance(parts[key], _KINDS):
                raise InvalidArgument(
                    f"the sense {key!r} has the space {parts[key]}: expected Box, Discrete, MultiDiscrete or "
                    "MultiBinary"
                )
            self._parts[key] = parts[key]
        self.spaces = {key: _flat_space(part) for key, part in self._parts.items()}

    def read(
        self, observations: Any, steps: NDArray[np.int64], batched: bool, first_row: int = 0
    ) -> dict[str, NDArray[np.float32]]:
        """Return the senses in new arrays, float32 (B, n) each.

        Args:
            observations: A batch of observations, or one.
            steps: int64 (B,), the step of each row's episode, for error messages.
            batched: Whether there is a first axis with the rows.
            first_row: The number of the first row, for error messages.

        Raises:
            InvalidObservation: If a number is NaN.
        """
        result = {}
        for key, part in self._parts.items():
            values = np.asarray(observations[key] if self._from_dict else observations)
            numbers = _flat(part, values if batched else values[None])
            wrong = np.isnan(numbers).any(axis=1)
            if wrong.any():
                row = int(np.argmax(wrong))
                raise InvalidObservation(
                    f"the sense {key!r} has a NaN in row {first_row + row} at step {int(steps[row])}: the wrapped "
                    "environment returned it; expected numbers"
                )
            result[key] = numbers
        return result


_KINDS = (spaces.Box, spaces.Discrete, spaces.MultiDiscrete, spaces.MultiBinary)


def _is_vector(space: spaces.Space[Any]) -> bool:
    return isinstance(space, _KINDS) and not (isinstance(space, spaces.Box) and len(space.shape) > 1)


def _flat_space(space: spaces.Space[Any]) -> spaces.Box:
    flat = spaces.flatten_space(space)
    assert isinstance(flat, spaces.Box)
    with np.errstate(over="ignore"):  # a float64 bound that float32 cannot hold becomes infinite
        return spaces.Box(flat.low.astype(np.float32), flat.high.astype(np.float32), dtype=np.float32)


def _flat(space: spaces.Space[Any], values: NDArray[Any]) -> NDArray[np.float32]:
    """Return a batch of values of a space as float32 (B, n), a new array."""
    batch = len(values)
    if isinstance(space, (spaces.Discrete, spaces.MultiDiscrete)):
        if isinstance(space, spaces.Discrete):
            counts, starts = np.array([space.n]), np.array([space.start])
        else:
            counts, starts = space.nvec.reshape(-1), np.reshape(space.start, -1)
        first = np.cumsum(counts) - counts  # where the encoding of each number begins
        numbers = np.zeros((batch, int(counts.sum())), np.float32)
        columns = values.reshape(batch, -1).astype(np.int64) - starts + first
        numbers[np.arange(batch)[:, None], columns] = 1.0
        return numbers
    with np.errstate(over="ignore"):
        return values.reshape(batch, -1).astype(np.float32)
