"""Players that learn nothing and frame the scale: one that acts at random, and one that sees everything."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.benchmark.algorithm import Problem
from agents.benchmark.evaluation import Evaluator, Score
from ram_envs.envs.vector import GlimpseVectorEnv
from ram_envs.tasks.catch import PADDLE_WIDTH, Catch

RANDOM, ORACLE = "random", "oracle"
REFERENCES = (RANDOM, ORACLE)
"""Their names, which no algorithm can have."""

_SPEEDS = np.linspace(-1, 1, 401, dtype=np.float32)
_TOLERANCE = 0.05  # beyond the half column that the drawn ball may be off, since the speeds above are steps apart


class RandomPlayer:
    """Draws fixation and task action uniformly.

    Args:
        env: The environment that is played, with actions in the format "dict".
        seed: What the draws follow from.
    """

    def __init__(self, env: GlimpseVectorEnv, seed: int = 0) -> None:
        self._task = env.task
        self._generator = np.random.default_rng(seed)

    def start(self, num_envs: int) -> None:
        """Remember the number of rows."""
        self._num_envs = num_envs

    def act(self, observation: Any) -> dict[str, NDArray[Any]]:
        """Draw actions."""
        fixation = self._generator.uniform(-1, 1, (self._num_envs, 2)).astype(np.float32)
        task_action = self._generator.integers(self._task.answer.size, size=self._num_envs)
        return {"fixation": fixation, self._task.answer.key: task_action}


class CatchOracle:
    """Sees the whole screen, keeps the speeds that agree with the ball so far, and goes to where they land on average.

    Args:
        env: Catch, with actions in the format "dict".
    """

    def __init__(self, env: GlimpseVectorEnv) -> None:
        self._env = env
        self._wall = env.scene.shape[2] - 1

    def start(self, num_envs: int) -> None:
        """Take every speed for possible."""
        self._step = 0
        self._start = self._ball().astype(np.float32)
        self._possible = np.ones((num_envs, len(_SPEEDS)), bool)

    def act(self, observation: Any) -> dict[str, NDArray[Any]]:
        """Move towards the landing."""
        agree = self._possible & (np.abs(self._place(self._step) - self._ball()[:, None]) <= 0.5 + _TOLERANCE)
        self._possible = np.where(agree.any(axis=1, keepdims=True), agree, self._possible)
        landing = (self._possible * self._place(self._wall)).sum(axis=1) / self._possible.sum(axis=1)
        paddle = self._env.scene[:, self._wall].argmax(axis=1)
        self._step += 1
        move = np.where(landing < paddle, 0, np.where(landing > paddle + PADDLE_WIDTH - 1, 2, 1))
        return {"fixation": np.zeros((len(move), 2), np.float32), "move": move}

    def _ball(self) -> NDArray[np.int64]:
        """Return the column that the ball is drawn in, int64 (B,)."""
        return self._env.scene[:, self._step].argmax(axis=1)

    def _place(self, step: int) -> NDArray[np.float32]:
        """Return where a ball of each speed would be after some steps, reflected at the walls: float32 (B, speeds)."""
        return self._wall - np.abs(self._wall - np.abs(self._start[:, None] + _SPEEDS * step))


def score_reference(name: str, problem: Problem, episodes: int, split: str) -> Score:
    """Let one of :data:`REFERENCES` play; who sees a whole picture is taken to know its class."""
    evaluator = Evaluator(problem, episodes, split)
    if name == RANDOM:
        return evaluator.score(RandomPlayer(evaluator.env))
    if isinstance(evaluator.env.task, Catch):
        evaluator.env.reset(seed=0)
        return evaluator.score(CatchOracle(evaluator.env))
    return Score(evaluator.episodes, evaluator.episodes)
