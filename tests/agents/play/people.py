"""What a person does, as pygame's events, and tasks of a stranger to play."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pygame
from gymnasium import spaces

from agents.play.game import Game
from ram_envs.arrays import Array, namespace
from ram_envs.rendering import layout
from ram_envs.scenes.randomness import draw_words, integers
from ram_envs.tasks import Answer, Observation, Task
from ram_envs.tasks.figure import EPISODE_RETURN, SUCCESS_RATE, FigureOfMerit


def key(code: int, text: str = "", up: bool = False) -> pygame.event.Event:
    return pygame.event.Event(pygame.KEYUP if up else pygame.KEYDOWN, key=code, unicode=text)


def digit(number: int) -> pygame.event.Event:
    return key(pygame.K_0 + number, str(number))


def typing(text: str) -> list[pygame.event.Event]:
    """Return the keys of a text, with Return at its end."""
    return [key(ord(letter), letter) for letter in text] + [key(pygame.K_RETURN, "\r")]


def click(position: tuple[float, float]) -> pygame.event.Event:
    return pygame.event.Event(pygame.MOUSEBUTTONDOWN, pos=position, button=1)


def move(position: tuple[float, float]) -> pygame.event.Event:
    return pygame.event.Event(pygame.MOUSEMOTION, pos=position, rel=(0, 0), buttons=(0, 0, 0))


def wheel(notches: int) -> pygame.event.Event:
    return pygame.event.Event(pygame.MOUSEWHEEL, x=0, y=notches, flipped=False)


SPACE, ESCAPE = key(pygame.K_SPACE, " "), key(pygame.K_ESCAPE)


def place(game: Game, x: float, y: float) -> tuple[float, float]:
    """Return where in the frame a location is."""
    left, top, width, height = layout(game.view()).scene
    return left + (x + 1) / 2 * width, top + (y + 1) / 2 * height


class DotState(NamedTuple):
    step: Array
    location: Array
    row: Array
    column: Array
    paid: Array
    right: Array


@dataclass(frozen=True, kw_only=True)
class Dot(Task[DotState]):
    """A dot lies somewhere on a screen, and the agent says or does something about it.

    What it asks for is its argument ``asks``: "chase" is a game in which the answers move the dot and every step pays
    its row; "column" asks for the column as a number at the last step; "side" asks at each step on which side the dot
    is, which moves to the right.
    """

    patch_size: int = 4
    num_scales: int = 2
    asks: str = "chase"

    @property
    def scene_shape(self) -> tuple[int, int, int]:
        return 12, 16, 1

    @property
    def max_episode_steps(self) -> int:
        return 5

    @cached_property
    def answer(self) -> Answer:
        if self.asks == "chase":
            return Answer("push", spaces.Discrete(5), ("up", "down", "left", "right", "stay"))
        if self.asks == "side":
            return Answer("side", spaces.Discrete(2), ("west", "east"))
        return Answer("column", spaces.Box(0.0, 15.0, (1,), np.float32), ("column",))

    @property
    def figure(self) -> FigureOfMerit:
        return EPISODE_RETURN if self.asks == "chase" else SUCCESS_RATE

    def initial(self, seed: Array, episode: Array) -> DotState:
        xp = namespace(seed)
        words = draw_words(seed, episode, 2 + self.glimpse_sensor.gaze_size)
        row, column = integers(words[:, 0], 12), integers(words[:, 1], 16)
        nothing = xp.zeros_like(seed)
        return DotState(nothing, self.first_fixation(words[:, 2:]), row, column, nothing, nothing == 0)

    def transition(self, state: DotState, location: Array, answer: Array) -> DotState:
        xp = namespace(location)
        row, column, right = state.row, state.column, state.right
        if self.asks == "chase":
            row = xp.clip(row + (answer == 1) - (answer == 0), 0, 11)
            column = xp.clip(column + (answer == 3) - (answer == 2), 0, 15)
        elif self.asks == "side":
            right = right & (answer == (column >= 8))
            column = (column + 4) % 16
        else:
            last = state.step + 1 == self.max_episode_steps
            right = ~last | (xp.abs(answer[:, 0] - column) <= 0.5)
        return DotState(state.step + 1, location, row, column, row, right)

    def observation(self, state: DotState) -> Observation:
        glimpse = self.glimpse_sensor.read_points(state.column[None], state.row[None], state.location)
        return Observation(glimpse, state.location)

    def reward(self, state: DotState) -> Array:
        return namespace(state.step).astype(state.paid, namespace(state.step).float32)

    def terminal(self, state: DotState) -> Array:
        return state.step == self.max_episode_steps

    def scene(self, state: DotState) -> Array:
        screen = np.zeros((len(state.step), 1, 12, 16), np.uint8)
        screen[np.arange(len(screen)), 0, state.row, state.column] = 255
        return screen

    def answer_counts(self, state: DotState) -> Array:
        return state.step >= (self.max_episode_steps - 1 if self.asks == "column" else 0)

    def target(self, state: DotState) -> Any:
        if self.asks == "chase":
            return None
        if self.asks == "side":
            return (state.column >= 8).astype(np.int64)
        return state.column[:, None].astype(np.float32)

    def info(self, state: DotState) -> dict[str, Array]:
        return {} if self.asks == "chase" else {"is_success": state.right & self.terminal(state)}
