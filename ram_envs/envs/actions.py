"""Action formats, and their translation to a gaze action and an answer.

Every format has the same two parts: ``gaze_size`` values in [-1, 1] for the gaze (see
:class:`ram_envs.sensors.gaze.GazeControl`), and the answer (see :class:`ram_envs.tasks.Answer`).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.error import InvalidAction

from ram_envs.arguments import check_choice, check_integer
from ram_envs.arrays import Array, Constants, float32, namespace, numpy_array
from ram_envs.envs.checks import check_floats, check_integers
from ram_envs.envs.interface import Interface
from ram_envs.errors import InvalidArgument, one_line, shown

ACTION_FORMATS = ("box", "dict", "multidiscrete", "discrete")
FIXATION = "fixation"
"""The key of the gaze part in a dictionary action."""


class ActionFormat(ABC):
    """Base class of the action formats.

    Args:
        interface: The task, or whatever else has an answer and a sensor.
        grid_size: Cells per value of the gaze in the two discrete formats.

    Attributes:
        space: The space of one action.
        convert: Turns one value of an action into an array of the environment's kind; raises TypeError or ValueError.
    """

    space: spaces.Space[Any]
    convert: Callable[[Any], Array] = staticmethod(numpy_array)

    def __init__(self, interface: Interface, grid_size: int) -> None:
        self.answer, self.gaze_size, self.grid_size = interface.answer, interface.glimpse_sensor.gaze_size, grid_size
        # Looked up at every step.
        self.size, self.is_choice, self.counts = self.answer.size, self.answer.is_choice, self.answer.counts

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
            gaze: float32 (B, gaze_size), not clipped; answer: int64 (B,) for one choice, int64 (B, n) for several, or
            float32 (B, n) within the bounds of a Box.
        """

    @abstractmethod
    def centered(self, choices: Sequence[int]) -> Any:
        """Return one action that makes these choices, one for each of ``answer.counts``, and looks at the center.

        With relative gaze, the gaze stays where it is.
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
        return check_floats(name, self.plain(name, value), shape)

    def integers(self, name: str, value: Any, shape: tuple[int, ...], counts: tuple[int, ...]) -> Array:
        """Return integers of this shape, checked: (B,) against one count, or (B, n) against n."""
        return check_integers(name, self.plain(name, value), shape, counts)

    def _bounded(self, numbers: Array) -> Array:
        """Clip the numbers of a Box answer, (B, n), to its bounds: float32."""
        space, xp = self.answer.space, namespace(numbers)
        assert isinstance(space, spaces.Box)
        low, high = (xp.asarray(bound, device=numbers.device) for bound in (space.low, space.high))
        numbers = float32(numbers)
        return xp.where(numbers < low, low, xp.where(numbers > high, high, numbers))


class BoxFormat(ActionFormat):
    """float32: the gaze in [-1, 1], then a score in [-1, 1] for each choice; the highest score wins.

    With several choices to make, the scores of one follow those of the other. A Box answer has its numbers, within
    their bounds, instead of the scores.
    """

    def __init__(self, interface: Interface, grid_size: int) -> None:
        super().__init__(interface, grid_size)
        low, high = (np.full(self.gaze_size, bound, np.float32) for bound in (-1, 1))
        rest = spaces.Box(-1.0, 1.0, (self.size,), np.float32) if self.counts else self.numbers()
        self.space = spaces.Box(np.append(low, rest.low), np.append(high, rest.high), dtype=np.float32)

    def numbers(self) -> spaces.Box:
        """Return the space of the numbers of a Box answer: float32 (n,)."""
        assert isinstance(self.answer.space, spaces.Box)
        return self.answer.space

    def check(self, action: Any, batch: int) -> Array:
        """Expect floating-point numbers without NaN."""
        return self.floats("action", action, (batch, self.gaze_size + self.size))

    def decode(self, action: Array) -> tuple[Array, Array]:
        """Take the largest scores, or the numbers."""
        xp = namespace(action)
        gaze, rest = action[:, : self.gaze_size], action[:, self.gaze_size :]
        if self.is_choice:
            answer = xp.argmax(rest, axis=1)
        elif self.counts:
            ends = list(accumulate(self.counts))
            answer = xp.stack(
                [xp.argmax(rest[:, end - count : end], axis=1) for count, end in zip(self.counts, ends, strict=True)],
                axis=1,
            )
        else:
            answer = self._bounded(rest)
        return float32(gaze), answer

    def centered(self, choices: Sequence[int]) -> np.ndarray:
        """Give the highest score to each choice."""
        scores = [np.eye(count, dtype=np.float32)[choice] for count, choice in zip(self.counts, choices, strict=True)]
        return np.concatenate([np.zeros(self.gaze_size, np.float32), *scores])


class DictFormat(ActionFormat):
    """``{"fixation": float32 (gaze_size,) in [-1, 1], "move" or "label": int}``: the hybrid action of the paper."""

    def __init__(self, interface: Interface, grid_size: int) -> None:
        super().__init__(interface, grid_size)
        fixation = spaces.Box(-1.0, 1.0, (self.gaze_size,), np.float32)
        self.space = spaces.Dict({FIXATION: fixation, self.answer.key: self.answer.space})

    def check(self, action: Any, batch: int) -> dict[str, Array]:
        """Expect exactly the two keys."""
        key = self.answer.key
        if not isinstance(action, Mapping) or set(action) != {FIXATION, key}:
            got = sorted(map(shown, action)) if isinstance(action, Mapping) else type(action).__name__
            raise InvalidAction(f"action is {got}: expected a dictionary with the keys {FIXATION!r} and {key!r}")
        fixation = self.floats(f"action[{FIXATION!r}]", action[FIXATION], (batch, self.gaze_size))
        return {FIXATION: fixation, key: self.check_answer(f"action[{key!r}]", action[key], batch)}

    def check_answer(self, name: str, value: Any, batch: int) -> Any:
        """Return a batch of answers, checked."""
        if self.counts:
            shape = (batch,) if self.is_choice else (batch, len(self.counts))
            return self.integers(name, value, shape, self.counts)
        return self.floats(name, value, (batch, self.size))

    def decode(self, action: Mapping[str, Array]) -> tuple[Array, Array]:
        """Take the two values."""
        fixation, answer = action[FIXATION], action[self.answer.key]
        return float32(fixation), answer if self.counts else self._bounded(answer)

    def centered(self, choices: Sequence[int]) -> dict[str, Any]:
        """Write the two values."""
        answer = choices[0] if self.is_choice else np.array(choices)
        return {FIXATION: np.zeros(self.gaze_size, np.float32), self.answer.key: answer}

    def check_single(self, action: Any) -> dict[str, Array]:
        """Expect exactly the two keys."""
        if isinstance(action, Mapping):
            action = {key: self.plain(f"action[{key!r}]", value)[None] for key, value in action.items()}
        return self.check(action, 1)


class GridFormat(ActionFormat):
    """Base class of the two discrete formats: the gaze selects a cell of a grid with ``grid_size`` cells per value."""

    def __init__(self, interface: Interface, grid_size: int) -> None:
        super().__init__(interface, grid_size)
        if not self.counts:
            raise InvalidArgument(
                f"the answer {self.answer.key!r} is {self.size} numbers, which a discrete action cannot hold: use "
                "action_format='box' or action_format='dict'"
            )
        self._num_choices = len(self.counts)
        centers = ((2 * np.arange(grid_size) + 1) / grid_size - 1).astype(np.float32)
        self.centers = centers
        self._centers = Constants(centers=centers)

    def center(self, cells: Array) -> Array:
        """Return the centers of cells, int64 (B, gaze_size), as gaze actions, float32 (B, gaze_size)."""
        return self._centers.like(cells)["centers"][cells]


class MultiDiscreteFormat(GridFormat):
    """int64 (1 + gaze_size,): the answer in [0, n), then the cell: column, row and further values, each in [0, G).

    With several choices to make, each has a number.
    """

    def __init__(self, interface: Interface, grid_size: int) -> None:
        super().__init__(interface, grid_size)
        self._all_counts = (*self.counts, *[grid_size] * self.gaze_size)
        self.space = spaces.MultiDiscrete(list(self._all_counts))

    def check(self, action: Any, batch: int) -> Array:
        """Expect integers, each below its number of choices."""
        return self.integers("action", action, (batch, len(self._all_counts)), self._all_counts)

    def decode(self, action: Array) -> tuple[Array, Array]:
        """Look at the center of the cell."""
        choices = self._num_choices
        return self.center(action[:, choices:]), action[:, 0] if self.is_choice else action[:, :choices]

    def centered(self, choices: Sequence[int]) -> np.ndarray:
        """Choose the middle cell."""
        return np.array([*choices, *[self.grid_size // 2] * self.gaze_size])


class DiscreteFormat(GridFormat):
    """int in [0, n * G**gaze_size): the "multidiscrete" action as one number, in C order.

    For (x, y) it is ``(answer * G + column) * G + row``.
    """

    def __init__(self, interface: Interface, grid_size: int) -> None:
        super().__init__(interface, grid_size)
        self._all_counts = (*self.counts, *[grid_size] * self.gaze_size)
        self._count = math.prod(self._all_counts)
        if self._count > 2**31:
            raise InvalidArgument(
                f"grid_size={grid_size} makes {self._count:,} discrete actions: expected at most {2**31:,}; lower it, "
                "or use action_format='dict'"
            )
        self.space = spaces.Discrete(self._count)

    def check(self, action: Any, batch: int) -> Array:
        """Expect integers below the number of actions."""
        return self.integers("action", action, (batch,), (self._count,))

    def decode(self, action: Array) -> tuple[Array, Array]:
        """Take the number apart and look at the center of the cell."""
        xp, parts = namespace(action), []
        for count in self._all_counts[:0:-1]:
            parts.append(action % count)
            action = action // count
        parts.append(action)
        parts.reverse()
        choices = self._num_choices
        gaze = self.center(xp.stack(parts[choices:], axis=1))
        return gaze, action if self.is_choice else xp.stack(parts[:choices], axis=1)

    def centered(self, choices: Sequence[int]) -> int:
        """Choose the middle cell."""
        cells = (*choices, *[self.grid_size // 2] * self.gaze_size)
        return int(np.ravel_multi_index(cells, self._all_counts))


FORMATS: Mapping[str, type[ActionFormat]] = {
    "box": BoxFormat,
    "dict": DictFormat,
    "multidiscrete": MultiDiscreteFormat,
    "discrete": DiscreteFormat,
}


def make_action_format(
    name: str, interface: Interface, grid_size: int, formats: Mapping[str, type[ActionFormat]] = FORMATS
) -> ActionFormat:
    """Return the action format of that name.

    Raises:
        InvalidArgument: If there is none, ``grid_size`` is not a positive integer, or the answer does not fit.
    """
    check_integer("grid_size", grid_size, 1, 1024)
    return formats[check_choice("action_format", name, ACTION_FORMATS)](interface, grid_size)
