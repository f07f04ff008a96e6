"""Classification of images through glimpses (Mnih et al. 2014, section 4.1).

Over 300 lines, because the task's page is its docstring.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

from gymnasium import spaces

from ram_envs.arguments import check_choice, check_indices, check_integer, check_number
from ram_envs.arrays import Array, namespace
from ram_envs.errors import InvalidArgument
from ram_envs.scenes.colour import check_texture, colour, draws_per_texture
from ram_envs.scenes.composition import DRAWS_PER_OBJECT, check_canvas, compose, draws_per_scene
from ram_envs.scenes.labels import CombinedLabels
from ram_envs.scenes.randomness import draw_words, integers
from ram_envs.scenes.registry import dataset_spec
from ram_envs.tasks.answer import Answer
from ram_envs.tasks.figure import ERROR_PERCENT, FigureOfMerit
from ram_envs.tasks.image_task import ImageTask
from ram_envs.tasks.task import MOST_STEPS, Observation

UNDECIDED = -1


class ClassificationState(NamedTuple):
    """The scene, the gaze and the prediction.

    Attributes:
        step: int64 (B,), steps taken.
        location: float32 (B, gaze_size), where the sensor looks, in [-1, 1].
        prediction: int64 (B,), the predicted class; -1 before there is one.
        label: int64 (B,), the true class.
        image_index: int64 (B,), the index of the image in the split; of the first one of several objects.
        scenes: uint8 (B, C, H, W), the scenes.
        prepared: The prepared scenes that the sensor reads (:meth:`ram_envs.sensors.Sensor.prepare`).
    """

    step: Array
    location: Array
    prediction: Array
    label: Array
    image_index: Array
    scenes: Array
    prepared: Array


@dataclass(frozen=True, kw_only=True, eq=False)
class Classification(ImageTask[ClassificationState]):
    """Classification of an image that is seen only through glimpses.

    ## Description
    A scene, mostly black, shows one object: alone (``image_size=None``), or at a random place on a larger black canvas,
    with clutter cut from other images of the same split if ``num_clutter`` is above 0. With ``num_objects`` there are
    more, which may overlap, and the class follows from all of them (Ba et al. 2014, arXiv:1412.7755). The agent takes
    ``num_glimpses`` glimpses, the first at a random location and the others at locations it chooses, and predicts the
    class at the last step.

    ## Action Space
    The next location (x, y) and a class, in the format ``action_format``. Only the class counts at the last step, and
    only the location before. With ``stop="learned"`` a class ends the episode, and the last choice is "look on".

    ## Observation Space
    | key | dtype, shape | range | meaning |
    |---|---|---|---|
    | glimpse | float32 (k * C * g * g,) | [0, 1] | the patches, ordered (scale, channel, row, column), finest first |
    | location | float32 (2,) | [-1, 1] | center of the glimpse, (x, y); (-1, -1) is the top-left corner |

    ## Rewards
    1 for the correct class, otherwise 0. With ``stop="learned"`` glimpses after the first cost ``glimpse_cost``.

    ## Starting State
    Image, position, clutter and first location are uniformly random; the images are those of the split.

    ## Episode End
    Terminated after ``num_glimpses`` steps: ``reset`` shows the first glimpse, steps 1 to T - 1 show the others, and
    step T reads the class and shows the last glimpse again. With ``stop="learned"`` a class ends the episode earlier,
    and "look on" at step T ends it without a prediction. Never truncated.

    ## Information
    ``label``: int, the true class. ``prediction``: int, the predicted class, or -1. ``is_success``: bool, whether it is
    correct. ``image_index``: int, the image's index in the split; ``reset(options={"image_index": i})`` chooses it. Of
    several objects it is the first one's; the others are random.

    ## Arguments
    - ``dataset`` ("mnist"): the images: a registered name ("mnist"; "digits", 8x8, offline), a folder with one
      subfolder of images for each class, a .npz file, a folder of IDX files, a pair of arrays (images, labels), or such
      a pair for "train" and for "test"; see :func:`ram_envs.scenes.datasets.load_dataset`.
    - ``split`` ("train"): "train", "test" or a part of one, as in "train[:-5000]"; clutter comes from it too.
    - ``resize`` (None): side in pixels, or (height, width), to scale every image to; its aspect ratio is kept, and the
      rest is black. None expects images of one size.
    - ``max_pixels`` (67,108,864): most pixels of one image file; all images together may have 64 times as many.
    - ``test_fraction`` (0.0): share of each class held out as the test split if the dataset has none, in [0, 1).
    - ``image_size`` (None): side of the canvas in pixels; None shows the image alone, as it is.
    - ``num_objects`` (1): number of objects on the canvas, up to 4, all from the split.
    - ``combine`` ("set"): the class of several objects: "set", which ones they are in no order (55 classes of two
      digits), or "sum", the sum of the numbers of their classes (19 classes of two digits).
    - ``num_clutter`` (0): number of pieces of clutter.
    - ``clutter_size`` (8): side of a piece of clutter, in pixels.
    - ``texture`` (None): side in pixels of the squares of a random texture, each of a random dark colour, behind grey
      images, which get a random brighter tint: the scene has colour then. None leaves the images as they are.
    - ``patch_size`` (8): side of a patch as the agent receives it, in pixels.
    - ``num_scales`` (1): number of concentric patches, each twice as wide as the one before.
    - ``num_glimpses`` (6): glimpses per episode, T; the maximum with ``stop="learned"``.
    - ``stop`` ("fixed"): "fixed", or "learned" to let the agent decide when it has seen enough.
    - ``glimpse_cost`` (0.0): cost of each further glimpse, in [0, 1]; needs ``stop="learned"``.
    - ``first_location``, ``sensor``, ``gaze`` and ``max_step``: see :class:`ram_envs.tasks.Task`.

    ## Version History
    - v0: first version.
    """

    patch_size: int = 8
    num_scales: int = 1
    image_size: int | None = None
    num_objects: int = 1
    combine: str = "set"
    num_clutter: int = 0
    clutter_size: int = 8
    texture: int | None = None
    num_glimpses: int = 6
    stop: str = "fixed"
    glimpse_cost: float = 0.0
    answer_key: ClassVar[str] = "label"
    compiled_rules: ClassVar[str] = "ram_envs.tasks.compiled_classification:CompiledClassification"

    def __post_init__(self) -> None:
        """Check the settings, which loads the images."""
        check_integer("num_glimpses", self.num_glimpses, 1, MOST_STEPS)
        check_choice("stop", self.stop, ("fixed", "learned"))
        check_number("glimpse_cost", self.glimpse_cost, 0, 1)
        if self.glimpse_cost > 0 and self.stop == "fixed":
            raise InvalidArgument(
                f"glimpse_cost={self.glimpse_cost} has no effect with stop='fixed', where every episode takes "
                "num_glimpses: pass stop='learned'"
            )
        _ = self._labels  # which checks num_objects and combine
        if self.num_objects > 1 and self.image_size is None:
            raise InvalidArgument(
                f"num_objects={self.num_objects} need a canvas: pass image_size, the side of the scene in pixels"
            )
        check_canvas(self.data.images.shape[1:3], self.image_size, self.num_clutter, self.clutter_size)
        if self.texture is not None:
            check_integer("texture", self.texture, 1, 8192)
            height, width, _ = self.scene_shape
            draws = 6 + draws_per_scene(self.num_clutter) + DRAWS_PER_OBJECT * self.num_objects  # or fewer
            check_texture(height, width, self.data.images.shape[3], self.texture, draws)
        super().__post_init__()

    @classmethod
    def summary(cls, settings: Mapping[str, Any]) -> str:
        """Describe an environment in one line, without loading the images."""
        dataset, glimpses = settings.get("dataset", cls.dataset), settings.get("num_glimpses", cls.num_glimpses)
        spec, side = dataset_spec(dataset), settings.get("image_size")
        height, width = (side, side) if side else (spec.shape[:2] if spec and spec.shape else (None, None))
        size = f", {height}x{width}" if height else ""
        clutter = f", {pieces} pieces of clutter" if (pieces := settings.get("num_clutter", 0)) else ""
        clutter += ", coloured, on a texture" if settings.get("texture") else ""
        objects = f", {count} objects" if (count := settings.get("num_objects", 1)) > 1 else ""
        return f"{dataset if isinstance(dataset, str) else 'own images'}{size}{objects}{clutter}; {glimpses} glimpses"

    @cached_property
    def _labels(self) -> CombinedLabels:
        return CombinedLabels(self.combine, self.num_objects, self.data.class_names)

    @property
    def combined_labels(self) -> CombinedLabels | None:
        """How the class follows from the labels of several objects; None for one object."""
        return self._labels if self.num_objects > 1 else None

    @property
    def num_classes(self) -> int:
        """The number of classes."""
        return len(self._labels.names)

    @property
    def scene_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of the scene."""
        _, height, width, channels = self.data.images.shape
        if self.image_size is not None:
            height = width = self.image_size
        return height, width, channels if self.texture is None else 3

    @cached_property
    def answer(self) -> Answer:
        """The class and, where stopping is learned, "look on"."""
        look_on = None if self.stop == "fixed" else self.num_classes
        names = self._labels.names if look_on is None else (*self._labels.names, "look on")
        return Answer(self.answer_key, spaces.Discrete(len(names)), names, look_on)

    @property
    def figure(self) -> FigureOfMerit:
        """The error rate."""
        return ERROR_PERCENT

    @property
    def supervised(self) -> bool:
        """Whether the class can be learned from the label. A learned stop needs reinforcement learning."""
        return self.stop == "fixed"

    @property
    def max_episode_steps(self) -> int:
        """The number of glimpses."""
        return self.num_glimpses

    @property
    def reward_range(self) -> tuple[float, float]:
        """The least and the greatest reward of one step."""
        return -float(self.glimpse_cost), 1.0

    @classmethod
    def with_early_answers(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Let the agent decide when to answer; see :meth:`Task.with_early_answers`."""
        return {**settings, "stop": "learned"}

    def initial(self, seed: Array, episode: Array, image_index: Array | None = None) -> ClassificationState:
        """Show a new scene; see :meth:`Task.initial`."""
        xp, data = namespace(seed), self._images.like(seed)
        scene_end = 3 + draws_per_scene(self.num_clutter)
        further = self.glimpse_sensor.gaze_size - 2  # numbers of a location beyond (x, y)
        objects_begin = scene_end + further  # words of the further objects
        objects_end = objects_begin + DRAWS_PER_OBJECT * (self.num_objects - 1)
        height, width, _ = self.scene_shape
        texture = 0 if self.texture is None else draws_per_texture(height, width, self.texture)
        words = draw_words(seed, episode, objects_end + texture)
        if image_index is None:
            image_index = integers(words[:, 0], self.num_images)
        else:
            check_indices("image_index", image_index, self.num_images)
        gaze = xp.concat([words[:, 1:3], words[:, scene_end:objects_begin]], axis=1) if further else words[:, 1:3]
        starts = range(objects_begin, objects_end, DRAWS_PER_OBJECT)
        others = [(integers(words[:, n], self.num_images), words[:, n + 1 : n + DRAWS_PER_OBJECT]) for n in starts]
        clutter = self.num_clutter, self.clutter_size
        scenes = compose(data["images"], image_index, words[:, 3:scene_end], self.image_size, *clutter, others)
        if self.texture is not None:
            scenes = colour(scenes, words[:, objects_end:], self.texture)
        return ClassificationState(
            step=xp.zeros_like(seed),
            location=self.first_fixation(gaze),
            prediction=xp.full_like(seed, UNDECIDED),
            label=self._labels.join([data["labels"][index] for index, _ in [(image_index, None), *others]]),
            image_index=image_index,
            scenes=scenes,
            prepared=self.glimpse_sensor.prepare(scenes),
        )

    def object_location(self, seed: Array, episode: Array, step: Array) -> Array:
        """Return the center of the image; several objects take turns. See :meth:`Task.object_location`."""
        xp = namespace(seed)
        if self.image_size is None:
            return xp.zeros((seed.shape[0], 2), dtype=xp.float32, device=seed.device)
        _, height, width, _ = self.data.images.shape
        objects_begin = 1 + draws_per_scene(self.num_clutter) + self.glimpse_sensor.gaze_size
        words = draw_words(seed, episode, objects_begin + DRAWS_PER_OBJECT * (self.num_objects - 1))
        number = (step + 1) % self.num_objects
        first = xp.where(number == 0, 3, objects_begin + DRAWS_PER_OBJECT * (number - 1) + 1)
        row, column = (words[xp.arange(first.shape[0], device=first.device), first + n] for n in range(2))
        top = integers(row, self.image_size - height + 1)
        left = integers(column, self.image_size - width + 1)
        center = xp.stack([2 * left + width, 2 * top + height], axis=1)  # in halves of a pixel
        return xp.astype(center, xp.float32) / self.image_size - 1

    def transition(self, state: ClassificationState, location: Array, answer: Array) -> ClassificationState:
        """Move to the next location, or store the prediction; see :meth:`Task.transition`."""
        xp = namespace(location)
        step = state.step + 1
        last = step == self.num_glimpses
        named = answer < self.num_classes
        if self.stop == "fixed":
            over, prediction = last, xp.where(last, answer, UNDECIDED)
        else:
            over, prediction = last | named, xp.where(named, answer, UNDECIDED)
        return state._replace(
            step=step,
            location=xp.where(over[:, None], state.location, location),
            prediction=prediction,
        )

    def observation(self, state: ClassificationState) -> Observation:
        """Read the glimpses; see :meth:`Task.observation`."""
        return Observation(self.glimpse_sensor.read(state.prepared, state.location), state.location)

    def reward(self, state: ClassificationState) -> Array:
        """Return 1 for the correct class, minus the cost of the glimpse; see :meth:`Task.reward`."""
        xp = namespace(state.step)
        reward = xp.astype(state.prediction == state.label, xp.float32)
        if self.glimpse_cost == 0:
            return reward
        looked_on = (state.step > 0) & ~self.terminal(state)
        return reward - self.glimpse_cost * xp.astype(looked_on, xp.float32)

    def terminal(self, state: ClassificationState) -> Array:
        """Return whether there is a prediction or the last step is over; see :meth:`Task.terminal`."""
        return (state.step == self.num_glimpses) | (state.prediction != UNDECIDED)

    def scene(self, state: ClassificationState) -> Array:
        """Return the scenes: uint8 (B, C, H, W)."""
        return state.scenes

    def answer_counts(self, state: ClassificationState) -> Array:
        """Return whether the answer is used: at the last step, or at every step if stopping is learned."""
        return state.step >= (self.num_glimpses - 1 if self.stop == "fixed" else 0)

    def target(self, state: ClassificationState) -> Array:
        """Return the label."""
        return state.label

    def info(self, state: ClassificationState) -> dict[str, Array]:
        """The true class, the prediction and the image."""
        return {
            "label": state.label,
            "prediction": state.prediction,
            "is_success": state.prediction == state.label,
            "image_index": state.image_index,
        }

    def caption(self, state: ClassificationState, row: int) -> str:
        """Step, label, prediction and reward."""
        names = self._labels.names
        guess, label = int(state.prediction[row]), int(state.label[row])
        ended, reward = bool(self.terminal(state)[row]), float(self.reward(state)[row])
        line = f"step {int(state.step[row])}/{self.num_glimpses} · label {names[label]}"
        if ended:
            line += f" · guess {'none' if guess == UNDECIDED else names[guess]}"
        return line + (f" · reward {reward:g}" if ended or reward else "")
