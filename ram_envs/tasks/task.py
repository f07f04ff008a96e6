"""The task interface: settings, and rules as pure functions on batches of rows.

A task holds no episode. Its state is a NamedTuple of arrays, one row per episode, on NumPy or torch. The environments
in ``ram_envs.envs`` own such states and pass them to the rules. All randomness happens in :meth:`Task.initial`.
Over 300 lines, because this is the whole interface.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, ClassVar, Generic, NamedTuple, Protocol, TypeVar

from gymnasium import spaces

from ram_envs.arrays import Array, Constants, namespace
from ram_envs.errors import InvalidArgument
from ram_envs.scenes.labels import CombinedLabels
from ram_envs.sensors import Sensor, make_sensor
from ram_envs.sensors.first_location import check_first_location, first_locations
from ram_envs.sensors.gaze import GazeControl, raster
from ram_envs.tasks.answer import Answer
from ram_envs.tasks.figure import SUCCESS_RATE, FigureOfMerit
from ram_envs.tasks.oracle import Oracle, TargetOracle

NO_SENSES: Mapping[str, Any] = MappingProxyType({})


MOST_STEPS = 10**6
"""The most steps that an episode may be asked to have."""


class Observation(NamedTuple):
    """An observation of the agent.

    Attributes:
        glimpse: float32 (B, glimpse_size) in [0, 1], in the order (level, channel, row, column), finest level first.
        location: float32 (B, gaze_size) in [-1, 1], the location of the glimpse; (x, y) first.
        senses: Further senses by their key in :attr:`Task.senses`, each float32 (B, n); in that order.
    """

    glimpse: Array
    location: Array
    senses: Mapping[str, Array] = NO_SENSES


class State(Protocol):
    """The arrays that every state has. A task adds its own. The first axis of every array is the row."""

    @property
    def step(self) -> Array:
        """int64 (B,), steps taken in this episode."""

    @property
    def location(self) -> Array:
        """float32 (B, gaze_size) in [-1, 1], the location of the sensor."""


StateT = TypeVar("StateT", bound=State)


@dataclass(frozen=True, kw_only=True)
class Task(ABC, Generic[StateT]):
    """Base class of all tasks: common settings, and the rules that a task implements.

    Derive a frozen, keyword-only dataclass from it. Its fields are the arguments of ``gymnasium.make``; check them in
    ``__post_init__``, then call ``super().__post_init__()``. :class:`ram_envs.tasks.Catch` is the shortest example.

    ## Arguments
    - ``patch_size``: side of a patch as the agent receives it, in pixels.
    - ``num_scales``: number of concentric patches, each twice as wide as the one before.
    - ``first_location`` ("random"): location of the first glimpse: "random" (uniform over the scene, so patches may lie
      partly outside), "inside" (uniform over the locations whose finest patch is inside the scene), "center", or a pair
      (x, y) in [-1, 1].
    - ``sensor`` ("retina"): the sensor: "retina", "zoom", the name of a registered one, or "module:Class".
    - ``gaze`` ("absolute"): how an action moves the gaze: "absolute" (the action is the next location) or "relative"
      (the action is a move of at most ``max_step``). Three scripts ignore the gaze part of an action, as baselines for
      a learned gaze: "center" (the middle of the scene), "raster" (cells of a grid in reading order) and "object" (an
      object that matters, for tasks that know where it is). ``first_location`` still chooses the first one.
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
        if self.gaze_control.gaze == "object" and type(self).object_location is Task.object_location:
            raise InvalidArgument(f"gaze='object' is not known to {type(self).__name__}: it shows no object to look at")
        gaze_size = self.glimpse_sensor.gaze_size  # which checks sensor, patch_size and num_scales
        object.__setattr__(self, "first_location", check_first_location(self.first_location, gaze_size))

    @cached_property
    def glimpse_sensor(self) -> Sensor:
        """The sensor that reads the glimpses."""
        height, width, channels = self.scene_shape
        return make_sensor(self.sensor, height, width, channels, self.patch_size, self.num_scales)

    @cached_property
    def gaze_control(self) -> GazeControl:
        """Translates the gaze part of an action to the next location."""
        return GazeControl(self.gaze, self.max_step)

    @cached_property
    def _raster(self) -> Constants:
        return Constants(locations=raster(self.max_episode_steps))

    # What the task is.

    compiled_rules: ClassVar[str | None] = None
    """The same rules as compiled loops, which are faster on a CPU: "module:Class", a :class:`CompiledTask`.

    Subclasses do not inherit it, since they may have changed a rule."""

    answer_key: ClassVar[str | None] = None
    """``answer.key``, for tasks that need data to be constructed: an agent acts without the images it learned from."""

    @property
    @abstractmethod
    def scene_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of the scene."""

    @property
    @abstractmethod
    def answer(self) -> Answer:
        """The part of an action that is not the gaze: key, space and names."""

    @property
    def senses(self) -> Mapping[str, spaces.Box]:
        """What the agent perceives besides the glimpse, such as sound: key to float32 Box of shape (n,). None here.

        Each is a further key of an observation, and :meth:`observation` returns its value.
        """
        return NO_SENSES

    @property
    @abstractmethod
    def max_episode_steps(self) -> int:
        """The maximum number of steps per episode."""

    @property
    def reward_range(self) -> tuple[float, float]:
        """The lowest and the highest reward of one step."""
        return 0.0, 1.0

    @property
    def figure(self) -> FigureOfMerit:
        """The figure of merit. The default is the share of episodes with ``info["is_success"]``."""
        return SUCCESS_RATE

    @property
    def rates(self) -> Mapping[str, tuple[str, str]]:
        """Further figures of an evaluation, in percent: name -> two keys of :meth:`info`, what is counted and of what.

        The value is 100 times the sum of the first over the sum of the second, at the ends of the episodes. None here.
        """
        return {}

    @property
    def combined_labels(self) -> CombinedLabels | None:
        """How an answer follows from the labels of several objects, which a network may use; None if it does not."""
        return None

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
        """Describe an environment in one line, from its registered settings and without loading data."""
        return next(iter((cls.__doc__ or cls.__name__).strip().splitlines()))

    @classmethod
    def portable(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return settings as they are stored with an agent: plain values that mean the same in another folder.

        Args:
            settings: Arguments of this task, as a user gave them.
        """
        return dict(settings)

    @classmethod
    def with_early_answers(cls, settings: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return settings under which an answer may end the episode early, and ``answer.look_on`` goes on looking.

        Args:
            settings: Arguments of this task. Observations are those of the same seeds and gaze under these settings.

        Returns:
            The settings; None if the task has no such mode.
        """
        return None

    # The rules.

    @abstractmethod
    def initial(self, seed: Array, episode: Array) -> StateT:
        """Start new episodes. All randomness follows from the two arguments.

        A task that shows images takes a third argument, ``image_index``: int64 (B,) in [0, num_images), the images to
        show, or None for random images. It refuses other indices (:func:`ram_envs.arguments.check_indices`).

        Args:
            seed: int64 (B,), the random seed of each row.
            episode: int64 (B,), the episode number of each row, starting at 0.

        Returns:
            The state, a NamedTuple of arrays whose first axis is B, with at least ``step`` and ``location``.
        """

    @abstractmethod
    def transition(self, state: StateT, location: Array, answer: Array) -> StateT:
        """Return the state after one step, without changing ``state``.

        Args:
            state: The state, of B rows.
            location: float32 (B, gaze_size) in [-1, 1], the next location.
            answer: int64 (B,) in [0, n), or float32 (B, n) if the answer's space is a Box.
        """

    @abstractmethod
    def observation(self, state: StateT) -> Observation:
        """Return the observation in a state."""

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
        """Return the correct answer in this state, in the format of :meth:`transition`; None if there is none."""
        return None

    def info(self, state: StateT) -> dict[str, Array]:
        """Return the info of a state, which evaluation may use and a policy must not: arrays of shape (B,).

        ``is_success``, bool, is required if the figure of merit counts successes.
        """
        return {}

    def object_location(self, seed: Array, episode: Array, step: Array) -> Array:
        """Return the center of the object to look at next, for ``gaze="object"``: float32 (B, 2), (x, y) in [-1, 1].

        Args:
            seed: int64 (B,), see :meth:`initial`.
            episode: int64 (B,).
            step: int64 (B,), the steps taken.
        """
        raise NotImplementedError

    def scripted_location(self, seed: Array, episode: Array, step: Array) -> Array:
        """Return the next locations of a gaze that no action moves: float32 (B, gaze_size).

        Glimpse t of "raster", counted from 0, is in cell t of :func:`ram_envs.sensors.gaze.raster`, with a cell for
        each glimpse of the longest episode. Values after (x, y), such as the zoom, are 0. The arguments are those of
        :meth:`object_location`.
        """
        xp = namespace(step)
        location = xp.zeros((step.shape[0], self.glimpse_sensor.gaze_size), dtype=xp.float32, device=step.device)
        if self.gaze == "raster":
            cells = self._raster.like(step)["locations"]
            location[:, :2] = cells[xp.where(step + 1 < cells.shape[0], step + 1, cells.shape[0] - 1)]
        elif self.gaze == "object":
            location[:, :2] = self.object_location(seed, episode, step)
        return location

    def caption(self, state: StateT, row: int) -> str:
        """Return the caption of this row in renderings, one line."""
        return f"step {int(state.step[row])}/{self.max_episode_steps}"

    def oracle(self) -> Oracle | None:
        """Return a player that sees the state. By default it answers :meth:`target`; None if there is no target."""
        return TargetOracle(self) if type(self).target is not Task.target else None

    # What the rules are built from.

    def first_fixation(self, words: Array) -> Array:
        """Convert random words to the first locations.

        Args:
            words: int64 (B, gaze_size), a random word for each number of a location.

        Returns:
            float32 (B, gaze_size). Values after (x, y) are random for "random", -1 for "inside", and 0 otherwise unless
            ``first_location`` gives them.
        """
        height, width, _ = self.scene_shape
        return first_locations(self.first_location, words, height, width, self.patch_size)
