"""What both wrappers share: the frames, the sensor, the gaze and the formats of a batch of rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from ram_envs.arguments import check_choice
from ram_envs.envs.drawing import make_view, picture
from ram_envs.envs.observations import ObservationFormat, take_row
from ram_envs.envs.options import fresh_seed, next_keys
from ram_envs.rendering import View
from ram_envs.scenes.randomness import draw_words
from ram_envs.sensors import Sensor, make_sensor
from ram_envs.sensors.first_location import check_first_location, first_locations
from ram_envs.sensors.gaze import GAZES, GazeControl
from ram_envs.tasks import Observation
from ram_envs.wrappers.actions import KEY, InnerActions, InnerAnswer
from ram_envs.wrappers.pixels import find_pixels, rendered_pixels
from ram_envs.wrappers.senses import Senses
from ram_envs.wrappers.settings import RENDER, GlimpseSettings


class GlimpseCore:
    """The sensor over the frames of a batch of rows.

    Args:
        settings: How the environment is seen.
        observation_space: The observation space of one inner environment.
        action_space: The action space of one inner environment.
        num_rows: Number of rows, B.
        frame: A rendered frame, for ``pixels="render"``.
        names: Names of the inner actions; empty for numbers.

    Attributes:
        answer: The inner action, with the key "action".
        glimpse_sensor: The sensor.
        gaze_control: Translates the gaze part of an action to the next location.
        senses: The spaces of the senses by their key.
        observations: The observation format.
        actions: Splits actions into the gaze and the inner action.
        gaze: float32 (B, gaze_size) in [-1, 1], the location of each row's last glimpse.
        steps: int64 (B,), steps taken in each row's episode.
        begun: Whether an episode has begun.

    Raises:
        InvalidArgument: If the environment cannot be seen this way.
    """

    def __init__(
        self,
        settings: GlimpseSettings,
        observation_space: spaces.Space[Any],
        action_space: spaces.Space[Any],
        num_rows: int,
        frame: Any = None,
        names: Sequence[str] = (),
    ) -> None:
        self.gaze_control = GazeControl(check_choice("gaze", settings.gaze, GAZES), settings.max_step)
        self._key: str | None = None
        self.is_rendered = settings.pixels == RENDER
        if self.is_rendered:
            self._pixels = rendered_pixels(frame)
        else:
            self._pixels, self._key = find_pixels(observation_space, settings.pixels, settings.layout)
        height, width = self._pixels.height, self._pixels.width
        self.glimpse_sensor: Sensor = make_sensor(
            settings.sensor, height, width, self._pixels.channels, settings.patch_size, settings.num_scales
        )
        first = check_first_location(settings.first_location, self.glimpse_sensor.gaze_size)
        self._first = (first, height, width, settings.patch_size)
        is_image = not self.is_rendered and self._key is None
        self._senses = Senses(observation_space, settings.senses, self._key, is_image)
        self.senses: Mapping[str, spaces.Box] = self._senses.spaces
        self.answer = InnerAnswer(KEY, action_space, tuple(names))
        self.observations = ObservationFormat(settings.observation_format, self)
        self.actions = InnerActions(settings.action_format, self, settings.grid_size)
        self._seeds = np.zeros(num_rows, np.int64)
        self._episodes = np.full(num_rows, -1, np.int64)
        self.steps = np.zeros(num_rows, np.int64)
        self.begun = False
        self.gaze = np.zeros((num_rows, self.glimpse_sensor.gaze_size), np.float32)
        self._frames = np.zeros((num_rows, self._pixels.channels, height, width), np.uint8)
        self._glimpse = np.zeros((num_rows, self.glimpse_sensor.glimpse_size), np.float32)

    @property
    def scene(self) -> NDArray[np.uint8]:
        """The last frames, uint8 (B, H, W) or (B, H, W, 3), a copy."""
        return picture(self._frames)

    def begin(self, seed: Any, rows: NDArray[np.bool_] | None = None) -> None:
        """Choose the first location of a new episode in every row, or in some.

        Args:
            seed: One seed for all rows, one or None for each, or None for the next episode of every row.
            rows: bool (B,), the rows; None for all.

        Raises:
            InvalidArgument: If a seed is not valid. Nothing has changed then.
        """
        if seed is None and not self.begun:
            seed = fresh_seed()
        seeds, episodes = map(np.asarray, next_keys(seed, self._seeds, self._episodes))
        words = draw_words(seeds, episodes, self.glimpse_sensor.gaze_size)
        first = np.asarray(first_locations(self._first[0], words, *self._first[1:]))
        if rows is None or not self.begun:
            self._seeds, self._episodes, self.gaze = seeds, episodes, first
            self.steps = np.zeros_like(seeds)
        else:
            self._seeds = np.where(rows, seeds, self._seeds)
            self._episodes = np.where(rows, episodes, self._episodes)
            self.gaze = np.where(rows[:, None], first, self.gaze)
            self.steps = np.where(rows, 0, self.steps)
        self.begun = True

    def move(self, gaze: NDArray[np.float32]) -> None:
        """Move the gaze of every row by the gaze part of its action, float32 (B, gaze_size)."""
        self.gaze = self.gaze_control.move(self.gaze, gaze)  # type: ignore[assignment]
        self.steps = self.steps + 1

    def observe(self, observations: Any, frames: Any = None, batched: bool = True) -> Any:
        """Read the glimpses at the current locations.

        Args:
            observations: A batch of inner observations, or one.
            frames: A batch of rendered frames, or one, for ``pixels="render"``.
            batched: Whether these have a first axis with the rows.

        Returns:
            The batch of observations, in the observation format.

        Raises:
            InvalidObservation: If pixels or senses are NaN.
        """
        self._frames, self._glimpse, senses = self._read(observations, frames, batched, slice(None))
        # Copies, so that neither a user nor a drawing sees what the other changes.
        return self.observations.write(Observation(self._glimpse.copy(), self.gaze.copy(), senses))

    def final_observations(self, observations: Any, ended: NDArray[np.bool_]) -> NDArray[np.object_]:
        """Read the glimpses of episodes that were reset in the step that ended them, without keeping them.

        Args:
            observations: The last inner observations of these episodes: an object array with None in the other rows, or
                a batch of observations.
            ended: bool (B,), the rows.

        Returns:
            object (B,), one observation for each of these rows, in the observation format, and None for the others.
        """
        final = np.full(len(ended), None, dtype=object)
        for row in np.flatnonzero(ended).tolist():
            one = slice(row, row + 1)
            _, glimpse, senses = self._read(take_row(observations, row), None, False, one)
            batch = self.observations.write(Observation(glimpse, self.gaze[one].copy(), senses))
            final[row] = take_row(batch, 0)
        return final

    def _read(
        self, observations: Any, frames: Any, batched: bool, rows: slice
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32], dict[str, NDArray[np.float32]]]:
        """Return the frames, the glimpses and the senses of some rows."""
        steps, first_row = self.steps[rows], rows.start or 0
        images = frames if self.is_rendered else observations if self._key is None else observations[self._key]
        scenes = self._pixels.read(images if batched else np.asarray(images)[None], steps, first_row)
        glimpse: Any = self.glimpse_sensor.read(scenes, self.gaze[rows])
        return scenes, glimpse, self._senses.read(observations, steps, batched, first_row)

    def view(self, row: int, path: Sequence[NDArray[np.float32]], caption: str) -> View:
        """Return what a rendering of one row shows; see :func:`ram_envs.envs.drawing.make_view`."""
        one = slice(row, row + 1)
        return make_view(self.glimpse_sensor, self._frames[one], self._glimpse[one], path, caption)
