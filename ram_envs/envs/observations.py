"""Observation formats."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces

from ram_envs.arguments import check_choice
from ram_envs.arrays import namespace
from ram_envs.tasks import Observation, Task

OBSERVATION_FORMATS = ("dict", "flat", "image")


class ObservationFormat:
    """Writes observations in one of three formats.

    - "dict": ``{"glimpse": float32 (glimpse_size,) in [0, 1], "location": float32 (gaze_size,) in [-1, 1]}``.
    - "flat": one float32 array, the glimpse followed by the location.
    - "image": as "dict", with the glimpse as float32 (levels * channels, rows, columns), for convolutional policies.

    Args:
        name: "dict", "flat" or "image".
        task: The task.

    Attributes:
        space: The space of one observation.

    Raises:
        InvalidArgument: If there is no such format.
    """

    def __init__(self, name: str, task: Task[Any]) -> None:
        self.name = check_choice("observation_format", name, OBSERVATION_FORMATS)
        sensor = task.glimpse_sensor
        levels, channels, rows, columns = sensor.glimpse_shape
        self._image_shape = (levels * channels, rows, columns)
        glimpse = spaces.Box(0.0, 1.0, self._image_shape if name == "image" else (sensor.glimpse_size,), np.float32)
        location = spaces.Box(-1.0, 1.0, (sensor.gaze_size,), np.float32)
        self.space: spaces.Space[Any] = spaces.Dict({"glimpse": glimpse, "location": location})
        if name == "flat":
            low, high = np.append(glimpse.low, location.low), np.append(glimpse.high, location.high)
            self.space = spaces.Box(low, high, dtype=np.float32)

    def write(self, observation: Observation) -> Any:
        """Return a batch of observations in this format."""
        if self.name == "flat":
            return namespace(observation.glimpse).concat(observation, axis=1)
        glimpse = observation.glimpse
        if self.name == "image":
            glimpse = namespace(glimpse).reshape(glimpse, (glimpse.shape[0], *self._image_shape))
        return {"glimpse": glimpse, "location": observation.location}


def take_row(observations: Any, row: int) -> Any:
    """Return one row of a batch of observations in any format."""
    if isinstance(observations, dict):
        return {key: value[row] for key, value in observations.items()}
    return observations[row]
