"""The arguments that both wrappers and the id "RAM-Glimpse-v0" share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ram_envs.arguments import check_choice, check_integer
from ram_envs.envs.actions import ACTION_FORMATS
from ram_envs.envs.observations import OBSERVATION_FORMATS
from ram_envs.errors import InvalidArgument

OBSERVATION, RENDER = "observation", "render"
"""Values of ``pixels`` that are not the key of an observation."""
ALL = "all"
"""The value of ``senses`` for every part of the observation that is a vector."""


@dataclass(frozen=True, kw_only=True)
class GlimpseSettings:
    """How a wrapped environment is seen.

    ## Arguments
    - ``patch_size`` (12): side of a patch as the agent receives it, in pixels.
    - ``num_scales`` (3): number of concentric patches, each twice as wide as the one before.
    - ``sensor`` ("retina"): the sensor: "retina", "zoom", the name of a registered one, or "module:Class".
    - ``gaze`` ("absolute"): how an action moves the gaze: "absolute" (the action is the next location) or "relative"
      (the action is a move of at most ``max_step``).
    - ``max_step`` (None): with relative gaze, the longest move; 1 is half the width of the frame. None for 0.2.
    - ``first_location`` ("random"): location of the first glimpse: "random" (uniform over the frame), "inside" (uniform
      over the locations whose finest patch is inside the frame), "center", or a pair (x, y) in [-1, 1].
    - ``pixels`` ("observation"): where the frames come from: "observation" (the image in the observation), "render"
      (``env.render()``), or the key of an image in a Dict observation.
    - ``layout`` (None): axes of the image, for shapes that have more than one reading: the letters H, W, C (color
      channels) and S (stacked frames, latest last) in their order, such as "SHW" or "CHW".
    - ``senses`` (()): keys of vector parts of the observation to pass on as flat float32 arrays, or "all".
    - ``action_format`` ("box"): "box", "dict", "multidiscrete" or "discrete".
    - ``observation_format`` ("dict"): "dict", "flat" or "image".
    - ``grid_size`` (5): cells per side of the grid of locations in the two discrete action formats.

    Raises:
        InvalidArgument: If an argument has a value that it cannot take.
    """

    patch_size: int = 12
    num_scales: int = 3
    sensor: str = "retina"
    gaze: str = "absolute"
    max_step: float | None = None
    first_location: str | Sequence[float] = "random"
    pixels: str = OBSERVATION
    layout: str | None = None
    senses: str | tuple[str, ...] = ()
    action_format: str = "box"
    observation_format: str = "dict"
    grid_size: int = 5

    def __post_init__(self) -> None:
        """Check what does not depend on the environment."""
        check_choice("action_format", self.action_format, ACTION_FORMATS)
        check_choice("observation_format", self.observation_format, OBSERVATION_FORMATS)
        check_integer("grid_size", self.grid_size, 1, 1024)
        if not isinstance(self.pixels, str):
            raise InvalidArgument(f"pixels={self.pixels!r} is not valid: expected 'observation', 'render' or a key")
        senses = (self.senses,) if isinstance(self.senses, str) else tuple(self.senses)
        if not all(isinstance(key, str) for key in senses):
            raise InvalidArgument(
                f"senses={self.senses!r} is not valid: expected 'all', or a list of keys such as ['direction']"
            )
        object.__setattr__(self, "senses", ALL if senses == (ALL,) else senses)

    def recorded(self) -> dict[str, Any]:
        """Return the arguments as a specification of the environment holds them, which JSON does not change."""
        return {**vars(self), "senses": self.senses if isinstance(self.senses, str) else list(self.senses)}
