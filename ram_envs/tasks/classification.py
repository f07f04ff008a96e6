"""Classification: look at a picture through glimpses, then say what it shows (Mnih et al. 2014, section 4.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from typing import ClassVar, NamedTuple

import numpy as np

from ram_envs.arguments import check_choice, check_integer, check_number
from ram_envs.arrays import Array, Constants, namespace
from ram_envs.scenes.composition import DRAWS_PER_PICTURE, DRAWS_PER_PIECE, add_clutter, place
from ram_envs.scenes.datasets import ImageDataset, load_dataset
from ram_envs.scenes.randomness import draw_words, integers
from ram_envs.tasks.task import Observation, Task

UNDECIDED = -1


class ClassificationState(NamedTuple):
    """What is shown, where the agent looks and what it said.

    Attributes:
        step: int64 (B,), steps taken.
        location: float32 (B, 2), the fixation, (x, y) in [-1, 1].
        prediction: int64 (B,), the class that was named; -1 as long as none was.
        label: int64 (B,), the right class.
        image_index: int64 (B,), which image of the split is shown.
        scenes: uint8 (B, C, H, W), the pictures.
        prepared: What the sensor reads: the scenes, or their summed-area tables, int32 (B, C, H + 1, W + 1).
    """

    step: Array
    location: Array
    prediction: Array
    label: Array
    image_index: Array
    scenes: Array
    prepared: Array


@dataclass(frozen=True, kw_only=True, eq=False)
class Classification(Task):
    """Classification of a picture that is seen through glimpses only.

    ## Description
    A picture, mostly black, shows one object: alone (``image_size=None``), or at a random place of a larger black
    canvas, among clutter cut from other pictures of the same split where ``num_clutter`` is above 0. The agent takes
    ``num_glimpses`` glimpses, the first at a random place, the others where it chooses, and names the class at the
    last step.

    ## Action Space
    The next fixation (x, y) and a class, in the format ``action_format``. The class counts at the last step only,
    where the fixation does not. With ``stop="learned"`` there is one more task action, the last one, "look on": any
    class ends the episode at once.

    ## Observation Space
    | key | dtype, shape | range | meaning |
    |---|---|---|---|
    | glimpse | float32 (k * C * g * g,) | [0, 1] | the patches, ordered (scale, channel, row, column), finest first |
    | location | float32 (2,) | [-1, 1] | where they were taken, (x, y), (-1, -1) the top-left corner |

    ## Rewards
    1 for the right class at the last step, otherwise 0; 0 before. With ``stop="learned"`` every further glimpse costs
    ``glimpse_cost``.

    ## Starting State
    A uniformly random image of the split, place and clutter, and a uniformly random first fixation.

    ## Episode End
    Terminated after ``num_glimpses`` steps: ``reset`` shows the first glimpse, steps 1 to T - 1 the others, and step T
    reads the class and shows the last glimpse again. With ``stop="learned"`` a class ends it earlier, and step T ends
    it in any case. Never truncated.

    ## Information
    ``label``: int, the right class; ``prediction``: int, the class named, -1 before that; ``is_success``: bool,
    whether they agree; ``image_index``: int, which image of the split is shown. ``reset(options={"image_index": i})``
    chooses the image.

    ## Arguments
    - ``dataset`` ("mnist"): "mnist", "digits" (offline, 8x8), the path of a folder with one subfolder of images a
      class, a pair of arrays (images, labels), or a dictionary of such pairs under "train" and "test"; see
      :func:`ram_envs.scenes.datasets.load_dataset`.
    - ``split`` ("train"): "train" or "test", or a part of it, as in "train[:-5000]". Clutter comes from the same
      images.
    - ``image_size`` (None): side of the canvas in pixels; None shows the picture alone, as it is.
    - ``num_clutter`` (0): pieces of clutter; ``clutter_size`` (8): their side in pixels.
    - ``patch_size`` (8), ``num_scales`` (1), ``first_location`` ("random"): see :class:`ram_envs.tasks.task.Task`.
    - ``num_glimpses`` (6): glimpses of an episode, T; the most there can be with ``stop="learned"``.
    - ``stop`` ("fixed"): "fixed", or "learned" to let the agent say when it has seen enough.
    - ``glimpse_cost`` (0.0): what each further glimpse costs, in [0, 1]; above 0 only with ``stop="learned"``.

    ## Version History
    - v0: first version.
    """

    patch_size: int = 8
    num_scales: int = 1
    dataset: str | PathLike[str] | tuple[np.ndarray, np.ndarray] | Mapping[str, tuple[np.ndarray, np.ndarray]] = "mnist"
    split: str = "train"
    image_size: int | None = None
    num_clutter: int = 0
    clutter_size: int = 8
    num_glimpses: int = 6
    stop: str = "fixed"
    glimpse_cost: float = 0.0

    action_key: ClassVar[str] = "label"

    def __post_init__(self) -> None:
        """Check the settings, which loads the images."""
        check_integer("num_glimpses", self.num_glimpses, 1)
        check_choice("stop", self.stop, ("fixed", "learned"))
        check_number("glimpse_cost", self.glimpse_cost, 0, 1)
        if self.glimpse_cost > 0 and self.stop == "fixed":
            raise ValueError(
                f"glimpse_cost={self.glimpse_cost} has no effect with stop='fixed', where every episode takes "
                "num_glimpses: pass stop='learned'"
            )
        self._check_canvas()
        super().__post_init__()

    def _check_canvas(self) -> None:
        check_integer("num_clutter", self.num_clutter, 0, 800)
        check_integer("clutter_size", self.clutter_size, 1)
        height, width = self.data.images.shape[1:3]
        if self.image_size is not None:
            check_integer("image_size", self.image_size, 1, 8192)
            if self.image_size < max(height, width):
                raise ValueError(
                    f"image_size={self.image_size} is smaller than the images, {height}x{width}: expected at least "
                    f"{max(height, width)}, or None for the images alone"
                )
        if self.num_clutter == 0:
            return
        if self.clutter_size > min(height, width):
            raise ValueError(
                f"clutter_size={self.clutter_size} is larger than the images that clutter is cut from, "
                f"{height}x{width}: expected at most {min(height, width)}"
            )
        height, width, _ = self.scene_shape
        if self.num_clutter * self.clutter_size**2 > height * width:
            raise ValueError(
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
        """Classes to tell apart."""
        return len(self.data.class_names)

    @property
    def scene_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of the scene."""
        _, height, width, channels = self.data.images.shape
        if self.image_size is not None:
            height = width = self.image_size
        return height, width, channels

    @property
    def num_actions(self) -> int:
        """The classes and, where stopping is learned, "look on"."""
        return self.num_classes + (self.stop == "learned")

    @property
    def max_episode_steps(self) -> int:
        """The number of glimpses."""
        return self.num_glimpses

    @property
    def reward_range(self) -> tuple[float, float]:
        """The least and the greatest reward of one step."""
        return -float(self.glimpse_cost), 1.0

    def initial(self, seed: Array, episode: Array, image_index: Array | None = None) -> ClassificationState:
        """Show a new picture; see :meth:`Task.initial`.

        Raises:
            ValueError: If ``image_index`` leaves [0, num_images).
        """
        xp, data = namespace(seed), self._images.like(seed)
        first_piece = 3 + DRAWS_PER_PICTURE
        words = draw_words(seed, episode, first_piece + DRAWS_PER_PIECE * self.num_clutter)
        if image_index is None:
            image_index = integers(words[:, 0], self.num_images)
        if self.image_size is None:
            scenes = data["images"][image_index]
        else:
            scenes = place(data["images"], image_index, words[:, 3:first_piece], self.image_size)
        add_clutter(scenes, data["images"], words[:, first_piece:], self.num_clutter, self.clutter_size)
        return ClassificationState(
            step=xp.zeros_like(seed),
            location=self.first_fixation(words[:, 1:3]),
            prediction=xp.full_like(seed, UNDECIDED),
            label=data["labels"][image_index],
            image_index=image_index,
            scenes=scenes,
            prepared=self.sensor.prepare(scenes),
        )

    def transition(self, state: ClassificationState, fixation: Array, task_action: Array) -> ClassificationState:
        """Look on, or hear the class; see :meth:`Task.transition`."""
        xp = namespace(fixation)
        step = state.step + 1
        last = step == self.num_glimpses
        named = task_action < self.num_classes
        if self.stop == "fixed":
            over, prediction = last, xp.where(last, task_action, UNDECIDED)
        else:
            over, prediction = last | named, xp.where(named, task_action, UNDECIDED)
        return state._replace(
            step=step,
            location=xp.where(over[:, None], state.location, fixation),
            prediction=prediction,
        )

    def observation(self, state: ClassificationState) -> Observation:
        """Look at the picture."""
        return Observation(self.sensor.read(state.prepared, state.location), state.location)

    def reward(self, state: ClassificationState) -> Array:
        """1 for the right class, less what the glimpse cost."""
        xp = namespace(state.step)
        reward = xp.astype(state.prediction == state.label, xp.float32)
        if self.glimpse_cost == 0:
            return reward
        looked_on = (state.step > 0) & ~self.terminal(state)
        return reward - self.glimpse_cost * xp.astype(looked_on, xp.float32)

    def terminal(self, state: ClassificationState) -> Array:
        """A class was named, or the last step is over."""
        return (state.step == self.num_glimpses) | (state.prediction != UNDECIDED)

    def scene(self, state: ClassificationState) -> Array:
        """Return the pictures: uint8 (B, C, H, W)."""
        return state.scenes

    def info(self, state: ClassificationState) -> dict[str, Array]:
        """The truth about the picture and about the answer."""
        return {
            "label": state.label,
            "prediction": state.prediction,
            "is_success": state.prediction == state.label,
            "image_index": state.image_index,
        }

    def caption(self, state: ClassificationState, row: int) -> str:
        """Step, label, guess and reward."""
        names = self.data.class_names
        guess, label = int(state.prediction[row]), int(state.label[row])
        ended, reward = bool(self.terminal(state)[row]), float(self.reward(state)[row])
        line = f"step {int(state.step[row])}/{self.num_glimpses} · label {names[label]}"
        if ended:
            line += f" · guess {'none' if guess == UNDECIDED else names[guess]}"
        return line + (f" · reward {reward:g}" if ended or reward else "")
