"""Classification as compiled loops."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from ram_envs.arguments import check_indices
from ram_envs.sensors.kernels import see
from ram_envs.tasks.classification import Classification, ClassificationState
from ram_envs.tasks.classification_kernels import (
    EPISODE,
    IMAGE_INDEX,
    INFO_IMAGE_INDEX,
    INFO_LABEL,
    INFO_PREDICTION,
    LABEL,
    PREDICTION,
    SEED,
    STEP,
    SUCCESS,
    TERMINATED,
    TRUNCATED,
    begin,
    report,
    step,
)
from ram_envs.tasks.compiled import CompiledTask, Step
from ram_envs.tasks.task import Observation


class CompiledClassification(CompiledTask):
    """The task as compiled loops."""

    def __init__(
        self, task: Classification, num_rows: int, autoreset_mode: AutoresetMode, max_episode_steps: int | None
    ) -> None:
        super().__init__(task, num_rows, autoreset_mode, max_episode_steps)
        height, width, channels = task.scene_shape
        learned, placed = task.stop == "learned", task.image_size is not None
        clutter = task.num_clutter, task.clutter_size
        self._settings = np.array(
            [task.num_glimpses, task.num_classes, learned, placed, *clutter, self.mode, self.limit], np.int64
        )
        self._glimpse_cost = float(task.glimpse_cost)
        self._images, self._labels = task.images_and_labels
        self._state = np.zeros((6, num_rows), np.int64)
        self._scenes = np.zeros((num_rows, channels, height, width), np.uint8)
        self._drawn = np.zeros(1, np.bool_)  # whether the canvases show anything
        self.seed, self.episode = self._state[SEED], self._state[EPISODE]

    @classmethod
    def suits(cls, task: Classification) -> bool:
        """Return whether the sensor has kernels; there are none for scenes of several objects or with a texture."""
        return super().suits(task) and task.num_objects == 1 and task.texture is None

    @property
    def state(self) -> ClassificationState:
        """The state. The scenes are not copied: a reset changes them."""
        _, _, step, prediction, label, image_index = self._state.copy()
        location = self.location.copy()
        return ClassificationState(step, location, prediction, label, image_index, self._scenes, self._scenes)

    def load(self, state: ClassificationState) -> None:
        """Copy a state of the rules."""
        self._state[STEP], self._state[PREDICTION], self._state[LABEL], self._state[IMAGE_INDEX] = (
            np.asarray(leaf) for leaf in (state.step, state.prediction, state.label, state.image_index)
        )
        self.location[:], self._scenes[:] = np.asarray(state.location), np.asarray(state.scenes)
        self._drawn[0] = True

    def begin(
        self,
        rows: NDArray[np.bool_],
        seed: NDArray[np.int64],
        episode: NDArray[np.int64],
        image_index: NDArray[np.int64] | None,
    ) -> None:
        """Show new scenes in some rows."""
        if image_index is None:
            image_index = np.empty(0, np.int64)
        else:
            check_indices("image_index", image_index[rows], len(self._labels))
        constants = self._settings, self.first, self._images, self._labels
        begin(rows, seed, episode, image_index, *constants, self._drawn, self._state, self.location, self._scenes)

    def step(self, gaze: NDArray[np.float32], answer: NDArray[np.int64]) -> Step:
        """Move to the next location, or store the prediction."""
        glimpse, seen, flags, info = self._results()
        reward = np.empty(self.num_rows, np.float32)
        step(
            gaze,
            answer,
            self._settings,
            self.first,
            self.max_step,
            self._glimpse_cost,
            self._images,
            self._labels,
            self._drawn,
            self._state,
            self.location,
            self._scenes,
            seen,
            reward,
            flags,
            info,
        )
        see(self._scenes, self.location, *self.sensor, glimpse)
        truncated = flags[TRUNCATED] if self.limited else None
        return Step(Observation(glimpse, seen), reward, flags[TERMINATED], truncated, _named(flags, info))

    def observe(self) -> tuple[Observation, dict[str, Any]]:
        """Read the glimpses, and return the info."""
        glimpse, seen, flags, info = self._results()
        report(self._settings, self._state, self.location, seen, flags, info)
        see(self._scenes, self.location, *self.sensor, glimpse)
        return Observation(glimpse, seen), _named(flags, info)

    def _results(self) -> tuple[NDArray[Any], ...]:
        """Return new arrays for glimpse, location, flags and info."""
        rows = self.num_rows
        return (
            self.glimpses.take(),
            np.empty((rows, self.gaze_size), np.float32),
            np.empty((3, rows), np.bool_),
            np.empty((3, rows), np.int64),
        )


def _named(flags: NDArray[np.bool_], info: NDArray[np.int64]) -> dict[str, Any]:
    """Return the info of the task; see :meth:`Classification.info`."""
    return {
        "label": info[INFO_LABEL],
        "prediction": info[INFO_PREDICTION],
        "is_success": flags[SUCCESS],
        "image_index": info[INFO_IMAGE_INDEX],
    }
