"""Compiled tasks: the rules of a task as one compiled call per step, for batches on the CPU.

The rules of :class:`ram_envs.tasks.Task` are the definition. A task may offer the same rules as a compiled task
(:attr:`Task.compiled_rules`); the environments use it where numba is installed, and results are the same bit for bit.
"""

from __future__ import annotations

import importlib
import math
import sys
from abc import ABC, abstractmethod
from typing import Any, NamedTuple, cast

import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from ram_envs.sensors.first_location import for_kernels
from ram_envs.tasks.task import Observation, Task

NEXT_STEP, SAME_STEP, DISABLED = range(3)  # as kernels know the modes of auto-reset
MODES = {AutoresetMode.NEXT_STEP: NEXT_STEP, AutoresetMode.SAME_STEP: SAME_STEP, AutoresetMode.DISABLED: DISABLED}
NO_LIMIT = 2**62


def compile_task(
    task: Task[Any], num_rows: int, autoreset_mode: AutoresetMode, max_episode_steps: int | None
) -> CompiledTask | None:
    """Return the compiled rules of a task, for the arguments of :class:`CompiledTask`; None if there are none."""
    path = vars(type(task)).get("compiled_rules")
    if path is None:
        return None
    module, name = path.split(":")
    compiled: type[CompiledTask] = getattr(importlib.import_module(module), name)
    return compiled(task, num_rows, autoreset_mode, max_episode_steps) if compiled.suits(task) else None


class Step(NamedTuple):
    """The result of one step, in new arrays.

    Attributes:
        observation: The observation.
        reward: float32 (B,).
        terminated: bool (B,).
        truncated: bool (B,), whether the limit on the steps is reached; None without a limit.
        info: Arrays of shape (B,).
    """

    observation: Observation
    reward: NDArray[np.float32]
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_] | None
    info: dict[str, Any]


class Recycler:
    """Hands out arrays whose content does not matter, the same one again as soon as nobody else holds it.

    The operating system clears fresh memory page by page, which for a large array takes longer than filling it.

    Args:
        shape: Shape of the arrays.
        dtype: Their dtype.
    """

    LEAST_BYTES = 2**16  # smaller arrays come from memory that the process has already
    MOST_ARRAYS = 4

    def __init__(self, shape: tuple[int, ...], dtype: type[np.generic]) -> None:
        self._shape, self._dtype = shape, np.dtype(dtype)
        self._arrays: list[NDArray[Any]] | None = None
        if math.prod(shape) * self._dtype.itemsize >= self.LEAST_BYTES:
            self._arrays = []

    def take(self) -> NDArray[Any]:
        """Return an array that nobody else holds, nor a view of it."""
        if self._arrays is None:
            return np.empty(self._shape, self._dtype)
        for array, count in zip(self._arrays, _reference_counts(self._arrays), strict=True):
            if count == _UNHELD:
                return array
        array = np.empty(self._shape, self._dtype)
        if len(self._arrays) < self.MOST_ARRAYS:
            self._arrays.append(array)
        return array


def _reference_counts(arrays: list[NDArray[Any]]) -> list[int]:
    return [sys.getrefcount(array) for array in arrays]


_UNHELD = _reference_counts([np.empty(0)])[0]
"""The count of an array that is in nothing but the list; it differs between versions of Python."""


class CompiledTask(ABC):
    """The rules of one task for a batch, with its state in arrays that kernels change in place.

    Subclasses allocate the arrays of their state and call their kernels.

    Args:
        task: The task, whose sensor has kernels.
        num_rows: Number of rows, B.
        autoreset_mode: NEXT_STEP begins a new episode in a row that had ended; with the other modes such a row stays
            as it is, with reward 0, until :meth:`begin` is called.
        max_episode_steps: Episodes are truncated after so many steps; None for no limit.

    Attributes:
        seed: int64 (B,), the random seed of each row.
        episode: int64 (B,), the episode number of each row.
        location: float32 (B, gaze_size), where the sensor looks.
    """

    def __init__(
        self, task: Task[Any], num_rows: int, autoreset_mode: AutoresetMode, max_episode_steps: int | None
    ) -> None:
        sensor, control = task.glimpse_sensor, task.gaze_control
        height, width, _ = task.scene_shape
        self.num_rows = num_rows
        self.glimpse_size, self.gaze_size = sensor.glimpse_size, sensor.gaze_size
        three = cast("tuple[NDArray[Any], NDArray[Any], NDArray[Any]]", sensor.for_kernels)
        self.sensor = three
        self.first = for_kernels(task.first_location, height, width, task.patch_size, self.gaze_size)
        self.glimpses = Recycler((num_rows, self.glimpse_size), np.float32)
        self.max_step = control.max_step if control.relative else 0.0
        self.mode = MODES[autoreset_mode]
        self.limited = max_episode_steps is not None
        self.limit = NO_LIMIT if max_episode_steps is None else max_episode_steps
        self.seed, self.episode = np.zeros((2, num_rows), np.int64)
        self.location = np.zeros((num_rows, self.gaze_size), np.float32)

    @classmethod
    def suits(cls, task: Any) -> bool:
        """Return whether the kernels repeat the rules under the settings of this task."""
        return bool(task.glimpse_sensor.for_kernels)

    @property
    @abstractmethod
    def state(self) -> Any:
        """The state of the task, as its rules have it. The arrays are copies, except scenes."""

    @abstractmethod
    def load(self, state: Any) -> None:
        """Copy a state of the rules, whose seeds and episodes have been written to ``seed`` and ``episode``."""

    @abstractmethod
    def begin(
        self,
        rows: NDArray[np.bool_],
        seed: NDArray[np.int64],
        episode: NDArray[np.int64],
        image_index: NDArray[np.int64] | None,
    ) -> None:
        """Start new episodes in some rows; see :meth:`Task.initial`.

        Args:
            rows: bool (B,), the rows that begin; the other rows stay as they are.
            seed: int64 (B,).
            episode: int64 (B,).
            image_index: int64 (B,) or None, the images to show, for tasks that show images.
        """

    @abstractmethod
    def step(self, gaze: NDArray[np.float32], answer: NDArray[np.int64]) -> Step:
        """Take one step in every row.

        Args:
            gaze: float32 (B, gaze_size), C-contiguous and without NaN.
            answer: int64 (B,) in [0, n), C-contiguous.
        """

    @abstractmethod
    def observe(self) -> tuple[Observation, dict[str, Any]]:
        """Return the observation and the info of the state, in new arrays."""
