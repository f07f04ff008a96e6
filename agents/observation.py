"""The observations that an agent is given by hand: checked, and brought into the shape of a batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.errors import SettingsError
from agents.ram.settings import RAMSettings

REMEDY = "make the environment with agent.make_env()"
RANGES = {"glimpse": (0.0, 1.0), "location": (-1.0, 1.0)}
"""The keys that every observation has, and the range of each."""


_LARGEST = float(np.finfo(np.float32).max)


class Batch(NamedTuple):
    """Observations of B environments.

    Attributes:
        arrays: "glimpse" float32 (B, glimpse_size) in [0, 1], "location" float32 (B, gaze_size) in [-1, 1], and each
            further sense of the policy, float32 (B, n).
        single: Whether it was the observation of one environment, without the axis B.
    """

    arrays: dict[str, NDArray[np.float32]]
    single: bool

    @property
    def num_rows(self) -> int:
        """B."""
        return len(self.arrays["location"])


def read_observation(observation: Any, settings: RAMSettings) -> Batch:
    """Check the observation of one environment or of a batch.

    Args:
        observation: A dictionary with "glimpse", (glimpse_size,) or (B, glimpse_size), and "location", (gaze_size,) or
            (B, gaze_size): float arrays in the ranges of ``RANGES``; and the policy's further senses, (n,) or (B, n),
            finite float arrays. Other keys are ignored.
        settings: The settings of the policy that acts on it.

    Raises:
        SettingsError: If it is something else, or of another sensor than the policy's.
    """
    if not isinstance(observation, Mapping):
        raise SettingsError(
            f"observation of type {type(observation).__name__} is not valid: expected a dictionary with 'glimpse' and "
            f"'location', as with observation_format='dict'; {REMEDY}"
        )
    if missing := [key for key in (*RANGES, *settings.senses) if key not in observation]:
        raise SettingsError(
            f"observation has the keys {', '.join(map(repr, observation)) or 'none'}: {', '.join(map(repr, missing))} "
            f"is missing; {REMEDY}"
        )
    levels, channels, rows, columns = settings.glimpse_shape
    sensor = f"{levels} levels x {channels} channels x {rows} x {columns} of the sensor it was trained with"
    glimpse = _read("glimpse", observation["glimpse"], settings.glimpse_size, sensor)
    coordinates = "(x, y)" if settings.gaze_size == 2 else f"{settings.gaze_size} numbers, (x, y, ...)"
    location = _read("location", observation["location"], settings.gaze_size, coordinates)
    arrays = {"glimpse": glimpse, "location": location}
    for key, size in settings.senses.items():
        arrays[key] = _read(key, observation[key], size, "the numbers of that sense")
    for key, array in arrays.items():
        if array.shape[:-1] != location.shape[:-1]:
            raise SettingsError(
                f"observation[{key!r}] has the shape {array.shape} and observation['location'] {location.shape}: "
                "expected both with the same rows"
            )
    single = location.ndim == 1
    return Batch({key: array[None] for key, array in arrays.items()} if single else arrays, single)


def _read(key: str, value: Any, size: int, meaning: str) -> NDArray[np.float32]:
    """Check one array of an observation: float32 (size,) or (B, size)."""
    name, (low, high) = f"observation[{key!r}]", RANGES.get(key, (-_LARGEST, _LARGEST))
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise SettingsError(f"{name} is not an array ({error}): expected float32") from None
    if array.dtype.kind != "f":
        hint = "; divide uint8 pixels by 255" if key == "glimpse" else ""
        raise SettingsError(f"{name} is {array.dtype}: expected float32 in [{low:g}, {high:g}]{hint}")
    if array.ndim not in (1, 2) or array.shape[-1] != size or not len(array):
        raise SettingsError(
            f"{name} has the shape {array.shape}, but this agent needs ({size},) or (B, {size}), {meaning}: {REMEDY}"
        )
    if not (array.min() >= low and array.max() <= high):  # also if there are NaN
        raise SettingsError(
            f"{name} ranges from {array.min():g} to {array.max():g}: expected numbers in [{low:g}, {high:g}]"
        )
    return array.astype(np.float32, copy=False)
