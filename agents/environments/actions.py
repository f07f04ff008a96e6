"""Task actions of the policy as actions of any bounded space."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from agents.errors import SettingsError


class ActionSpace:
    """Converts a batch of task actions to a batch of actions of a space.

    Discrete is one choice, MultiDiscrete and MultiBinary are several, and a bounded Box consists of numbers, which the
    policy gives in [-1, 1]. Dict and Tuple join those of their parts.

    Args:
        space: The space of one action.

    Attributes:
        choices: The number of options of each choice.
        numbers: The number of numbers.

    Raises:
        SettingsError: If a part of the space is of another kind, or a Box without bounds.
    """

    def __init__(self, space: spaces.Space[Any]) -> None:
        self.space = space
        counts: list[int] = []
        self.numbers = 0
        for part in _leaves(space):
            if isinstance(part, spaces.Box):
                self.numbers += int(np.prod(part.shape))
            else:
                counts += _counts(part)
        self.choices = tuple(counts)

    def convert(self, task_action: NDArray[Any]) -> Any:
        """Return a batch of actions.

        Args:
            task_action: int64 (B,) for one choice, otherwise float32 (B, choices + numbers), the choices first.
                Numbers outside [-1, 1] are clipped.
        """
        columns = task_action[:, None] if task_action.ndim == 1 else task_action
        choices = np.rint(columns[:, : len(self.choices)]).astype(np.int64)
        numbers = np.clip(columns[:, len(self.choices) :], -1.0, 1.0)
        action, _, _ = _build(self.space, choices, numbers)
        return action


def scaled(numbers: NDArray[Any], space: spaces.Box) -> NDArray[Any]:
    """Scale a batch of numbers in [-1, 1], (B, n), to the bounds of a Box; values outside are clipped."""
    low, high = (np.asarray(bound, np.float64).reshape(-1) for bound in (space.low, space.high))
    values = low + (np.clip(numbers, -1.0, 1.0) + 1.0) * ((high - low) / 2)
    if np.dtype(space.dtype).kind != "f":
        values = np.rint(values)
    # Rounding to float32 may leave the bounds.
    return np.clip(values.astype(space.dtype).reshape(-1, *space.shape), space.low, space.high)


def check_bounded(space: spaces.Box) -> None:
    """Refuse a Box without bounds.

    Raises:
        SettingsError: If it has none.
    """
    if not space.is_bounded():
        raise SettingsError(
            f"the action space {space} is not bounded: limit it first, for instance with gymnasium.wrappers."
            f"TransformAction(env, lambda action: action, gymnasium.spaces.Box(-1, 1, {space.shape}))"
        )


def _leaves(space: spaces.Space[Any]) -> list[spaces.Space[Any]]:
    """Return the parts of a space that are no Dict or Tuple, checked, in their order."""
    if isinstance(space, spaces.Dict):
        return [leaf for part in space.spaces.values() for leaf in _leaves(part)]
    if isinstance(space, spaces.Tuple):
        return [leaf for part in space.spaces for leaf in _leaves(part)]
    if isinstance(space, spaces.Box):
        check_bounded(space)
    elif not isinstance(space, (spaces.Discrete, spaces.MultiDiscrete, spaces.MultiBinary)):
        raise SettingsError(
            f"the action space {space} is not one that the RAM policy can act in: expected Discrete, MultiDiscrete, "
            "MultiBinary, a bounded Box, or a Dict or Tuple of these"
        )
    return [space]


def _counts(space: spaces.Space[Any]) -> list[int]:
    """Return the numbers of options of each choice in a leaf."""
    if isinstance(space, spaces.Discrete):
        return [int(space.n)]
    if isinstance(space, spaces.MultiDiscrete):
        return [int(count) for count in space.nvec.reshape(-1)]
    return [2] * int(np.prod(space.shape or (0,)))


def _build(
    space: spaces.Space[Any], choices: NDArray[np.int64], numbers: NDArray[Any]
) -> tuple[Any, NDArray[np.int64], NDArray[Any]]:
    """Build actions from the first choices and numbers, and return the choices and numbers that are left."""
    if isinstance(space, spaces.Dict):
        action = {}
        for key, part in space.spaces.items():
            action[key], choices, numbers = _build(part, choices, numbers)
        return action, choices, numbers
    if isinstance(space, spaces.Tuple):
        parts = []
        for part in space.spaces:
            value, choices, numbers = _build(part, choices, numbers)
            parts.append(value)
        return tuple(parts), choices, numbers
    if isinstance(space, spaces.Box):
        size = int(np.prod(space.shape))
        return scaled(numbers[:, :size], space), choices, numbers[:, size:]
    size = len(_counts(space))
    values, choices = choices[:, :size], choices[:, size:]
    if isinstance(space, spaces.Discrete):
        return values[:, 0] + space.start, choices, numbers
    if isinstance(space, spaces.MultiDiscrete):
        values = values.reshape(-1, *space.shape) + space.start
    shape = space.shape or ()
    return values.reshape(-1, *shape).astype(space.dtype), choices, numbers
