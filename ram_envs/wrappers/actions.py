"""The actions of a wrapped environment: the gaze, and the inner environment's action as the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from ram_envs.arrays import Array, clip
from ram_envs.envs.actions import FIXATION, FORMATS, ActionFormat, BoxFormat, DictFormat, make_action_format
from ram_envs.envs.interface import Interface
from ram_envs.errors import InvalidArgument
from ram_envs.tasks import Answer

KEY = "action"
"""The key of the inner action in a dictionary action."""


@dataclass(frozen=True)
class InnerAnswer(Answer):
    """The action of the wrapped environment, of any space; see :class:`ram_envs.tasks.Answer`.

    Attributes:
        space: The action space of one wrapped environment, as it is.
    """

    space: Any

    def check_space(self) -> None:
        """Refuse a Box without bounds, whose numbers cannot be scaled."""
        if isinstance(self.space, spaces.Box) and not self.space.is_bounded():
            raise InvalidArgument(
                f"the action space {self.space} is not bounded: limit it first, for instance with "
                "gymnasium.wrappers.TransformAction(env, lambda action: action, gymnasium.spaces.Box(-1, 1, "
                f"{self.space.shape}))"
            )

    @property
    def counts(self) -> tuple[int, ...]:
        """The number of choices of each choice to make; () for a Box, and for a space that cannot be joined."""
        space = self.space
        if isinstance(space, spaces.Discrete):
            return (int(space.n),)
        if isinstance(space, spaces.MultiDiscrete):
            return tuple(int(count) for count in space.nvec.reshape(-1))
        if isinstance(space, spaces.MultiBinary):
            return (2,) * int(np.prod(space.shape))
        return ()

    @property
    def size(self) -> int:
        """The number of choices, of all choices together, or of numbers in a Box; 0 if it cannot be joined."""
        return int(np.prod(self.space.shape)) if isinstance(self.space, spaces.Box) else sum(self.counts)

    @cached_property
    def is_plain(self) -> bool:
        """Whether the space is one that a task's answer could have, or several choices: nothing to convert."""
        space = self.space
        if isinstance(space, spaces.Discrete):
            return int(space.start) == 0
        if isinstance(space, spaces.MultiDiscrete):
            return len(space.shape) == 1 and not np.any(space.start)
        return isinstance(space, spaces.Box) and len(space.shape) == 1 and space.dtype == np.float32


class InnerBoxFormat(BoxFormat):
    """As in the tasks; the numbers of a Box are in [-1, 1], and are scaled to its bounds."""

    def __init__(self, interface: Interface, grid_size: int) -> None:
        super().__init__(interface, grid_size)
        space = self.answer.space
        if isinstance(space, spaces.Box):
            low, high = (np.asarray(bound, np.float64).reshape(-1) for bound in (space.low, space.high))
            self._low, self._high, self._half_width = low, high, (high - low) / 2

    def numbers(self) -> spaces.Box:
        """Return the space of the numbers: float32 (n,) in [-1, 1]."""
        return spaces.Box(-1.0, 1.0, (self.size,), np.float32)

    def _bounded(self, numbers: Array) -> Array:
        """Clip numbers, (B, n), to [-1, 1] and scale them to the bounds: float64."""
        scaled = self._low + (clip(numbers, -1.0, 1.0) + 1.0) * self._half_width
        return np.clip(scaled, self._low, self._high)  # rounding may have exceeded a bound


class InnerDictFormat(DictFormat):
    """``{"fixation": float32 (gaze_size,) in [-1, 1], "action": the inner action}``.

    Choices and float32 vectors are checked, and vectors are clipped to their bounds. Actions of any other space are
    passed on to the inner environment as they are.
    """

    def __init__(self, interface: Interface, grid_size: int) -> None:
        super().__init__(interface, grid_size)
        assert isinstance(self.answer, InnerAnswer)
        self._is_plain = self.answer.is_plain

    def check_answer(self, name: str, value: Any, batch: int) -> Any:
        """Return a batch of inner actions, checked if they are plain."""
        return super().check_answer(name, value, batch) if self._is_plain else value

    def check_single(self, action: Any) -> dict[str, Any]:
        """Expect exactly the two keys."""
        if self._is_plain or not isinstance(action, Mapping) or FIXATION not in action:
            return super().check_single(action)
        return self.check({**action, FIXATION: self.plain(f"action[{FIXATION!r}]", action[FIXATION])[None]}, 1)

    def decode(self, action: Mapping[str, Any]) -> tuple[Array, Any]:
        """Take the two values."""
        if self._is_plain:
            return super().decode(action)
        return action[FIXATION].astype(np.float32, copy=False), action[KEY]


_INNER_FORMATS: Mapping[str, type[ActionFormat]] = {**FORMATS, "box": InnerBoxFormat, "dict": InnerDictFormat}


class InnerActions:
    """Splits actions into the gaze and the action of the inner environment.

    Args:
        name: The action format.
        interface: The answer and the sensor.
        grid_size: Cells per value of the gaze in the two discrete formats.

    Attributes:
        format: The action format.
        space: The space of one action.

    Raises:
        InvalidArgument: If the inner action space does not fit the format.
    """

    def __init__(self, name: str, interface: Interface, grid_size: int) -> None:
        answer = interface.answer
        assert isinstance(answer, InnerAnswer)
        self._inner: Any = answer.space
        joinable = bool(answer.counts) or isinstance(answer.space, spaces.Box)
        if name != "dict" and not joinable:
            raise InvalidArgument(
                f"the action space {answer.space} cannot be joined with the gaze in action_format={name!r}: use "
                "action_format='dict'"
            )
        self.format: ActionFormat = make_action_format(name, interface, grid_size, _INNER_FORMATS)
        self.space = self.format.space
        self._is_plain = answer.is_plain
        self._is_passed_on = name == "dict" and not answer.is_plain

    def split(self, actions: Any, batch: int) -> tuple[NDArray[np.float32], Any]:
        """Split a batch of actions.

        Returns:
            gaze: float32 (B, gaze_size), not clipped; a batch of inner actions.

        Raises:
            InvalidAction: If the actions are not valid.
        """
        gaze, answer = self.format.decode(self.format.check(actions, batch))
        return np.asarray(gaze), self._to_inner(answer)

    def split_single(self, action: Any) -> tuple[NDArray[np.float32], Any]:
        """Split one action: gaze float32 (1, gaze_size), and one inner action; see :meth:`split`."""
        gaze, answer = self.format.decode(self.format.check_single(action))
        return np.asarray(gaze), answer if self._is_passed_on else self._to_inner(answer)[0]

    def _to_inner(self, answer: Any) -> Any:
        """Convert a batch of answers to the shape and dtype of the inner space."""
        space = self._inner
        if self._is_passed_on:
            return answer
        if self._is_plain:
            return answer if answer.dtype == space.dtype else answer.astype(space.dtype)
        if isinstance(space, spaces.Discrete):
            return answer + space.start
        values = np.asarray(answer).reshape(-1, *space.shape)
        if isinstance(space, spaces.MultiDiscrete):
            values = values + space.start
        elif isinstance(space, spaces.Box) and np.dtype(space.dtype).kind != "f":
            values = np.rint(values)
        return values.astype(space.dtype)
