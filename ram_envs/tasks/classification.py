"""Classification of images through glimpses (Mnih et al. 2014, section 4.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import numpy as np
from gymnasium import spaces

from ram_envs.arguments import check_choice, check_integer, check_number
from ram_envs.arrays import Array, Constants, namespace
from ram_envs.errors import InvalidArgument
from ram_envs.scenes.composition import DRAWS_PER_PICTURE, DRAWS_PER_PIECE, add_clutter, place
from ram_envs.scenes.datasets import DatasetSource, ImageDataset, load_dataset
from ram_envs.scenes.randomness import draw_words, integers
from ram_envs.scenes.registry import dataset_spec
from ram_envs.tasks.answer import Answer
from ram_envs.tasks.figure import ERROR_PERCENT, FigureOfMerit
from ram_envs.tasks.task import Observation, Task

UNDECIDED = -1


class ClassificationState(NamedTuple):
    """The scene, the gaze and the prediction.

    Attributes:
        step: int64 (B,), steps taken.
        location: float32 (B, gaze_size), where the sensor looks, in [-1, 1].
        prediction: int64 (B,), the predicted class; -1 before there is one.
        label: int64 (B,), the true class.
        image_index: int64 (B,), the index of the image in the split.
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
class Classification(Task[ClassificationState]):
    """Classification of an image that is seen only through glimpses.

    ## Description
    A scene, mostly black, shows one object: alone (``image_size=None``), or at a random place on a larger black canvas,
    with clutter cut from other images of the same split if ``num_clutter`` is above 0. The agent takes ``num_glimpses``
    glimpses, the first at a random location and the others at locations it chooses, and predicts the class at the last
    step.

    ## Action Space
    The next location (x, y) and a class, in the format ``action_format``. Only the class counts at the last step, and
    only the location at all other steps. With ``stop="learned"`` there is one more choice, "look on", after the
    classes; a class ends the episode at any step.

    ## Observation Space
    | key | dtype, shape | range | meaning |
    |---|---|---|---|
    | glimpse | float32 (k * C * g * g,) | [0, 1] | the patches, ordered (scale, channel, row, column), finest first |
    | location | float32 (2,) | [-1, 1] | center of the glimpse, (x, y); (-1, -1) is the top-left corner |

    ## Rewards
    1 at the last step for the correct class, otherwise 0. 0 at all earlier steps. With ``stop="learned"`` every glimpse
    after the first costs ``glimpse_cost``.

    ## Starting State
    Image, position, clutter and first location are uniformly random; the images are those of the split.

    ## Episode End
    Terminated after ``num_glimpses`` steps: ``reset`` shows the first glimpse, steps 1 to T - 1 show the others, and
    step T reads the class and shows the last glimpse again. With ``stop="learned"`` a class ends the episode earlier,
    and "look on" at step T ends it without a prediction. Never truncated.

    ## Information
    ``label``: int, the true class. ``prediction``: int, the predicted class, -1 before there is one. ``is_success``:
    bool, whether the prediction is correct. ``image_index``: int, the index of the image in the split.
    ``reset(options={"image_index": i})`` chooses the image.

    ## Arguments
    - ``dataset`` ("mnist"): the images: the name of a registered dataset ("mnist"; "digits", 8x8, offline), the path of
      a folder, a pair of arrays (images, labels), or a dictionary of such pairs under "train" and "test"; see
      :func:`ram_envs.scenes.datasets.load_dataset`.
    - ``split`` ("train"): "train" or "test", or a part of one, such as "train[:-5000]". Clutter comes from the same
      images.
    - ``image_size`` (None): side of the canvas in pixels; None shows the image alone, as it is.
    - ``num_clutter`` (0): number of pieces of clutter.
    - ``clutter_size`` (8): side of a piece of clutter, in pixels.
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
    dataset: DatasetSource = "mnist"
    split: str = "train"
    image_size: int | None = None
    num_clutter: int = 0
    clutter_size: int = 8
    num_glimpses: int = 6
    stop: str = "fixed"
    glimpse_cost: float = 0.0
    answer_key: ClassVar[str] = "label"

    def __post_init__(self) -> None:
        """Check the settings, which loads the images."""
        check_integer("num_glimpses", self.num_glimpses, 1)
        check_choice("stop", self.stop, ("fixed", "learned"))
        check_number("glimpse_cost", self.glimpse_cost, 0, 1)
        if self.glimpse_cost > 0 and self.stop == "fixed":
            raise InvalidArgument(
                f"glimpse_cost={self.glimpse_cost} has no effect with stop='fixed', where every episode takes "
                "num_glimpses: pass stop='learned'"
            )
        self._check_canvas()
        super().__post_init__()

    @classmethod
    def summary(cls, settings: Mapping[str, Any]) -> str:
        """Describe an environment in one line, without loading the images."""
        dataset, glimpses = settings.get("dataset", cls.dataset), settings.get("num_glimpses", cls.num_glimpses)
        spec, side = dataset_spec(dataset), settings.get("image_size")
        height, width = (side, side) if side else (spec.shape[:2] if spec and spec.shape else (None, None))
        size = f", {height}x{width}" if height else ""
        pieces = settings.get("num_clutter", 0)
        clutter = f", {pieces} pieces of clutter" if pieces else ""
        name = dataset if isinstance(dataset, str) else "own images"
        return f"{name}{size}{clutter}; {glimpses} glimpses"

    def _check_canvas(self) -> None:
        check_integer("num_clutter", self.num_clutter, 0, 800)
        check_integer("clutter_size", self.clutter_size, 1)
        height, width = self.data.images.shape[1:3]
        if self.image_size is not None:
            check_integer("image_size", self.image_size, 1, 8192)
            if self.image_size < max(height, width):
                raise InvalidArgument(
                    f"image_size={self.image_size} is smaller than the images, {height}x{width}: expected at least "
                    f"{max(height, width)}, or None for the images alone"
                )
        if self.num_clutter == 0:
            return
        if self.clutter_size > min(height, width):
            raise InvalidArgument(
                f"clutter_size={self.clutter_size} is larger than the images that clutter is cut from, "
                f"{height}x{width}: expected at most {min(height, width)}"
            )
        height, width, _ = self.scene_shape
        if self.num_clutter * self.clutter_size**2 > height * width:
            raise InvalidArgument(
                f"num_clutter={self.num_clutter} pieces of {self.clutter_size}x{self.clutter_size} are more than fit "
                f"into a {height}x{width} scene: expected at most {height * width // self.clutter_size**2}, or a "
                "larger image_size"
            )

    @cached_property
    def data(self) -> ImageDataset:
        """The images and labels of the split."""
        return load_dataset(self.dataset, self.split)

    @cached_property
    def _images(self) -> Constants:
        images, labels = self.data.images, self.data.labels  # (N, H, W, C) -> (N, C, H, W)
        return Constants(images=np.ascontiguousarray(images.transpose(0, 3, 1, 2)), labels=labels)

    @property
    def num_images(self) -> int:
        """Images in the split."""
        return len(self.data.labels)

    @property
    def num_classes(self) -> int:
        """The number of classes."""
        return len(self.data.class_names)

    @property
    def scene_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of the scene."""
        _, height, width, channels = self.data.images.shape
        if self.image_size is not None:
            height = width = self.image_size
        return height, width, channels

    @cached_property
    def answer(self) -> Answer:
        """The class and, where stopping is learned, "look on"."""
        look_on = None if self.stop == "fixed" else self.num_classes
        names = self.data.class_names if look_on is None else (*self.data.class_names, "look on")
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

    def initial(self, seed: Array, episode: Array, image_index: Array | None = None) -> ClassificationState:
        """Show a new scene; see :meth:`Task.initial`."""
        xp, data = namespace(seed), self._images.like(seed)
        first_piece = 3 + DRAWS_PER_PICTURE
        last_piece = first_piece + DRAWS_PER_PIECE * self.num_clutter
        further = self.glimpse_sensor.gaze_size - 2  # numbers of a location beyond (x, y)
        words = draw_words(seed, episode, last_piece + further)
        if image_index is None:
            image_index = integers(words[:, 0], self.num_images)
        if self.image_size is None:
            scenes = data["images"][image_index]
        else:
            scenes = place(data["images"], image_index, words[:, 3:first_piece], self.image_size)
        add_clutter(scenes, data["images"], words[:, first_piece:last_piece], self.num_clutter, self.clutter_size)
        return ClassificationState(
            step=xp.zeros_like(seed),
            location=self.first_fixation(xp.concat([words[:, 1:3], words[:, last_piece:]], axis=1)),
            prediction=xp.full_like(seed, UNDECIDED),
            label=data["labels"][image_index],
            image_index=image_index,
            scenes=scenes,
            prepared=self.glimpse_sensor.prepare(scenes),
        )

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
        names = self.data.class_names
        guess, label = int(state.prediction[row]), int(state.label[row])
        ended, reward = bool(self.terminal(state)[row]), float(self.reward(state)[row])
        line = f"step {int(state.step[row])}/{self.num_glimpses} · label {names[label]}"
        if ended:
            line += f" · guess {'none' if guess == UNDECIDED else names[guess]}"
        return line + (f" · reward {reward:g}" if ended or reward else "")
