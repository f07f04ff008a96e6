"""What a task is: its settings and its rules, as pure functions on batches of rows.

A task holds no episode. Its state is a NamedTuple of arrays, one row an episode, on NumPy or torch; the interfaces in
``ram_envs.envs`` own such states and give them to the rules. Whatever is random happens in :meth:`Task.initial`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, NamedTuple, cast

from ram_envs.arguments import check_number
from ram_envs.arrays import Array, namespace
from ram_envs.scenes.randomness import uniform
from ram_envs.sensor import GlimpseSensor

FIRST_LOCATIONS = ("random", "inside", "center")


class Observation(NamedTuple):
    """What the agent gets to know.

    Attributes:
        glimpse: float32 (B, k*C*g*g) in [0, 1], in the order (scale, channel, row, column), finest scale first.
        location: float32 (B, 2), where it was taken, (x, y) in [-1, 1].
    """

    glimpse: Array
    location: Array


@dataclass(frozen=True, kw_only=True)
class Task(ABC):
    """Settings that every task has, and the rules that it must give.

    Attributes:
        patch_size: Side of a patch as the agent receives it, in pixels.
        num_scales: Number of concentric patches, each twice as wide as the one before.
        first_location: Where the first glimpse is taken: "random" (uniform over the scene, so that the patches may lie
            partly outside), "inside" (uniform over the places where the finest patch lies inside), "center", or a pair
            (x, y) in [-1, 1].
    """

    patch_size: int
    num_scales: int
    first_location: str | Sequence[float] = "random"

    action_key: ClassVar[str]
    """What the task action is called in a dictionary action: "move" or "label"."""

    def __post_init__(self) -> None:
        """Check the settings; subclasses check their own, then call this."""
        if not isinstance(self.first_location, str) or self.first_location not in FIRST_LOCATIONS:
            try:
                x, y = (check_number("first_location", value, -1, 1) for value in self.first_location)
            except (TypeError, ValueError):
                raise ValueError(
                    f"first_location={self.first_location!r} is not valid: expected 'random', 'inside', 'center' or "
                    "a pair (x, y) in [-1, 1]"
                ) from None
            object.__setattr__(self, "first_location", (x, y))
        _ = self.sensor  # which checks patch_size and num_scales

    @cached_property
    def sensor(self) -> GlimpseSensor:
        """The sensor through which this task is seen."""
        height, width, channels = self.scene_shape
        return GlimpseSensor(height, width, self.patch_size, self.num_scales, channels)

    @property
    @abstractmethod
    def scene_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of the scene."""

    @property
    @abstractmethod
    def num_actions(self) -> int:
        """Number of task actions: moves or labels, and "look on" where stopping is learned."""

    @property
    @abstractmethod
    def max_episode_steps(self) -> int:
        """The most steps that an episode takes."""

    @property
    def reward_range(self) -> tuple[float, float]:
        """The least and the greatest reward of one step."""
        return 0.0, 1.0

    @abstractmethod
    def initial(self, seed: Array, episode: Array, image_index: Array | None = None) -> Any:
        """Start episodes.

        Args:
            seed: int64 (B,), the seed of each row.
            episode: int64 (B,), the number of the row's episode, 0 first.
            image_index: int64 (B,) or None; the images to show, for tasks that show images, in place of random ones.

        Returns:
            The state: a NamedTuple of arrays whose first axis is B, with at least ``location`` (float32 (B, 2)) and
            ``step`` (int64 (B,)).
        """

    @abstractmethod
    def transition(self, state: Any, fixation: Array, task_action: Array) -> Any:
        """Return the state one step later; the old one stays as it was.

        Args:
            state: The state, of B rows.
            fixation: float32 (B, 2), where to look next, (x, y) in [-1, 1].
            task_action: int64 (B,) in [0, num_actions).
        """

    @abstractmethod
    def observation(self, state: Any) -> Observation:
        """Return what the agent gets to know of a state."""

    @abstractmethod
    def reward(self, state: Any) -> Array:
        """Return what the step that led to this state pays: float32 (B,)."""

    @abstractmethod
    def terminal(self, state: Any) -> Array:
        """Tell which episodes have ended: bool (B,)."""

    @abstractmethod
    def scene(self, state: Any) -> Array:
        """Return the hidden pictures: uint8 (B, C, H, W)."""

    @abstractmethod
    def info(self, state: Any) -> dict[str, Array]:
        """Return what an evaluator may know and a policy must not: arrays of one axis, (B,)."""

    @abstractmethod
    def caption(self, state: Any, row: int) -> str:
        """Return one line for people on where this row's episode stands."""

    def first_fixation(self, words: Array) -> Array:
        """Turn two random words a row, int64 (B, 2), into the first locations, float32 (B, 2)."""
        xp = namespace(words)
        if self.first_location in ("random", "inside"):
            location = xp.astype(uniform(words) * 2 - 1, xp.float32)
            if self.first_location == "inside":
                height, width, _ = self.scene_shape
                location[:, 0] *= max(0.0, 1 - self.patch_size / width)
                location[:, 1] *= max(0.0, 1 - self.patch_size / height)
            return location
        x, y = (0.0, 0.0) if self.first_location == "center" else cast("tuple[float, float]", self.first_location)
        location = xp.zeros(words.shape, dtype=xp.float32, device=words.device)
        location[:, 0] += x
        location[:, 1] += y
        return location
