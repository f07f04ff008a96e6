"""Players that learn nothing: at random, or with the state of the task before their eyes. They need no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from gymnasium.spaces import Box
from numpy.typing import NDArray

if TYPE_CHECKING:
    from gymnasium.vector import VectorEnv

    from ram_envs.envs.vector import GlimpseVectorEnv
    from ram_envs.tasks import Oracle, Task


class RandomPlayer:
    """Draws gaze and answer uniformly, in an environment with dictionary actions on NumPy.

    Args:
        task: The task that is played.
        seed: Random seed.
    """

    def __init__(self, task: Task[Any], seed: int = 0) -> None:
        self._answer, self._gaze_size = task.answer, task.glimpse_sensor.gaze_size
        self._generator = np.random.default_rng(seed)

    def start(self, num_envs: int) -> None:
        """Remember the number of rows."""
        self._num_envs = num_envs

    def act(self, observation: Any) -> dict[str, NDArray[Any]]:
        """Draw actions."""
        fixation = self._generator.uniform(-1, 1, (self._num_envs, self._gaze_size)).astype(np.float32)
        return {"fixation": fixation, self._answer.key: self._draw_answer()}

    def _draw_answer(self) -> NDArray[Any]:
        space = self._answer.space
        if isinstance(space, Box):
            return self._generator.uniform(space.low, space.high, (self._num_envs, *space.shape)).astype(np.float32)
        return self._generator.integers(self._answer.size, size=self._num_envs)


class OraclePlayer:
    """Lets a task's oracle, which sees the state, give the answers, and looks straight ahead.

    Args:
        env: The vector environment that is played, with dictionary actions.
        oracle: The oracle of its task.
    """

    def __init__(self, env: GlimpseVectorEnv, oracle: Oracle) -> None:
        self._env, self._oracle = env, oracle

    def start(self, num_envs: int) -> None:
        """Start the oracle."""
        self._gaze = np.zeros((num_envs, self._env.task.glimpse_sensor.gaze_size), np.float32)
        self._oracle.start(num_envs)

    def act(self, observation: Any) -> dict[str, NDArray[Any]]:
        """Return the oracle's answers."""
        return {"fixation": self._gaze, self._env.task.answer.key: np.asarray(self._oracle.answer(self._env.state))}


class SamplingPlayer:
    """Draws actions from the action space of any vector environment.

    Args:
        env: The vector environment.
        seed: Random seed.
    """

    def __init__(self, env: VectorEnv, seed: int = 0) -> None:
        self._actions = env.action_space
        self._actions.seed(seed)

    def start(self, num_envs: int) -> None:
        """Do nothing: it has no memory."""

    def act(self, observation: Any) -> Any:
        """Draw the actions of all rows."""
        return self._actions.sample()
