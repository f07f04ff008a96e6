"""Action formats, and their translation to a gaze action and an answer.

Every format has the same two parts: ``gaze_size`` values in [-1, 1] for the gaze (see
:class:`ram_envs.sensors.gaze.GazeControl`), and the answer (see :class:`ram_envs.tasks.Answer`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.error import InvalidAction

from ram_envs.arguments import check_choice, check_integer
from ram_envs.arrays import Array, Constants, namespace, numpy_array
from ram_envs.errors import InvalidArgument, one_line, shown
from ram_envs.tasks import Task

ACTION_FORMATS = ("box", "dict", "multidiscrete", "discrete")
FIXATION = "fixation"
"""The key of the gaze part in a dictionary action."""


class ActionFormat(ABC):
    """Base class of the action formats.

    Args:
        task: The task.
        grid_size: Cells per value of the gaze in the two discrete formats.

    Attributes:
        space: The space of one action.
        convert: Turns one value of an action into an array of the environment's kind; raises TypeError or ValueError.
    """

    space: spaces.Space[Any]
    convert: Callable[[Any], Array] = staticmethod(numpy_array)

    def __init__(self, task: Task[Any], grid_size: int) -> None:
        self.answer, self.gaze_size, self.grid_size = task.answer, task.glimpse_sensor.gaze_size, grid_size
        self.size, self.is_choice = self.answer.size, self.answer.is_choice  # looked up at every step

    @abstractmethod
    def check(self, action: Any, batch: int) -> Any:
        """Return a batch of actions as plain arrays.

        Raises:
            InvalidAction: If the shape or dtype is wrong, there is a NaN, or a choice does not exist.
        """

    @abstractmethod
    def decode(self, action: Any) -> tuple[Array, Array]:
        """Split a batch of actions that :meth:`check` has passed.

        Returns:
            gaze: float32 (B, gaze_size), not clipped; answer: int64 (B,), or float32 (B, n) within the bounds of a Box.
        """

    def check_single(self, action: Any) -> Any:
        """Return one NumPy action as a batch of one; see :meth:`check`."""
        return self.check(self.plain("action", action)[None], 1)

    def plain(self, name: str, value: Any) -> Array:
        """Convert one value of an action; raise :class:`InvalidAction` if that is not possible."""
        try:
            return self.convert(value)
        except (TypeError, ValueError) as error:
            raise InvalidAction(f"{name} is not valid ({one_line(error)}): expected an array of numbers") from None

    def floats(self, name: str, value: Any, shape: tuple[int, ...]) -> Array:
        """Return floating-point numbers of this shape, checked."""
        return _check_floats(name, self.plain(name, value), shape)

    def integers(self, name: str, value: Any, shape: tuple[int, ...], counts: tuple[int, ...]) -> Array:
        """Return integers of this shape, checked: (B,) against one count, or (B, n) against n."""
        return _check_integers(name, self.plain(name, value), shape, counts)

    def _bounded(self, numbers: Array) -> Array:
        """Clip the numbers of a Box answer, (B, n), to its bounds: float32."""
        space, xp = self.answer.space, namespace(numbers)
        assert isinstance(space, spaces.Box)
        low, high = (xp.asarray(bound, device=numbers.device) for bound in (space.low, space.high))
        numbers = xp.astype(numbers, xp.float32, copy=False)
        return xp.where(numbers < low, low, xp.where(numbers > high, high, numbers))


class BoxFormat(ActionFormat):
    """float32: the gaze in [-1, 1], then a score in [-1, 1] for each choice; the highest score wins.

    A Box answer has its numbers, within their bounds, instead of the scores.
    """

    def __init__(self, task: Task[Any], grid_size: int) -> None:
        super().__init__(task, grid_size)
        low, high = (np.full(self.gaze_size, bound, np.float32) for bound in (-1, 1))
        space = self.answer.space
        scores = spaces.Box(-1.0, 1.0, (self.answer.size,), np.float32) if isinstance(space, spaces.Discrete) else space
        self.space = spaces.Box(np.append(low, scores.low), np.append(high, scores.high), dtype=np.float32)

    def check(self, action: Any, batch: int) -> Array:
        """Expect floating-point numbers without NaN."""
        return self.floats("action", action, (batch, self.gaze_size + self.size))

    def decode(self, action: Array) -> tuple[Array, Array]:
        """Take the largest score, or the numbers."""
        xp = namespace(action)
        gaze, rest = action[:, : self.gaze_size], action[:, self.gaze_size :]
        answer = xp.argmax(rest, axis=1) if self.is_choice else self._bounded(rest)
        return xp.astype(gaze, xp.float32, copy=False), answer


class DictFormat(ActionFormat):
    """``{"fixation": float32 (gaze_size,) in [-1, 1], "move" or "label": int}``: the hybrid action of the paper."""

    def __init__(self, task: Task[Any], grid_size: int) -> None:
        super().__init__(task, grid_size)
        fixation = spaces.Box(-1.0, 1.0, (self.gaze_size,), np.float32)
        self.space = spaces.Dict({FIXATION: fixation, self.answer.key: self.answer.space})

    def check(self, action: Any, batch: int) -> dict[str, Array]:
        """Expect exactly the two keys."""
        key, size = self.answer.key, self.size
        if not isinstance(action, Mapping) or set(action) != {FIXATION, key}:
            got = sorted(map(shown, action)) if isinstance(action, Mapping) else type(action).__name__
            raise InvalidAction(f"action is {got}: expected a dictionary with the keys {FIXATION!r} and {key!r}")
        name, value = f"action[{key!r}]", action[key]
        return {
            FIXATION: self.floats(f"action[{FIXATION!r}]", action[FIXATION], (batch, self.gaze_size)),
            key: self.integers(name, value, (batch,), (size,))
            if self.is_choice
            else self.floats(name, value, (batch, size)),
        }

    def decode(self, action: Mapping[str, Array]) -> tuple[Array, Array]:
        """Take the two values."""
        fixation, answer = action[FIXATION], action[self.answer.key]
        xp = namespace(fixation)
        return xp.astype(fixation, xp.float32, copy=False), answer if self.is_choice else self._bounded(answer)

    def check_single(self, action: Any) -> dict[str, Array]:
        """Expect exactly the two keys."""
        if isinstance(action, Mapping):
            action = {key: self.plain(f"action[{key!r}]", value)[None] for key, value in action.items()}
        return self.check(action, 1)


class GridFormat(ActionFormat):
    """Base class of the two discrete formats: the gaze selects a cell of a grid with ``grid_size`` cells per value."""

    def __init__(self, task: Task[Any], grid_size: int) -> None:
        super().__init__(task, grid_size)
        if not self.answer.is_choice:
            raise InvalidArgument(
                f"the answer {self.answer.key!r} of {type(task).__name__} is {self.answer.size} numbers, which a "
                "discrete action cannot hold: use action_format='box' or 'dict'"
            )
        centers = ((2 * np.arange(grid_size) + 1) / grid_size - 1).astype(np.float32)
        self._centers = Constants(centers=centers)

    def center(self, cells: Array) -> Array:
        """Return the centers of cells, int64 (B, gaze_size), as gaze actions, float32 (B, gaze_size)."""
        return self._centers.like(cells)["centers"][cells]


class MultiDiscreteFormat(GridFormat):
    """int64 (1 + gaze_size,): the answer in [0, n), then the cell: column, row and further values, each in [0, G)."""

    def __init__(self, task: Task[Any], grid_size: int) -> None:
        super().__init__(task, grid_size)
        self._counts = (self.answer.size, *[grid_size] * self.gaze_size)
        self.space = spaces.MultiDiscrete(list(self._counts))

    def check(self, action: Any, batch: int) -> Array:
        """Expect integers, each below its number of choices."""
        return self.integers("action", action, (batch, 1 + self.gaze_size), self._counts)

    def decode(self, action: Array) -> tuple[Array, Array]:
        """Look at the center of the cell."""
        return self.center(action[:, 1:]), action[:, 0]


class DiscreteFormat(GridFormat):
    """int in [0, n * G**gaze_size): the "multidiscrete" action as one number, in C order.

    For (x, y) it is ``(answer * G + column) * G + row``.
    """

    def __init__(self, task: Task[Any], grid_size: int) -> None:
        super().__init__(task, grid_size)
        self._count = self.answer.size * grid_size**self.gaze_size
        if self._count > 2**31:
            raise InvalidArgument(
                f"grid_size={grid_size} makes {self._count:,} discrete actions: expected at most {2**31:,}; lower it"
            )
        self.space = spaces.Discrete(self._count)

    def check(self, action: Any, batch: int) -> Array:
        """Expect integers below the number of actions."""
        return self.integers("action", action, (batch,), (self._count,))

    def decode(self, action: Array) -> tuple[Array, Array]:
        """Take the number apart and look at the center of the cell."""
        xp, cells = namespace(action), []
        for _ in range(self.gaze_size):
            cells.append(action % self.grid_size)
            action = action // self.grid_size
        return self.center(xp.stack(cells[::-1], axis=1)), action


_FORMATS: dict[str, type[ActionFormat]] = {
    "box": BoxFormat,
    "dict": DictFormat,
    "multidiscrete": MultiDiscreteFormat,
    "discrete": DiscreteFormat,
}


def make_action_format(name: str, task: Task[Any], grid_size: int) -> ActionFormat:
    """Return the action format of that name.

    Raises:
        InvalidArgument: If there is none, ``grid_size`` is not a positive integer, or the task's answer does not fit.
    """
    check_integer("grid_size", grid_size, 1, 1024)
    return _FORMATS[check_choice("action_format", name, ACTION_FORMATS)](task, grid_size)


def _check_floats(name: str, array: Array, shape: tuple[int, ...]) -> Array:
    xp = namespace(array)
    if tuple(array.shape) != shape or not _is_kind(array, "real floating"):
        raise InvalidAction(f"{name} is {_describe(array)}: expected float32, {_row_shape(shape)}")
    if xp.isnan(array).any():
        row = int(xp.argmax(xp.astype(xp.any(xp.isnan(array), axis=1), xp.int64)))
        raise InvalidAction(f"{name} has a NaN in row {row}: {shown(array[row].tolist())}; expected numbers")
    return array


def _check_integers(name: str, array: Array, shape: tuple[int, ...], counts: tuple[int, ...]) -> Array:
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
