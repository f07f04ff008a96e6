"""Reads actions with compiled kernels: a shortcut for valid actions of the usual type.

Other actions (invalid ones, float64, lists, ...) get None from a reader. They take the way of
:class:`ram_envs.envs.actions.ActionFormat`, which converts them or raises.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ram_envs.envs.actions import FIXATION, ActionFormat, BoxFormat, DictFormat, DiscreteFormat, MultiDiscreteFormat

FLOAT32, INT64 = np.dtype(np.float32), np.dtype(np.int64)

GazeAndAnswer = tuple[NDArray[np.float32], NDArray[np.int64]]


class Reader(ABC):
    """Reads the actions of one format, for answers that are one choice.

    Args:
        actions: The format.
        num_rows: Number of rows, B.
    """

    def __init__(self, actions: ActionFormat, num_rows: int) -> None:
        from ram_envs.envs import action_kernels  # imports numba

        self.kernels: Any = action_kernels
        self.num_rows, self.size = num_rows, actions.size
        self.gaze = np.zeros((num_rows, actions.gaze_size), np.float32)
        self.answer = np.zeros(num_rows, np.int64)

    @abstractmethod
    def read(self, action: Any) -> GazeAndAnswer | None:
        """Return the gaze, float32 (B, gaze_size), and the answers, int64 (B,), of a batch of actions.

        The arrays are valid until the next call.
        """

    def read_single(self, action: Any) -> GazeAndAnswer | None:
        """Return the same for one action of one environment."""
        return self.read(action[None]) if type(action) is np.ndarray else None


class BoxReader(Reader):
    """Reads actions of :class:`BoxFormat`."""

    def __init__(self, actions: BoxFormat, num_rows: int) -> None:
        super().__init__(actions, num_rows)
        self.shape = (num_rows, actions.gaze_size + actions.size)

    def read(self, action: Any) -> GazeAndAnswer | None:
        """Take the gaze and the highest score."""
        if not is_plain(action, FLOAT32, self.shape) or not self.kernels.read_box(action, self.gaze, self.answer):
            return None
        return self.gaze, self.answer


class DictReader(Reader):
    """Reads actions of :class:`DictFormat`."""

    def __init__(self, actions: DictFormat, num_rows: int) -> None:
        super().__init__(actions, num_rows)
        self.key = actions.answer.key

    def read(self, action: Any) -> GazeAndAnswer | None:
        """Take the two values."""
        if type(action) is not dict or action.keys() != {FIXATION, self.key}:
            return None
        fixation, answer = action[FIXATION], action[self.key]
        if not is_plain(fixation, FLOAT32, self.gaze.shape) or not is_plain(answer, INT64, self.answer.shape):
            return None
        return (fixation, answer) if self.kernels.check_dict(fixation, answer, self.size) else None

    def read_single(self, action: Any) -> GazeAndAnswer | None:
        """Take the two values."""
        if type(action) is not dict or action.keys() != {FIXATION, self.key}:
            return None
        fixation, answer = action[FIXATION], action[self.key]
        if type(fixation) is not np.ndarray or type(answer) not in (int, np.int64) or not 0 <= answer < self.size:
            return None
        self.answer[0] = answer
        return self.read({FIXATION: fixation[None], self.key: self.answer})


class CellsReader(Reader):
    """Reads actions of :class:`MultiDiscreteFormat`."""

    def __init__(self, actions: MultiDiscreteFormat, num_rows: int) -> None:
        super().__init__(actions, num_rows)
        self.centers = actions.centers
        self.shape = (num_rows, 1 + actions.gaze_size)

    def read(self, action: Any) -> GazeAndAnswer | None:
        """Look up the centers of the cells."""
        if not is_plain(action, INT64, self.shape):
            return None
        valid = self.kernels.read_cells(action, self.size, self.centers, self.gaze, self.answer)
        return (self.gaze, self.answer) if valid else None


class NumberReader(Reader):
    """Reads actions of :class:`DiscreteFormat`."""

    def __init__(self, actions: DiscreteFormat, num_rows: int) -> None:
        super().__init__(actions, num_rows)
        self.centers = actions.centers
        self.number = np.zeros(num_rows, np.int64)

    def read(self, action: Any) -> GazeAndAnswer | None:
        """Take the numbers apart."""
        if not is_plain(action, INT64, self.answer.shape):
            return None
        valid = self.kernels.read_number(action, self.size, self.centers, self.gaze, self.answer)
        return (self.gaze, self.answer) if valid else None

    def read_single(self, action: Any) -> GazeAndAnswer | None:
        """Take one number apart."""
        if type(action) not in (int, np.int64) or not 0 <= action < 2**63:
            return None
        self.number[0] = action
        return self.read(self.number)


READERS: dict[type[ActionFormat], type[Reader]] = {
    BoxFormat: BoxReader,
    DictFormat: DictReader,
    MultiDiscreteFormat: CellsReader,
    DiscreteFormat: NumberReader,
}


def make_reader(actions: ActionFormat, num_rows: int) -> Reader | None:
    """Return the reader of a format; None if it has none, or the answer is not one choice."""
    reader = READERS.get(type(actions))
    return reader(actions, num_rows) if reader is not None and actions.is_choice else None


def is_plain(array: Any, dtype: np.dtype[Any], shape: tuple[int, ...]) -> bool:
    """Return whether an array has the type that the kernels are compiled for. Others would compile them anew."""
    return type(array) is np.ndarray and array.dtype is dtype and array.shape == shape and array.flags.carray
