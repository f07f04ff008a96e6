"""The task interface: settings, and rules as pure functions on batches of rows.

A task holds no episode. Its state is a NamedTuple of arrays, one row per episode, on NumPy or torch. The environments
in ``ram_envs.envs`` own such states and pass them to the rules. All randomness happens in :meth:`Task.initial`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Generic, NamedTuple, Protocol, TypeVar, cast

from ram_envs.arguments import check_number
from ram_envs.arrays import Array, namespace
from ram_envs.errors import InvalidArgument
from ram_envs.scenes.randomness import uniform
from ram_envs.sensors import Sensor, make_sensor
from ram_envs.sensors.gaze import GazeControl
from ram_envs.tasks.answer import Answer
from ram_envs.tasks.figure import SUCCESS_RATE, FigureOfMerit

FIRST_LOCATIONS = ("random", "inside", "center")


class Observation(NamedTuple):
    """What the agent observes.

    Attributes:
        glimpse: float32 (B, glimpse_size) in [0, 1], in the order (level, channel, row, column), finest level first.
        location: float32 (B, gaze_size) in [-1, 1], where it was taken; (x, y) first.
    """

    glimpse: Array
    location: Array


class State(Protocol):
    """What every state has; its other arrays are the task's own. Every first axis is the row."""

    @property
    def step(self) -> Array:
        """int64 (B,), steps taken in this episode."""

    @property
    def location(self) -> Array:
        """float32 (B, gaze_size) in [-1, 1], where the sensor looks."""


StateT = TypeVar("StateT", bound=State)


class Oracle(Protocol):
    """A player that sees the hidden state; it gives the upper end of a task's scale."""

    def start(self, num_rows: int) -> None:
        """Forget everything: new episodes begin in all rows."""

    def answer(self, state: Any) -> Array:
        """Return the best answer of each row, int64 (B,)."""


