"""The action and observation formats, and their translation into what the rules take and give.

Every format says the same two things, where to look next and what to do: a fixation (x, y) in [-1, 1] and a task
action in [0, n).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.error import InvalidAction

from ram_envs.arguments import check_choice, check_integer
from ram_envs.arrays import Array, Constants, as_array, clip, namespace
from ram_envs.tasks.task import Observation, Task

ACTION_FORMATS = ("box", "dict", "multidiscrete", "discrete")
OBSERVATION_FORMATS = ("dict", "flat")


class ActionFormat(ABC):
    """One way to write an action down.

    Attributes:
        space: The space of one action.
    """

    space: spaces.Space[Any]

    def __init__(self, task: Task, grid_size: int) -> None:
        self.num_actions, self.key, self.grid_size = task.num_actions, task.action_key, grid_size

    @abstractmethod
    def decode(self, action: Any) -> tuple[Array, Array]:
        """Translate a batch of actions that :meth:`check` has passed.

        Returns:
            fixation: float32 (B, 2), clipped to [-1, 1]; task_action: int64 (B,).
        """

    @abstractmethod
    def check(self, action: Any, batch: int) -> Any:
        """Return a batch of actions as arrays.

        Raises:
            InvalidAction: If its shape or dtype is wrong, it has a NaN, or names a task action that does not exist.
        """

    def check_single(self, action: Any) -> Any:
        """Return one NumPy action as a batch of one; see :meth:`check`."""
        return self.check(np.asarray(action)[None], 1)


class BoxFormat(ActionFormat):
    """float32 (2 + n,) in [-1, 1]: the fixation (x, y), then a score for each task action; the largest score counts."""

    def __init__(self, task: Task, grid_size: int) -> None:
        super().__init__(task, grid_size)
        self.space = spaces.Box(-1.0, 1.0, (2 + self.num_actions,), np.float32)

    def decode(self, action: Array) -> tuple[Array, Array]:
        """Clip the fixation and take the largest score."""
        xp = namespace(action)
        return _clip(action[:, :2]), xp.argmax(action[:, 2:], axis=1)

    def check(self, action: Any, batch: int) -> Array:
        """Expect floating numbers without NaN."""
        return _floats("action", action, (batch, 2 + self.num_actions))


class DictFormat(ActionFormat):
    """``{"fixation": float32 (2,) in [-1, 1], "move" or "label": int in [0, n)}``: the hybrid action of the paper."""

    def __init__(self, task: Task, grid_size: int) -> None:
        super().__init__(task, grid_size)
        self.space = spaces.Dict(
            {"fixation": spaces.Box(-1.0, 1.0, (2,), np.float32), self.key: spaces.Discrete(self.num_actions)}
        )

    def decode(self, action: Mapping[str, Array]) -> tuple[Array, Array]:
        """Clip the fixation."""
        return _clip(action["fixation"]), action[self.key]

    def check(self, action: Any, batch: int) -> dict[str, Array]:
        """Expect exactly the two keys."""
        expected = {"fixation", self.key}
        if not isinstance(action, Mapping) or set(action) != expected:
            got = sorted(action) if isinstance(action, Mapping) else type(action).__name__
            raise InvalidAction(f"action is {got}: expected a dictionary with the keys 'fixation' and {self.key!r}")
        return {
            "fixation": _floats("action['fixation']", action["fixation"], (batch, 2)),
            self.key: _integers(f"action[{self.key!r}]", action[self.key], (batch,), (self.num_actions,)),
        }

    def check_single(self, action: Any) -> dict[str, Array]:
        """Expect exactly the two keys."""
        if isinstance(action, Mapping):
            action = {key: np.asarray(value)[None] for key, value in action.items()}
        return self.check(action, 1)


class MultiDiscreteFormat(ActionFormat):
    """int64 (3,): the task action in [0, n), the column and the row of the next fixation in a grid of G x G cells."""

    def __init__(self, task: Task, grid_size: int) -> None:
        super().__init__(task, grid_size)
        self.space = spaces.MultiDiscrete([self.num_actions, grid_size, grid_size])
        self._centers = _cell_centers(grid_size)

    def decode(self, action: Array) -> tuple[Array, Array]:
        """Look at the centre of the cell."""
        return self._centers.like(action)["centers"][action[:, 1:]], action[:, 0]

    def check(self, action: Any, batch: int) -> Array:
        """Expect integers, each below its number of choices."""
        return _integers("action", action, (batch, 3), (self.num_actions, self.grid_size, self.grid_size))


class DiscreteFormat(ActionFormat):
    """int in [0, n * G * G): ``(task_action * G + column) * G + row``, the "multidiscrete" action in C order."""

    def __init__(self, task: Task, grid_size: int) -> None:
        super().__init__(task, grid_size)
        self.space = spaces.Discrete(self.num_actions * grid_size**2)
        self._centers = _cell_centers(grid_size)

    def decode(self, action: Array) -> tuple[Array, Array]:
        """Take the number apart and look at the centre of the cell."""
        xp, size = namespace(action), self.grid_size
        cell = xp.stack([action // size % size, action % size], axis=1)  # (B, 2) column, row
        return self._centers.like(action)["centers"][cell], action // size**2

    def check(self, action: Any, batch: int) -> Array:
        """Expect integers below the number of actions."""
        return _integers("action", action, (batch,), (self.num_actions * self.grid_size**2,))


_FORMATS: dict[str, type[ActionFormat]] = {
    "box": BoxFormat,
    "dict": DictFormat,
    "multidiscrete": MultiDiscreteFormat,
    "discrete": DiscreteFormat,
}


def make_action_format(name: str, task: Task, grid_size: int) -> ActionFormat:
    """Return the action format of that name.

    Raises:
        ValueError: If there is none, or ``grid_size`` is no positive integer.
    """
    check_integer("grid_size", grid_size, 1, 1024)
    return _FORMATS[check_choice("action_format", name, ACTION_FORMATS)](task, grid_size)


def observation_space(name: str, task: Task) -> spaces.Space[Any]:
    """Return the space of one observation in the format of that name.

    Raises:
        ValueError: If there is no such format.
    """
    glimpse = spaces.Box(0.0, 1.0, (task.sensor.glimpse_size,), np.float32)
    location = spaces.Box(-1.0, 1.0, (2,), np.float32)
    if check_choice("observation_format", name, OBSERVATION_FORMATS) == "dict":
        return spaces.Dict({"glimpse": glimpse, "location": location})
    low, high = np.append(glimpse.low, location.low), np.append(glimpse.high, location.high)
    return spaces.Box(low, high, dtype=np.float32)


def format_observation(name: str, observation: Observation) -> Any:
    """Return a batch of observations as a dictionary ("dict"), or joined in one array ("flat"), the glimpse first."""
    if name == "dict":
        return {"glimpse": observation.glimpse, "location": observation.location}
    return namespace(observation.glimpse).concat(observation, axis=1)


def _clip(fixation: Array) -> Array:
    xp = namespace(fixation)
    return clip(xp.astype(fixation, xp.float32, copy=False), -1.0, 1.0)


def _cell_centers(grid_size: int) -> Constants:
    return Constants(centers=((2 * np.arange(grid_size) + 1) / grid_size - 1).astype(np.float32))


def _floats(name: str, value: Any, shape: tuple[int, ...]) -> Array:
    array = as_array(value)
    xp = namespace(array)
    if tuple(array.shape) != shape or not _is_kind(array, "real floating"):
        raise InvalidAction(f"{name} is {_describe(array)}: expected float32, {_row_shape(shape)}")
    if xp.isnan(array).any():
        row = int(xp.argmax(xp.astype(xp.any(xp.isnan(array), axis=1), xp.int64)))
        raise InvalidAction(f"{name} has a NaN in row {row}: {array[row].tolist()}; expected numbers")
    return array


def _integers(name: str, value: Any, shape: tuple[int, ...], counts: tuple[int, ...]) -> Array:
    """Check (B,) integers against one count, or (B, n) against n."""
    array = as_array(value)
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
    """Write the shape of a batch so that it also makes sense to those who passed one action."""
    return f"shape {shape[1:]} for each of {shape[0]} rows" if shape else "shape ()"
