"""Transcription of a row of objects through glimpses, one after the other (Ba et al. 2014, arXiv:1412.7755).

Over 300 lines, because the task's page is its docstring.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

from gymnasium import spaces

from ram_envs.arguments import check_indices, check_integer, check_number
from ram_envs.arrays import Array, namespace
from ram_envs.errors import InvalidArgument, shown
from ram_envs.scenes.composition import DRAWS_PER_PIECE, add_clutter, check_clutter
from ram_envs.scenes.randomness import MAX_DRAWS, draw_words
from ram_envs.scenes.registry import dataset_spec
from ram_envs.scenes.row import Row, compose_row, draw_row, draws_per_row
from ram_envs.tasks.answer import Answer
from ram_envs.tasks.figure import ERROR_PERCENT, FigureOfMerit
from ram_envs.tasks.image_task import ImageTask
from ram_envs.tasks.task import MOST_STEPS, Observation

NO_ANSWER = -1


class TranscriptionState(NamedTuple):
    """The scene, the gaze and what has been read.

    Attributes:
        step: int64 (B,), steps taken.
        location: float32 (B, gaze_size), where the sensor looks, in [-1, 1].
        labels: int64 (B, max_objects + 1), the classes from left to right, then the number of "end".
        num_objects: int64 (B,).
        correct: int64 (B,), objects that were read correctly.
        answer: int64 (B,), the last answer that was read; -1 before the first one.
        scored: bool (B,), whether the last step was rewarded.
        over: bool (B,), whether the episode has ended.
        image_index: int64 (B,), the index of the first object's image in the split.
        scenes: uint8 (B, C, H, W), the scenes.
        prepared: The prepared scenes that the sensor reads (:meth:`ram_envs.sensors.Sensor.prepare`).
    """

    step: Array
    location: Array
    labels: Array
    num_objects: Array
    correct: Array
    answer: Array
    scored: Array
    over: Array
    image_index: Array
    scenes: Array
    prepared: Array


@dataclass(frozen=True, kw_only=True, eq=False)
class Transcription(ImageTask[TranscriptionState]):
    """Transcription of a row of objects that are seen only through glimpses.

    ## Description
    A wide black scene shows 1 to ``max_objects`` objects side by side. The agent reads them from left to right: after
    every ``glimpses_per_object`` glimpses it names the next object, and after the last one it says "end". The episode
    ends with the first wrong answer. The rules of the scene:

    1. The number of objects is uniform in 1 to ``max_objects``. Each is an image of the split, uniformly random.
    2. The gap between two images is uniform in 0 to ``max_gap`` pixels. Images do not overlap.
    3. The row of objects starts in a uniformly random column of those in which all of it fits into the scene.
    4. The top of each image is uniformly random, for itself.
    5. ``num_clutter`` pieces of clutter are added as in :class:`ram_envs.tasks.Classification`.

    ## Action Space
    The next location (x, y) and an answer, a class or "end" (the last choice), in the format ``action_format``. The
    answer counts at every ``glimpses_per_object``-th step only. The location counts at every step but the last.

    ## Observation Space
    | key | dtype, shape | range | meaning |
    |---|---|---|---|
    | glimpse | float32 (k * C * g * g,) | [0, 1] | the patches, ordered (scale, channel, row, column), finest first |
    | location | float32 (2,) | [-1, 1] | center of the glimpse, (x, y); (-1, -1) is the top-left corner |

    ## Rewards
    1 for each object that is named correctly, and ``end_reward`` for "end" after the last one. Otherwise 0.

    ## Starting State
    The scene as above; the first location is uniformly random.

    ## Episode End
    Terminated by a wrong answer, or by "end" where it is right, which is after at most ``(max_objects + 1) *
    glimpses_per_object`` steps. ``reset`` shows the first glimpse; the last step shows the last glimpse again. Never
    truncated.

    ## Information
    ``is_success``: bool, whether everything was read, "end" included. ``num_objects``: int. ``num_correct``: int,
    objects that were named correctly. ``num_wrong``: int, 1 after an object was named wrongly, else 0. ``num_read``:
    int, both together: objects after the first wrong answer are not read. ``image_index``: int, the first object's
    image in the split; ``reset(options={"image_index": i})`` chooses it.

    ## Arguments
    - ``dataset``, ``split``, ``resize``, ``max_pixels`` and ``test_fraction``: see
      :class:`ram_envs.tasks.Classification`.
    - ``scene_size`` ((40, 160)): height and width of the scene in pixels.
    - ``max_objects`` (5): the most objects in a scene.
    - ``max_gap`` (4): the widest gap between two images, in pixels.
    - ``glimpses_per_object`` (3): glimpses before each answer.
    - ``end_reward`` (0.0): reward for "end" after the last object. Without it, an agent that learns from rewards alone
      has no reason to say it.
    - ``num_clutter`` (0): number of pieces of clutter.
    - ``clutter_size`` (8): side of a piece of clutter, in pixels.
    - ``patch_size`` (12): side of a patch as the agent receives it, in pixels.
    - ``num_scales`` (4): number of concentric patches, each twice as wide as the one before.
    - ``first_location``, ``sensor``, ``gaze`` and ``max_step``: see :class:`ram_envs.tasks.Task`.

    ## Version History
    - v0: first version.
    """

    patch_size: int = 12
    num_scales: int = 4
    scene_size: tuple[int, int] = (40, 160)
    max_objects: int = 5
    max_gap: int = 4
    glimpses_per_object: int = 3
    end_reward: float = 0.0
    num_clutter: int = 0
    clutter_size: int = 8
    answer_key: ClassVar[str] = "label"

    def __post_init__(self) -> None:
        """Check the settings, which loads the images."""
        check_integer("max_objects", self.max_objects, 1, 100)
        check_integer("max_gap", self.max_gap, 0, 8192)
        check_integer("glimpses_per_object", self.glimpses_per_object, 1, MOST_STEPS // 101)
        check_number("end_reward", self.end_reward, 0, 1)
        object.__setattr__(self, "scene_size", self._check_size(self.scene_size))
        height, width = self.data.images.shape[1:3]
        needed = self.max_objects * width + (self.max_objects - 1) * self.max_gap
        if height > self.scene_size[0] or needed > self.scene_size[1]:
            raise InvalidArgument(
                f"scene_size={self.scene_size} is too small for max_objects={self.max_objects} images of "
                f"{height}x{width} with gaps of up to {self.max_gap}: expected at least ({height}, {needed})"
            )
        check_clutter((height, width), self.scene_size, self.num_clutter, self.clutter_size, "scene_size")
        super().__post_init__()
        if (draws := self._draws_before_clutter + DRAWS_PER_PIECE * self.num_clutter) > MAX_DRAWS:
            raise InvalidArgument(
                f"max_objects={self.max_objects} and num_clutter={self.num_clutter} take {draws:,} random numbers an "
                f"episode, which has {MAX_DRAWS:,}: expected fewer"
            )

    @staticmethod
    def _check_size(size: Any) -> tuple[int, int]:
        """Return height and width of the scene."""
        try:
            height, width = size
        except (TypeError, ValueError):
            raise InvalidArgument(f"scene_size={shown(size)} is not valid: expected (height, width)") from None
        return check_integer("scene_size", height, 1, 8192), check_integer("scene_size", width, 1, 8192)

    @classmethod
    def summary(cls, settings: Mapping[str, Any]) -> str:
        """Describe an environment in one line, without loading the images."""
        dataset, most = settings.get("dataset", cls.dataset), settings.get("max_objects", cls.max_objects)
        name = dataset if dataset_spec(dataset) else "own images"
        height, width = settings.get("scene_size", cls.scene_size)
        glimpses = settings.get("glimpses_per_object", cls.glimpses_per_object)
        return f"{name}, {height}x{width}, 1 to {most} objects in a row; {glimpses} glimpses for each"

    @property
    def num_classes(self) -> int:
        """The number of classes; also the answer that means "end"."""
        return len(self.data.class_names)

    @property
    def scene_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of the scene."""
        return *self.scene_size, self.data.images.shape[3]

    @cached_property
    def answer(self) -> Answer:
        """The class of the next object, or "end"."""
        return Answer(self.answer_key, spaces.Discrete(self.num_classes + 1), (*self.data.class_names, "end"))

    @property
    def figure(self) -> FigureOfMerit:
        """The share of sequences that are not read completely."""
        return ERROR_PERCENT

    @property
    def rates(self) -> Mapping[str, tuple[str, str]]:
        """The share of wrong answers for objects that were read."""
        return {"digit_error_percent": ("num_wrong", "num_read")}

    @property
    def max_episode_steps(self) -> int:
        """The glimpses for the most objects and for "end"."""
        return (self.max_objects + 1) * self.glimpses_per_object

    @property
    def reward_range(self) -> tuple[float, float]:
        """The least and the greatest reward of one step."""
        return 0.0, 1.0

    def initial(self, seed: Array, episode: Array, image_index: Array | None = None) -> TranscriptionState:
        """Show a new scene; see :meth:`Task.initial`."""
        xp, data = namespace(seed), self._images.like(seed)
        location, row, clutter = self._draw(seed, episode)
        if image_index is not None:
            check_indices("image_index", image_index, self.num_images)
            row = row._replace(image=xp.concat([image_index[:, None], row.image[:, 1:]], axis=1))
        scenes = compose_row(data["images"], row, self.scene_size)
        add_clutter(scenes, data["images"], clutter, self.num_clutter, self.clutter_size)
        labels = xp.where(row.shown, data["labels"][row.image], self.num_classes)
        return TranscriptionState(
            step=xp.zeros_like(seed),
            location=self.first_fixation(location),
            labels=xp.concat([labels, xp.full_like(labels[:, :1], self.num_classes)], axis=1),
            num_objects=row.number,
            correct=xp.zeros_like(seed),
            answer=xp.full_like(seed, NO_ANSWER),
            scored=xp.zeros_like(seed, dtype=xp.bool),
            over=xp.zeros_like(seed, dtype=xp.bool),
            image_index=row.image[:, 0],
            scenes=scenes,
            prepared=self.glimpse_sensor.prepare(scenes),
        )

    @property
    def _draws_before_clutter(self) -> int:
        return self.glimpse_sensor.gaze_size + draws_per_row(self.max_objects)

    def _draw(self, seed: Array, episode: Array) -> tuple[Array, Row, Array]:
        """Return the random words of the first location, the row of objects, and the random words of the clutter."""
        first, last = self.glimpse_sensor.gaze_size, self._draws_before_clutter
        words = draw_words(seed, episode, last + DRAWS_PER_PIECE * self.num_clutter)
        size = self.data.images.shape[1:3]
        row = draw_row(words[:, first:last], self.max_objects, self.num_images, size, self.scene_size, self.max_gap)
        return words[:, :first], row, words[:, last:]

    def transition(self, state: TranscriptionState, location: Array, answer: Array) -> TranscriptionState:
        """Read the answer if it counts, and move to the next location; see :meth:`Task.transition`."""
        xp = namespace(location)
        target, counts = self.target(state), self.answer_counts(state)
        right, end = counts & (answer == target), target == self.num_classes
        over = state.over | (counts & ((answer != target) | end))
        return state._replace(
            step=state.step + 1,
            location=xp.where(over[:, None], state.location, location),
            correct=state.correct + xp.astype(right & ~end, xp.int64),
            answer=xp.where(counts, answer, state.answer),
            scored=right,
            over=over,
        )

    def observation(self, state: TranscriptionState) -> Observation:
        """Read the glimpses; see :meth:`Task.observation`."""
        return Observation(self.glimpse_sensor.read(state.prepared, state.location), state.location)

    def reward(self, state: TranscriptionState) -> Array:
        """Return 1 for a right class, ``end_reward`` for a right "end"; see :meth:`Task.reward`."""
        xp = namespace(state.step)
        scored, end = (xp.astype(each, xp.float32) for each in (state.scored, state.answer == self.num_classes))
        return scored * (1 - end + float(self.end_reward) * end)

    def terminal(self, state: TranscriptionState) -> Array:
        """Return whether an answer was wrong or everything is read; see :meth:`Task.terminal`."""
        return state.over

    def scene(self, state: TranscriptionState) -> Array:
        """Return the scenes: uint8 (B, C, H, W)."""
        return state.scenes

    def answer_counts(self, state: TranscriptionState) -> Array:
        """Return whether the answer is used: after every ``glimpses_per_object`` glimpses."""
        return (state.step + 1) % self.glimpses_per_object == 0

    def target(self, state: TranscriptionState) -> Array:
        """Return the class of the object to be read next, or "end"."""
        xp = namespace(state.step)
        number = state.step // self.glimpses_per_object
        number = xp.where(number < self.max_objects, number, self.max_objects)
        return state.labels[xp.arange(number.shape[0], device=number.device), number]

    def object_location(self, seed: Array, episode: Array, step: Array) -> Array:
        """Return the center of the object to be read next, or of the last one; see :meth:`Task.object_location`."""
        xp = namespace(seed)
        _, row, _ = self._draw(seed, episode)
        number = (step + 1) // self.glimpses_per_object
        chosen = xp.arange(seed.shape[0], device=seed.device), xp.where(number < row.number, number, row.number - 1)
        image_height, image_width = self.data.images.shape[1:3]
        height, width = self.scene_size
        x = xp.astype(2 * row.left[chosen] + image_width, xp.float32) / width - 1
        y = xp.astype(2 * row.top[chosen] + image_height, xp.float32) / height - 1
        return xp.stack([x, y], axis=1)

    def info(self, state: TranscriptionState) -> dict[str, Array]:
        """How much there is, and how much of it was read."""
        xp = namespace(state.step)
        failed = state.over & ~state.scored
        wrong = xp.astype(failed & (state.correct < state.num_objects), xp.int64)  # otherwise "end" was missing
        return {
            "num_objects": state.num_objects,
            "num_correct": state.correct,
            "num_wrong": wrong,
            "num_read": state.correct + wrong,
            "is_success": state.over & state.scored,
            "image_index": state.image_index,
        }

    def caption(self, state: TranscriptionState, row: int) -> str:
        """Step, labels, what was read and reward."""
        names = self.answer.names
        labels = [names[int(label)] for label in state.labels[row][: int(state.num_objects[row])]]
        line = f"step {int(state.step[row])}/{self.max_episode_steps} · labels {' '.join(labels)}"
        if int(state.answer[row]) != NO_ANSWER:
            line += f" · read {int(state.correct[row])}, last answer {names[int(state.answer[row])]}"
        return line + (f" · reward {float(self.reward(state)[row]):g}" if bool(state.scored[row]) else "")
