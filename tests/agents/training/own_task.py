"""A task from outside the package: a dot moves right or left; say at every step where it goes. It shows no images."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from gymnasium import spaces

import ram_envs
from ram_envs.arrays import Array, namespace
from ram_envs.scenes.randomness import draw_words, integers
from ram_envs.tasks import Answer, FigureOfMerit, Observation, Task

SIZE, STEPS = 8, 4
POINTS = FigureOfMerit(name="points", label="points", of="return", digits=2)


class DriftState(NamedTuple):
    step: Array
    location: Array
    column: Array
    direction: Array
    right_answers: Array
    rewarded: Array


@dataclass(frozen=True, kw_only=True)
class Drift(Task[DriftState]):
    """Say where a dot drifts."""

    patch_size: int = 4
    num_scales: int = 2
    turns: bool = False
    """Whether the direction changes after the second step, and with it the right answer."""

    @property
    def scene_shape(self) -> tuple[int, int, int]:
        return SIZE, SIZE, 1

    @cached_property
    def answer(self) -> Answer:
        return Answer("direction", spaces.Discrete(2), ("left", "right"))

    @property
    def max_episode_steps(self) -> int:
        return STEPS

    @property
    def figure(self) -> FigureOfMerit:
        return POINTS

    def initial(self, seed: Array, episode: Array) -> DriftState:
        xp = namespace(seed)
        words = draw_words(seed, episode, 2 + self.glimpse_sensor.gaze_size)
        zeros = xp.zeros_like(seed)
        return DriftState(
            step=zeros,
            location=self.first_fixation(words[:, 2:]),
            column=integers(words[:, 0], SIZE),
            direction=integers(words[:, 1], 2),
            right_answers=zeros,
            rewarded=zeros,
        )

    def transition(self, state: DriftState, location: Array, answer: Array) -> DriftState:
        xp = namespace(location)
        right = xp.astype((answer == state.direction) & self.answer_counts(state), xp.int64)
        step = state.step + 1
        turned = self.turns & (step == 2)
        return DriftState(
            step=step,
            location=location,
            column=(state.column + 2 * state.direction - 1) % SIZE,
            direction=xp.where(turned, 1 - state.direction, state.direction),
            right_answers=state.right_answers + right,
            rewarded=right,
        )

    def observation(self, state: DriftState) -> Observation:
        xp = namespace(state.step)
        row = xp.full_like(state.step, SIZE // 2)
        return Observation(
            self.glimpse_sensor.read_points(state.column[None], row[None], state.location), state.location
        )

    def reward(self, state: DriftState) -> Array:
        xp = namespace(state.step)
        return xp.astype(state.rewarded, xp.float32)

    def terminal(self, state: DriftState) -> Array:
        return state.step == STEPS

    def scene(self, state: DriftState) -> Array:
        xp = namespace(state.step)
        row = xp.arange(state.step.shape[0], device=state.step.device)
        scene = xp.zeros((row.shape[0], 1, SIZE, SIZE), dtype=xp.uint8, device=state.step.device)
        scene[row, 0, SIZE // 2, state.column] = 255
        return scene

    def answer_counts(self, state: DriftState) -> Array:
        return state.step > 0  # one glimpse shows no direction

    def target(self, state: DriftState) -> Array:
        return state.direction


ram_envs.register("RAM-Drift-v0", Drift)