@dataclass(frozen=True, kw_only=True)
class Task(ABC, Generic[StateT]):
    """The settings that every task has, and the rules that it must give.

    Derive a frozen, keyword-only dataclass from it. Its fields are the arguments of ``gymnasium.make``; check them in
    ``__post_init__``, then call ``super().__post_init__()``. :class:`ram_envs.tasks.Catch` is the shortest example.

    ## Arguments
    - ``patch_size``: side of a patch as the agent receives it, in pixels.
    - ``num_scales``: number of concentric patches, each twice as wide as the one before.
    - ``first_location`` ("random"): where the first glimpse is taken: "random" (uniform over the scene, so patches may
      lie partly outside), "inside" (uniform over the places where the finest patch lies inside the scene), "center", or
      a pair (x, y) in [-1, 1].
    - ``sensor`` ("retina"): the sensor: "retina", "zoom", the name of a registered one, or "module:Class".
    - ``gaze`` ("absolute"): how an action moves the gaze: "absolute" (the action is the next location) or "relative"
      (the action is a move of at most ``max_step``).
    - ``max_step`` (None): with relative gaze, the longest move; 1 is half the width of the scene. None for 0.2.
    """

    patch_size: int
    num_scales: int
    first_location: str | Sequence[float] = "random"
    sensor: str = "retina"
    gaze: str = "absolute"
    max_step: float | None = None

    def __post_init__(self) -> None:
        """Check the settings; subclasses check their own, then call this."""
        _ = self.gaze_control  # which checks gaze and max_step
        gaze_size = self.glimpse_sensor.gaze_size  # which checks sensor, patch_size and num_scales
        if isinstance(self.first_location, str) and self.first_location in FIRST_LOCATIONS:
            return
        try:
            if isinstance(self.first_location, str):
                raise TypeError
            place = tuple(check_number("first_location", value, -1, 1) for value in self.first_location)
            if not 2 <= len(place) <= gaze_size:
                raise ValueError
        except (TypeError, ValueError):
            numbers = "a pair (x, y)" if gaze_size == 2 else f"2 to {gaze_size} numbers (x, y, ...)"
            raise InvalidArgument(
                f"first_location={self.first_location!r} is not valid: expected 'random', 'inside', 'center' or "
                f"{numbers} in [-1, 1]"
            ) from None
        object.__setattr__(self, "first_location", place)

    @cached_property
    def glimpse_sensor(self) -> Sensor:
        """The sensor through which this task is seen."""
        height, width, channels = self.scene_shape
        return make_sensor(self.sensor, height, width, channels, self.patch_size, self.num_scales)

    @cached_property
    def gaze_control(self) -> GazeControl:
        """How an action moves the gaze."""
        return GazeControl(self.gaze, self.max_step)

    # What the task is.

    answer_key: ClassVar[str | None] = None
    """``answer.key``, for tasks that need data to be constructed: an agent acts without the images it learned from."""

    @property
    @abstractmethod
    def scene_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of the scene."""

    @property
    @abstractmethod
    def answer(self) -> Answer:
        """What the agent says besides where it looks: its key, space and names."""

    @property
    @abstractmethod
    def max_episode_steps(self) -> int:
        """The most steps that an episode takes."""

    @property
    def reward_range(self) -> tuple[float, float]:
        """The least and the greatest reward of one step."""
        return 0.0, 1.0

    @property
    def figure(self) -> FigureOfMerit:
        """The figure of merit. The default is the share of episodes whose info says ``is_success``."""
        return SUCCESS_RATE

    @property
    def num_images(self) -> int | None:
        """The number of images that ``reset(options={"image_index": i})`` chooses from; None if it shows no images."""
        return None

    @property
    def supervised(self) -> bool:
        """Whether the answer can be learned from :meth:`target` (and only the gaze by reinforcement learning)."""
        return type(self).target is not Task.target

    @classmethod
    def summary(cls, settings: Mapping[str, Any]) -> str:
        """Describe an environment in one line, from the settings that it was registered with, without loading data."""
        return next(iter((cls.__doc__ or cls.__name__).strip().splitlines()))

    @classmethod
    def portable(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return settings as they are stored with an agent: plain values that mean the same in another folder.

        Args:
            settings: Arguments of this task, as a user gave them.
        """
        return dict(settings)

    # The rules.

    @abstractmethod
    def initial(self, seed: Array, episode: Array) -> StateT:
        """Start episodes. Everything random follows from the two arguments.

        A task that shows images takes a third argument, ``image_index``: int64 (B,) in [0, num_images), the images to
        show, or None for random ones.

        Args:
            seed: int64 (B,), the random seed of each row.
            episode: int64 (B,), the number of the row's episode, 0 first.

        Returns:
            The state: a NamedTuple of arrays whose first axis is B, with at least ``step`` and ``location``.
        """

    @abstractmethod
    def transition(self, state: StateT, location: Array, answer: Array) -> StateT:
        """Return the state one step later; the old one stays as it was.

        Args:
            state: The state, of B rows.
            location: float32 (B, gaze_size) in [-1, 1], where to look next.
            answer: int64 (B,) in [0, n), or float32 (B, n) if the answer's space is a Box.
        """

    @abstractmethod
    def observation(self, state: StateT) -> Observation:
        """Return what the agent observes in a state."""

    @abstractmethod
    def reward(self, state: StateT) -> Array:
        """Return the reward of the step that led to this state: float32 (B,)."""

    @abstractmethod
    def terminal(self, state: StateT) -> Array:
        """Return which episodes have ended: bool (B,)."""

    @abstractmethod
    def scene(self, state: StateT) -> Array:
        """Return the hidden scenes: uint8 (B, C, H, W)."""

    def answer_counts(self, state: StateT) -> Array:
        """Return whether the answer of the next action counts: bool (B,). By default it always does."""
        return state.step >= 0

    def target(self, state: StateT) -> Array | None:
        """Return the right answer at present, as :meth:`transition` takes it; None if there is none, as in a game."""
        return None

    def info(self, state: StateT) -> dict[str, Array]:
        """Return what an evaluator may know and a policy must not: arrays of one axis, (B,).

        ``is_success``, bool, is needed if the figure of merit counts successes.
        """
        return {}

    def caption(self, state: StateT, row: int) -> str:
        """Return one line for people about this row's episode."""
        return f"step {int(state.step[row])}/{self.max_episode_steps}"

    def oracle(self) -> Oracle | None:
        """Return a player that sees the state; by default one that answers :meth:`target`, None without a target."""
        return TargetOracle(self) if type(self).target is not Task.target else None

    # What the rules are built from.

    def first_fixation(self, words: Array) -> Array:
        """Turn random words into the first locations.

        Args:
            words: int64 (B, gaze_size), a random word for each number of a location.

        Returns:
            float32 (B, gaze_size). "inside" has -1 for the numbers after (x, y), the others 0 unless they are random.
        """
        xp = namespace(words)
        if self.first_location in ("random", "inside"):
            location = xp.astype(uniform(words) * 2 - 1, xp.float32)
            if self.first_location == "inside":
                height, width, _ = self.scene_shape
                location[:, 0] *= max(0.0, 1 - self.patch_size / width)
                location[:, 1] *= max(0.0, 1 - self.patch_size / height)
                location[:, 2:] = -1.0
            return location
        place = (0.0, 0.0) if self.first_location == "center" else cast("tuple[float, ...]", self.first_location)
        location = xp.zeros(words.shape, dtype=xp.float32, device=words.device)
        for number, value in enumerate(place):
            location[:, number] += value
        return location


class TargetOracle:
    """Answers what the task says is right."""

    def __init__(self, task: Task[Any]) -> None:
        self._task = task

    def start(self, num_rows: int) -> None:
        """Do nothing: it has no memory."""

    def answer(self, state: Any) -> Array:
        """Return the target of each row."""
        target = self._task.target(state)
        assert target is not None
        return target
