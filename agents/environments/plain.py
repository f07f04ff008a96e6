"""Any other environment: the policy sees the whole observation at once, without a gaze."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from agents.environments.actions import ActionSpace
from agents.environments.adapter import Adapter, Choice
from agents.environments.flatten import flat_size, flatten_batch


class PlainAdapter(Adapter):
    """The flattened observation is the glimpse, and the whole action is the task action."""

    def __init__(self, env: VectorEnv) -> None:
        self._space = env.single_observation_space
        self._actions = ActionSpace(env.single_action_space)
        self.glimpse_shape = (1, 1, 1, flat_size(self._space))
        self.choices, self.numbers = self._actions.choices, self._actions.numbers

    @classmethod
    def fits(cls, env: VectorEnv) -> bool:
        """Accept every environment."""
        return True

    def observe(self, observation: Any, num_rows: int) -> dict[str, NDArray[np.float32]]:
        """Return "glimpse"; see :meth:`Adapter.observe`."""
        return {"glimpse": flatten_batch(self._space, observation, num_rows)}

    def act(self, choice: Choice) -> Any:
        """Return a batch of actions."""
        return self._actions.convert(choice.task_action)
