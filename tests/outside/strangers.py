"""What a stranger writes: two tasks, a dataset and a sensor in one file outside the packages."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from gymnasium import spaces

import ram_envs
from ram_envs.arguments import check_integer
from ram_envs.arrays import Array, clip, namespace
from ram_envs.scenes.randomness import draw_words, integers, uniform
from ram_envs.sensors import Outline, Sensor
from ram_envs.tasks import Answer, Observation, Task


class Cross(Sensor):
    """Sees two lines of pixels through the location: one along the row and one along the column."""

    gaze_size = 2

    def __init__(
        self, height: int, width: int, channels: int, patch_size: int, num_scales: int, reach: int = 1
    ) -> None:
        super().__init__(height, width, channels, patch_size, num_scales)
        self.length = 2 * reach * patch_size + 1
        self.glimpse_shape = (2, channels, 1, self.length)

    def read(self, prepared: Array, location: Array) -> Array:
        """Read the two lines; pixels outside the scene are black."""
        xp = namespace(prepared)
        center = xp.astype(xp.floor(self.to_pixels(location)), xp.int64)
        line = xp.arange(self.length, device=prepared.device) - self.length // 2
        batch = xp.arange(prepared.shape[0], device=prepared.device)[:, None]
        lines = []
        for along_row in (True, False):
            column = center[:, :1] + (line if along_row else 0 * line)
            row = center[:, 1:] + (0 * line if along_row else line)
            inside = (column >= 0) & (column < self.width) & (row >= 0) & (row < self.height)
            columns, rows = clip(column, 0, self.width - 1), clip(row, 0, self.height - 1)
            pixels = prepared[batch, :, rows, columns]  # (B, length, C)
            lines.append(xp.permute_dims(xp.where(inside[:, :, None], pixels, 0), (0, 2, 1)))
        values = xp.reshape(xp.stack(lines, axis=1), (prepared.shape[0], self.glimpse_size))
        return xp.astype(values, xp.float32) / 255

    def outlines(self, location: Array) -> list[Outline]:
        """Return the two lines."""
        column, row = (int(value) for value in np.floor(self.to_pixels(location)))
        half = self.length // 2
        return [Outline(row, column - half, 1, self.length), Outline(row - half, column, self.length, 1)]


class SwarmState(NamedTuple):
    """Positions and speeds of the objects of each row, (B, num_objects) each, and who is there."""

    step: Array
    location: Array
    x: Array
    y: Array
    dx: Array
    dy: Array
    present: Array
    score: Array


@dataclass(frozen=True, kw_only=True)
class Swarm(Task[SwarmState]):
    """Several objects drift over a torus.

    ## Arguments
    - ``num_objects`` (3): the most objects there are.
    - ``side`` (16): side of the scene in pixels.
    - ``duration`` (5): steps of an episode.
    """

    patch_size: int = 4
    num_scales: int = 2
    gaze: str = "relative"
    num_objects: int = 3
    side: int = 16
    duration: int = 5

    def __post_init__(self) -> None:
        """Check the settings."""
        if self.num_objects > self.side:
            raise ValueError(f"num_objects={self.num_objects} is too many: expected at most side={self.side}")
        check_integer("duration", self.duration, 1, 100)
        super().__post_init__()

    @property
    def scene_shape(self):
        """Height, width and channels."""
        return self.side, self.side, 1

    @property
    def max_episode_steps(self):
        """Steps of an episode."""
        return self.duration

    def initial(self, seed: Array, episode: Array) -> SwarmState:
        """Scatter the objects."""
        xp, count, gaze_size = namespace(seed), self.num_objects, self.glimpse_sensor.gaze_size
        words = draw_words(seed, episode, 1 + gaze_size + 4 * count)
        places = words[:, 1 + gaze_size :]
        number = integers(words[:, 0], count) + 1
        return SwarmState(
            step=xp.zeros_like(seed),
            location=self.first_fixation(words[:, 1 : 1 + gaze_size]),
            x=integers(places[:, :count], self.side),
            y=integers(places[:, count : 2 * count], self.side),
            dx=integers(places[:, 2 * count : 3 * count], 3) - 1,
            dy=integers(places[:, 3 * count :], 3) - 1,
            present=xp.arange(count, device=seed.device)[None] < number[:, None],
            score=xp.astype(uniform(words[:, 0]) * 0, xp.float32),
        )

    def drift(self, state: SwarmState, location: Array) -> SwarmState:
        """Move everything by one step."""
        return state._replace(
            step=state.step + 1,
            location=location,
            x=(state.x + state.dx) % self.side,
            y=(state.y + state.dy) % self.side,
        )

    def observation(self, state: SwarmState) -> Observation:
        """Look at the drawn scene."""
        sensor = self.glimpse_sensor
        return Observation(sensor.read(sensor.prepare(self.scene(state)), state.location), state.location)

    def scene(self, state: SwarmState) -> Array:
        """Draw the objects that are present."""
        xp = namespace(state.step)
        scene = xp.zeros((state.step.shape[0], 1, self.side, self.side), dtype=xp.uint8, device=state.step.device)
        row = xp.arange(state.step.shape[0], device=state.step.device)
        for number in range(self.num_objects):
            pixel = scene[row, 0, state.y[:, number], state.x[:, number]]
            lit = xp.astype(xp.where(state.present[:, number], 255, pixel), xp.uint8)
            scene[row, 0, state.y[:, number], state.x[:, number]] = lit
        return scene

    def reward(self, state: SwarmState) -> Array:
        """The score of the last step."""
        return state.score

    def terminal(self, state: SwarmState) -> Array:
        """The time is over."""
        return state.step >= self.duration

    def info(self, state: SwarmState) -> dict[str, Array]:
        """Whether the last answer scored."""
        return {"is_success": state.score > 0}


@dataclass(frozen=True, kw_only=True)
class Counting(Swarm):
    """Say at the end how many objects there are: learned by supervision.

    ## Arguments
    - ``num_objects`` (3): the most objects there are.
    """

    @cached_property
    def answer(self):
        """The number of objects, from 1."""
        return Answer("count", spaces.Discrete(self.num_objects), tuple(str(n + 1) for n in range(self.num_objects)))

    def transition(self, state: SwarmState, location: Array, answer: Array) -> SwarmState:
        """Drift, and score the last answer."""
        xp = namespace(location)
        right = (answer == self.target(state)) & self.answer_counts(state)
        return self.drift(state, location)._replace(score=xp.astype(right, xp.float32))

    def answer_counts(self, state: SwarmState) -> Array:
        """At the last step only."""
        return state.step == self.duration - 1

    def target(self, state: SwarmState) -> Array:
        """The number of objects, less one."""
        xp = namespace(state.step)
        return xp.sum(xp.astype(state.present, xp.int64), axis=1) - 1


@dataclass(frozen=True, kw_only=True)
class Chasing(Swarm):
    """Guess at every step whether the first object is in the left or the right half: learned by reinforcement."""

    @cached_property
    def answer(self):
        """The half."""
        return Answer("half", spaces.Discrete(2), ("left", "right"))

    def transition(self, state: SwarmState, location: Array, answer: Array) -> SwarmState:
        """Drift, and score the guess."""
        xp = namespace(location)
        half = xp.astype(state.x[:, 0] >= self.side // 2, xp.int64)
        return self.drift(state, location)._replace(score=xp.astype(answer == half, xp.float32))


def stripes(split: str) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Load images of horizontal or vertical stripes with noise."""
    generator = np.random.default_rng(0 if split == "train" else 1)
    labels = np.arange(60 if split == "train" else 20) % 2
    phase = generator.integers(0, 4, len(labels))
    line = (np.arange(12)[None] + phase[:, None]) % 4 < 2  # (N, 12)
    images = np.where(labels[:, None, None] == 0, line[:, :, None], line[:, None, :]) * 200
    return (images + generator.integers(0, 50, images.shape)).astype(np.uint8), labels, ("rows", "columns")


ram_envs.register_sensor("cross", Cross, reach=1)
ram_envs.register_dataset("stripes", stripes, shape=(12, 12, 1), num_classes=2)
ram_envs.register("Counting-v0", Counting, duration=4)
ram_envs.register("Chasing-v0", Chasing)
ram_envs.register("Stripes-v0", "classification", dataset="strangers:stripes", patch_size=3, num_glimpses=3)
ram_envs.register("CrossStripes-v0", "classification", dataset="stripes", sensor="cross", patch_size=2, num_glimpses=3)
