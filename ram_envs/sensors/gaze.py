"""Gaze control: how an action moves the gaze."""

from __future__ import annotations

from ram_envs.arguments import check_choice, check_number
from ram_envs.arrays import Array, clip, namespace
from ram_envs.errors import InvalidArgument

GAZES = ("absolute", "relative")
DEFAULT_MAX_STEP = 0.2


class GazeControl:
    """Turns the gaze part of an action into the next location.

    "absolute": the action is the next location itself, as in Mnih et al. 2014. "relative": the action is a move, as of
    a camera: (dx, dy) of length 1 or more moves the gaze by ``max_step`` in its direction, a shorter one by that share
    of ``max_step``. Further numbers, such as the zoom, move by ``max_step`` times their value in [-1, 1]. The gaze
    stays within [-1, 1].

    Args:
        gaze: "absolute" or "relative".
        max_step: With "relative", the longest move, where 1 is half the width (or height) of the scene; None for 0.2.

    Raises:
        InvalidArgument: If an argument is not valid, or ``max_step`` is given with ``gaze="absolute"``.
    """

    def __init__(self, gaze: str, max_step: float | None) -> None:
        self.gaze = check_choice("gaze", gaze, GAZES)
        if max_step is not None and gaze == "absolute":
            raise InvalidArgument(f"max_step={max_step} has no effect with gaze='absolute': pass gaze='relative'")
        self.max_step = DEFAULT_MAX_STEP if max_step is None else check_number("max_step", max_step, 1e-3, 2)

    @property
    def relative(self) -> bool:
        """Whether actions are moves."""
        return self.gaze == "relative"

    def move(self, location: Array, action: Array) -> Array:
        """Return the next locations.

        Args:
            location: float32 (B, gaze_size) in [-1, 1], where the gaze is.
            action: float32 (B, gaze_size), finite; values outside [-1, 1] are clipped (the length of a relative move is
                cut first, so its direction is kept).

        Returns:
            float32 (B, gaze_size) in [-1, 1].
        """
        if not self.relative:
            return self.within(action)
        moved = namespace(action).astype(self.within(action) * self.max_step, location.dtype)
        return clip(location + moved, -1.0, 1.0)

    def within(self, action: Array) -> Array:
        """Return actions of the same meaning within the action space: float (B, gaze_size) in [-1, 1]."""
        if not self.relative:
            return clip(action, -1.0, 1.0)
        xp = namespace(action)
        # In float64, where the square of any float32 is finite.
        wanted = clip(xp.astype(action, xp.float64), -1e30, 1e30)
        x, y, others = wanted[:, 0], wanted[:, 1], clip(wanted[:, 2:], -1.0, 1.0)
        length = clip(xp.sqrt(x * x + y * y), 1.0, 1e31)[:, None]
        return xp.concat([wanted[:, :2] / length, others], axis=1)
