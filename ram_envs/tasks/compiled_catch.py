"""Catch as compiled loops."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from ram_envs.tasks.catch import Catch, CatchState
from ram_envs.tasks.catch_kernels import (
    BALL,
    CAUGHT,
    COLUMN,
    EPISODE,
    PADDLE,
    SEED,
    SPEED,
    STEP,
    SUCCESS,
    TERMINATED,
    TRUNCATED,
    begin,
    observe,
    step,
)
from ram_envs.tasks.compiled import CompiledTask, Step
from ram_envs.tasks.task import Observation


class CompiledCatch(CompiledTask):
    """The game as compiled loops."""

    def __init__(
        self, task: Catch, num_rows: int, autoreset_mode: AutoresetMode, max_episode_steps: int | None
    ) -> None:
        super().__init__(task, num_rows, autoreset_mode, max_episode_steps)
        first_hidden, last_hidden = task.hidden_rows or (-1, -1)
        self._settings = np.array([task.screen_size, first_hidden, last_hidden, self.mode, self.limit], np.int64)
        self._game = np.zeros((6, num_rows), np.int64)
        self._motion = np.zeros((2, num_rows), np.float32)
        self.seed, self.episode = self._game[SEED], self._game[EPISODE]

    @classmethod
    def suits(cls, task: Catch) -> bool:
        """Return whether the sensor has kernels; there is none for hearing."""
        return super().suits(task) and not task.hearing

    @property
    def state(self) -> CatchState:
        """The state, copied."""
        _, _, step, ball, paddle, caught = self._game.copy()
        column, speed = self._motion.copy()
        return CatchState(step, column, ball, speed, paddle, caught == 1, self.location.copy())

    def load(self, state: CatchState) -> None:
        """Copy a state of the rules."""
        self._game[STEP], self._game[BALL], self._game[PADDLE], self._game[CAUGHT] = (
            np.asarray(leaf) for leaf in (state.step, state.ball, state.paddle, state.caught)
        )
        self._motion[COLUMN], self._motion[SPEED] = np.asarray(state.column), np.asarray(state.speed)
        self.location[:] = np.asarray(state.location)

    def begin(
        self,
        rows: NDArray[np.bool_],
        seed: NDArray[np.int64],
        episode: NDArray[np.int64],
        image_index: NDArray[np.int64] | None,
    ) -> None:
        """Start new games in some rows."""
        begin(rows, seed, episode, self._settings, self.first, self._game, self._motion, self.location)

    def step(self, gaze: NDArray[np.float32], answer: NDArray[np.int64]) -> Step:
        """Move the paddle, then the ball, then the gaze."""
        num_rows = self.num_rows
        glimpse = self.glimpses.take()
        seen = np.empty((num_rows, self.gaze_size), np.float32)
        reward = np.empty(num_rows, np.float32)
        flags = np.empty((3, num_rows), np.bool_)
        step(
            gaze,
            answer,
            self._settings,
            self.first,
            self.max_step,
            self._game,
            self._motion,
            self.location,
            *self.sensor,
            glimpse,
            seen,
            reward,
            flags,
        )
        truncated = flags[TRUNCATED] if self.limited else None
        return Step(Observation(glimpse, seen), reward, flags[TERMINATED], truncated, {"is_success": flags[SUCCESS]})

    def observe(self) -> tuple[Observation, dict[str, Any]]:
        """Return the observation and whether the ball was caught."""
        glimpse = self.glimpses.take()
        observe(self._settings, self._game, self.location, *self.sensor, glimpse)
        return Observation(glimpse, self.location.copy()), {"is_success": self._game[CAUGHT] == 1}
