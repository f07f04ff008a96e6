"""What the action and observation formats need to know: a task offers it, and so does a wrapped environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from gymnasium import spaces

from ram_envs.sensors import Sensor
from ram_envs.tasks import Answer


class Interface(Protocol):
    """What an agent sees and does: the sensor, further senses, and the answer."""

    @property
    def glimpse_sensor(self) -> Sensor:
        """The sensor that reads the glimpses."""

    @property
    def senses(self) -> Mapping[str, spaces.Box]:
        """The spaces of further senses by their key: float32, of shape (n,)."""

    @property
    def answer(self) -> Answer:
        """The part of an action that is not the gaze."""
