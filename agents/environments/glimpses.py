"""Environments with a glimpse sensor of ``ram_envs``: its tasks, and wrapped environments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from agents.environments.actions import ActionSpace
from agents.environments.adapter import Adapter, Choice, find_attribute
from agents.errors import SettingsError
from ram_envs.sensors.gaze import GazeControl
from ram_envs.tasks import EPISODE_RETURN


class GlimpseAdapter(Adapter):
    """Observations with "glimpse", "location" and senses; actions with "fixation" and the key of the answer."""

    def __init__(self, env: VectorEnv) -> None:
        task = find_attribute(env, "task")
        source = task if hasattr(task, "glimpse_sensor") else env
        sensor, answer = find_attribute(source, "glimpse_sensor"), find_attribute(source, "answer")
        actions, observations = env.single_action_space, env.single_observation_space
        if not isinstance(actions, spaces.Dict) or not isinstance(observations, spaces.Dict):
            raise SettingsError(
                "the RAM policy acts in environments with action_format='dict' and observation_format='dict': make the "
                "environment with these arguments"
            )
        self._key = answer.key
        self._gaze = find_attribute(source, "gaze_control") or GazeControl("absolute", None)
        self._actions = ActionSpace(actions[self._key])
        self.choices, self.numbers = self._actions.choices, self._actions.numbers
        self.answer_names = tuple(answer.names) if len(self.choices) == 1 and not self.numbers else ()
        self.glimpse_shape, self.gaze_size = sensor.glimpse_shape, sensor.gaze_size
        self.senses = {
            key: space.shape[0]  # type: ignore[index]
            for key, space in observations.spaces.items()
            if key not in ("glimpse", "location")
        }
        self.figure = getattr(source, "figure", EPISODE_RETURN)

    @classmethod
    def fits(cls, env: VectorEnv) -> bool:
        """Accept tasks, and environments that say which glimpse sensor they have."""
        return (
            hasattr(find_attribute(env, "task"), "glimpse_sensor") or find_attribute(env, "glimpse_sensor") is not None
        )

    def observe(self, observation: Any, num_rows: int) -> dict[str, NDArray[np.float32]]:
        """Return the observation as it is; see :meth:`Adapter.observe`."""
        return dict(observation)

    def successes(self, choice: Choice, info: Mapping[str, Any]) -> NDArray[np.bool_] | None:
        """Return "is_success" of the infos."""
        return info.get("final_info", info).get("is_success")

    def act(self, choice: Choice) -> Any:
        """Return a batch of actions; a relative move that is too long keeps its direction."""
        fixation = np.asarray(self._gaze.within(choice.fixation), np.float32)
        return {"fixation": fixation, self._key: self._actions.convert(choice.task_action)}
