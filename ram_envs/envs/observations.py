"""Observation formats."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces

from ram_envs.arguments import check_choice
from ram_envs.arrays import namespace
from ram_envs.envs.interface import Interface
from ram_envs.errors import InvalidArgument
from ram_envs.tasks import Observation

OBSERVATION_FORMATS = ("dict", "flat", "image")


class ObservationFormat:
    """Writes observations in one of three formats.

    - "dict": ``{"glimpse": float32 (glimpse_size,) in [0, 1], "location": float32 (gaze_size,) in [-1, 1]}``.
      Further senses have further keys: float32 (n,).
    - "flat": one float32 array: the glimpse, the location, then the further senses.
    - "image": as "dict", with the glimpse as float32 (levels * channels, rows, columns), for convolutional policies.

    Args:
        name: "dict", "flat" or "image".
        interface: The task, or whatever else has a sensor and senses.

    Attributes:
        space: The space of one observation.

    Raises:
        InvalidArgument: If there is no such format.
    """

    def __init__(self, name: str, interface: Interface) -> None:
        self.name = check_choice("observation_format", name, OBSERVATION_FORMATS)
        sensor = interface.glimpse_sensor
        levels, channels, rows, columns = sensor.glimpse_shape
        self._image_shape = (levels * channels, rows, columns)
        glimpse = spaces.Box(0.0, 1.0, self._image_shape if name == "image" else (sensor.glimpse_size,), np.float32)
        location = spaces.Box(-1.0, 1.0, (sensor.gaze_size,), np.float32)
        parts = {"glimpse": glimpse, "location": location, **_checked(interface)}
        # A list of pairs keeps its order; Dict would sort a dictionary by key.
        self.space: spaces.Space[Any] = spaces.Dict(list(parts.items()))
        if name == "flat":
            low, high = (np.concatenate([getattr(box, end) for box in parts.values()]) for end in ("low", "high"))
            self.space = spaces.Box(low, high, dtype=np.float32)

    def write(self, observation: Observation) -> Any:
        """Return a batch of observations in this format."""
        if self.name == "flat":
            glimpse, location, senses = observation
            return namespace(glimpse).concat([glimpse, location, *senses.values()], axis=1)
        glimpse = observation.glimpse
        if self.name == "image":
            glimpse = namespace(glimpse).reshape(glimpse, (glimpse.shape[0], *self._image_shape))
        return {"glimpse": glimpse, "location": observation.location, **observation.senses}


def _checked(interface: Interface) -> dict[str, spaces.Box]:
    """Return the spaces of the senses, if they are flat boxes under keys of their own.

    Raises:
        InvalidArgument: If they are not.
    """
    for key, space in interface.senses.items():
        if key in ("glimpse", "location", "fixation", interface.answer.key):
            raise InvalidArgument(f"the sense {key!r} has a key that is taken: choose another one")
        if not isinstance(space, spaces.Box) or len(space.shape) != 1 or space.dtype != np.float32:
            raise InvalidArgument(f"the sense {key!r} has the space {space}: expected a float32 Box of shape (n,)")
    return dict(interface.senses)


def take_row(observations: Any, row: int) -> Any:
    """Return one row of a batch of observations in any format."""
    if isinstance(observations, dict):
        return {key: value[row] for key, value in observations.items()}
    return observations[row]
