"""The location of the first glimpse of an episode."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from ram_envs.arguments import check_number
from ram_envs.arrays import Array, namespace
from ram_envs.errors import InvalidArgument, shown
from ram_envs.scenes.randomness import uniform

FIRST_LOCATIONS = ("random", "inside", "center")


def check_first_location(value: Any, gaze_size: int) -> str | tuple[float, ...]:
    """Return the setting ``first_location``: a name as it is, numbers as a tuple of floats.

    Args:
        value: "random", "inside", "center", or 2 to ``gaze_size`` numbers in [-1, 1], (x, y) first.
        gaze_size: Number of values in a location of the sensor.

    Raises:
        InvalidArgument: If it is none of these.
    """
    if isinstance(value, str) and value in FIRST_LOCATIONS:
        return value
    try:
        if isinstance(value, str):
            raise TypeError
        place = tuple(check_number("first_location", number, -1, 1) for number in value)
        if not 2 <= len(place) <= gaze_size:
            raise ValueError
    except (TypeError, ValueError):
        numbers = "a pair (x, y)" if gaze_size == 2 else f"2 to {gaze_size} numbers (x, y, ...)"
        raise InvalidArgument(
            f"first_location={shown(value)} is not valid: expected 'random', 'inside', 'center' or {numbers} in [-1, 1]"
        ) from None
    return place


def first_locations(setting: str | Sequence[float], words: Array, height: int, width: int, patch_size: int) -> Array:
    """Convert random words to first locations.

    Args:
        setting: A result of :func:`check_first_location`.
        words: int64 (B, gaze_size), one random word per value of a location.
        height: Rows of the scene, in pixels.
        width: Columns of the scene, in pixels.
        patch_size: Side of the finest patch, in pixels.

    Returns:
        float32 (B, gaze_size) in [-1, 1]. Values after (x, y) are random for "random", -1 for "inside", and otherwise 0
        unless ``setting`` gives them.
    """
    xp = namespace(words)
    if setting in ("random", "inside"):
        location = xp.astype(uniform(words) * 2 - 1, xp.float32)
        if setting == "inside":
            location[:, 0] *= max(0.0, 1 - patch_size / width)
            location[:, 1] *= max(0.0, 1 - patch_size / height)
            location[:, 2:] = -1.0
        return location
    place = (0.0, 0.0) if setting == "center" else cast("tuple[float, ...]", setting)
    location = xp.zeros(words.shape, dtype=xp.float32, device=words.device)
    for number, value in enumerate(place):
        location[:, number] += value
    return location


def for_kernels(setting: str | Sequence[float], height: int, width: int, patch_size: int, gaze_size: int) -> np.ndarray:
    """Return the rule of :func:`first_locations` as numbers for ``kernels.py``.

    Returns:
        float32 (2, gaze_size). The first row multiplies a uniform number in [-1, 1); -1 stands for a value that is not
        random, which is in the second row.
    """
    rule = np.full((2, gaze_size), -1, np.float32)
    if setting == "random":
        rule[0] = 1
    elif setting == "inside":
        rule[0, :2] = max(0.0, 1 - patch_size / width), max(0.0, 1 - patch_size / height)
    else:
        rule[1] = 0
        place = (0.0, 0.0) if setting == "center" else cast("tuple[float, ...]", setting)
        rule[1, : len(place)] += np.array(place, np.float32)
    return rule
