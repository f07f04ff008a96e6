"""The active-perception environments of the package ap_gym (0.7): a glimpse that moves, and a class to predict.

An action is ``{"action": the move of the glimpse, "prediction": logits}``. After every step the environment hands out
the right class in ``info["prediction"]["target"]``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from agents.environments.actions import check_bounded, scaled
from agents.environments.adapter import Adapter, Choice, find_attribute
from agents.environments.flatten import flat_size, flatten_batch
from agents.errors import SettingsError
from ram_envs.tasks import SUCCESS_RATE


class ActivePerceptionAdapter(Adapter):
    """The glimpse, its position as the location, and the other parts of the observation as senses.

    The gaze is the move of the glimpse, and the task action is the predicted class.
    """

    figure = SUCCESS_RATE

    def __init__(self, env: VectorEnv) -> None:
        actions, observations = env.single_action_space, env.single_observation_space
        assert isinstance(actions, spaces.Dict)
        gaze, prediction = actions["action"], actions["prediction"]
        target = find_attribute(env, "single_prediction_target_space")
        if isinstance(target, spaces.Dict):  # the sparse variants
            target = target["target"]
        if not isinstance(target, spaces.Discrete):
            raise SettingsError(
                f"the environment asks to predict {target}, and the RAM policy can only predict one of several "
                "classes: choose one of ap_gym's classification environments, such as ap_gym:CircleSquare-v0"
            )
        parts = observations.spaces if isinstance(observations, spaces.Dict) else {}
        if not isinstance(gaze, spaces.Box) or not {"glimpse", "glimpse_pos"} <= parts.keys():
            raise SettingsError(
                f"the observation has the keys {', '.join(map(repr, parts)) or 'none'}: expected 'glimpse' and "
                "'glimpse_pos', as in ap_gym's image classification environments"
            )
        check_bounded(gaze)
        assert prediction.shape is not None
        self._gaze, self._parts = gaze, parts
        shape = parts["glimpse"].shape
        assert shape is not None
        rows, columns, channels = shape
        self.glimpse_shape = (1, channels, rows, columns)
        self.gaze_size = int(np.prod(gaze.shape))
        self.choices = prediction.shape
        self.senses = {key: flat_size(part) for key, part in parts.items() if key not in ("glimpse", "glimpse_pos")}

    @classmethod
    def fits(cls, env: VectorEnv) -> bool:
        """Accept environments whose actions consist of an action and a prediction."""
        space = env.single_action_space
        return isinstance(space, spaces.Dict) and set(space.spaces) == {"action", "prediction"}

    def observe(self, observation: Any, num_rows: int) -> dict[str, NDArray[np.float32]]:
        """Return glimpse, location and senses; see :meth:`Adapter.observe`."""
        glimpse = np.moveaxis(observation["glimpse"], -1, 1)  # (B, rows, columns, channels) -> (B, channels, ...)
        return {
            "glimpse": glimpse.reshape(num_rows, -1),
            "location": observation["glimpse_pos"],
            **{key: flatten_batch(self._parts[key], observation[key], num_rows) for key in self.senses},
        }

    def act(self, choice: Choice) -> dict[str, NDArray[Any]]:
        """Return moves and predictions: the logits, from which the environment computes its loss."""
        return {"action": scaled(choice.fixation, self._gaze), "prediction": choice.outputs}

    def right_answers(self, info: Mapping[str, Any]) -> NDArray[np.int64]:
        """Return the right classes of a step, int64 (B,)."""
        target = info["prediction"]["target"]
        return np.asarray(target["target"] if isinstance(target, Mapping) else target).astype(np.int64)
