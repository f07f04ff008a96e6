"""Gaze control: translates the gaze part of an action to the next location, or follows a script instead."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ram_envs.arguments import check_choice, check_number
from ram_envs.arrays import Array, clip, namespace
from ram_envs.errors import InvalidArgument

GAZES = ("absolute", "relative")
SCRIPTS = ("center", "raster", "object")
"""Gazes that no action moves: baselines for a learned gaze."""
DEFAULT_MAX_STEP = 0.2


class GazeControl:
    """Translates the gaze part of an action to the next location.

    "absolute": the action is the next location itself, as in Mnih et al. 2014.

    "relative": the action is a bounded move, as for a camera. A move (dx, dy) is cut to length 1 if it is longer, then
    multiplied by ``max_step`` and added to the location. Further values, such as the zoom, are clipped to [-1, 1] and
    multiplied by ``max_step``. The location stays within [-1, 1].

    "center", "raster", "object": a script chooses the location, and the gaze part of an action has no effect; see
    :meth:`ram_envs.tasks.Task.scripted_location`.

    Args:
        gaze: "absolute", "relative" or the name of a script.
        max_step: With "relative", the maximum length of a move; 1 is half the width (or height) of the scene. None for
            0.2.

    Raises:
        InvalidArgument: If an argument is not valid, or ``max_step`` is given without ``gaze="relative"``.
    """

    def __init__(self, gaze: str, max_step: float | None) -> None:
        self.gaze = check_choice("gaze", gaze, (*GAZES, *SCRIPTS))
        if max_step is not None and not self.relative:
            raise InvalidArgument(f"max_step={max_step} has no effect with gaze={gaze!r}: pass gaze='relative'")
        self.max_step = DEFAULT_MAX_STEP if max_step is None else check_number("max_step", max_step, 1e-3, 2)

    @property
    def relative(self) -> bool:
        """Whether actions are moves."""
        return self.gaze == "relative"

    @property
    def scripted(self) -> bool:
        """Whether a script chooses the locations."""
        return self.gaze in SCRIPTS

    def move(self, location: Array, action: Array) -> Array:
        """Return the next locations.

        Args:
            location: float32 (B, gaze_size) in [-1, 1], the current locations.
            action: float32 (B, gaze_size), finite. Absolute actions are clipped to [-1, 1]. Relative moves are cut to
                length 1, which keeps their direction.

        Returns:
            float32 (B, gaze_size) in [-1, 1].
        """
        if not self.relative:
            return self.within(action)
        moved = namespace(action).astype(self.within(action) * self.max_step, location.dtype)
        return clip(location + moved, -1.0, 1.0)

    def towards(self, location: Array, target: Array) -> Array:
        """Return the actions that move to other locations, or as far towards them as one move goes.

        Args:
            location: float32 (B, gaze_size) in [-1, 1], the current locations.
            target: float32 (B, gaze_size) in [-1, 1].

        Returns:
            Actions, float32 (B, gaze_size) in [-1, 1].
        """
        if not self.relative:
            return target
        moves = (target - location) / self.max_step
        return namespace(target).astype(self.within(moves), location.dtype)

    def within(self, action: Array) -> Array:
        """Return equivalent actions within the action space: float (B, gaze_size) in [-1, 1]."""
        if not self.relative:
            return clip(action, -1.0, 1.0)
        xp = namespace(action)
        # In float64, where the square of any float32 is finite.
        wanted = clip(xp.astype(action, xp.float64), -1e30, 1e30)
        x, y, others = wanted[:, 0], wanted[:, 1], clip(wanted[:, 2:], -1.0, 1.0)
        length = clip(xp.sqrt(x * x + y * y), 1.0, 1e31)[:, None]
        return xp.concat([wanted[:, :2] / length, others], axis=1)


def raster(count: int) -> NDArray[np.float32]:
    """Return locations in reading order that divide the scene evenly: float32 (count, 2), (x, y) in [-1, 1].

    They are the centers of the first ``count`` cells of a grid with ``floor(sqrt(count))`` rows and as few columns as
    possible: 2x3 cells for 6 locations, 2x4 for 8.
    """
    rows = math.isqrt(count)
    columns = math.ceil(count / rows)
    row, column = np.divmod(np.arange(count), columns)
    return np.stack([(2 * column + 1) / columns - 1, (2 * row + 1) / rows - 1], axis=1).astype(np.float32)
