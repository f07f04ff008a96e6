"""The game Catch, seen through glimpses (Mnih et al. 2014, section 4.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import numpy as np
from gymnasium import spaces

from ram_envs.arguments import check_flag, check_integer
from ram_envs.arrays import Array, clip, namespace
from ram_envs.errors import InvalidArgument, shown
from ram_envs.scenes.randomness import draw_words, integers, uniform
from ram_envs.sensors.sensor import NOWHERE
from ram_envs.tasks.answer import Answer
from ram_envs.tasks.task import NO_SENSES, Observation, Task

PADDLE_WIDTH = 2
MOVES = ("left", "stay", "right")


class CatchState(NamedTuple):
    """The ball, the paddle and the gaze.

    Attributes:
        step: int64 (B,), steps taken; also the row of the ball.
        column: float32 (B,), the position of the ball, in [0, screen_size - 1].
        ball: int64 (B,), the column in which the ball is drawn: the nearest to its position.
        speed: float32 (B,), columns that the ball moves per row, in [-1, 1].
        paddle: int64 (B,), the left column of the paddle, in [0, screen_size - 2].
        caught: bool (B,), whether the ball has landed on the paddle.
        location: float32 (B, gaze_size), where the sensor looks, in [-1, 1].
    """

    step: Array
    column: Array
    ball: Array
    speed: Array
    paddle: Array
    caught: Array
    location: Array


@dataclass(frozen=True, kw_only=True)
class Catch(Task[CatchState]):
    """The game Catch, seen through glimpses.

    ## Description
    A ball of one pixel falls from the top of a black 24x24 screen, one row per step, at a constant horizontal speed. It
    bounces off the side walls. A paddle of two pixels at the bottom moves left, stays or moves right. The agent
    controls the paddle and its own gaze, and learns only from the reward at the end. It must see the ball twice at the
    finest scale to know where the ball will land, and the paddle is slow, so the game needs memory: a player that
    always moves toward the ball catches about half of the balls.

    ## Action Space
    The next location (x, y) and one of the moves 0 (left), 1 (stay), 2 (right), in the format ``action_format``.

    ## Observation Space
    | key | dtype, shape | range | meaning |
    |---|---|---|---|
    | glimpse | float32 (108,) | [0, 1] | three 6x6 patches, 6, 12 and 24 pixels wide, finest first, each row by row |
    | location | float32 (2,) | [-1, 1] | center of the glimpse, (x, y); (-1, -1) is the top-left corner |
    | sound | float32 (2,) | [0, 1] | only with ``hearing``: loudness of the ball on the left and on the right |

    ## Rewards
    1 at the last step if the ball is in one of the paddle's two columns, otherwise 0. 0 at all earlier steps.

    ## Starting State
    The ball is in row 0, in a uniformly random column. Its speed is uniform in [-1, 1] columns per row. The position of
    the paddle and the first location are uniformly random.

    ## Episode End
    Terminated after ``screen_size - 1`` steps, 23, with the ball in the last row. Never truncated.

    ## Information
    ``is_success``: bool, whether the ball was caught; False until the end.

    ## Arguments
    - ``patch_size`` (6): side of a patch as the agent receives it, in pixels.
    - ``num_scales`` (3): number of concentric patches, each twice as wide as the one before.
    - ``screen_size`` (24): side of the screen in pixels, at least 4.
    - ``hidden_rows`` (None): a pair (first, last) of rows in which the ball is invisible: (0, 15) hides it for the
      first 16 of the 24 rows. The paddle stays visible.
    - ``hearing`` (False): whether the agent also hears the ball, visible or not, in stereo, as a person standing on the
      paddle who faces the top of the screen. The loudness depends on the direction of the ball only, not on its
      distance: with the angle a from straight up, -90 degrees for left and 90 for right, left is cos(a / 2 + 45
      degrees) and right is sin(a / 2 + 45 degrees) (constant-power panning), so the squares of both add up to 1.
    - ``first_location``, ``sensor``, ``gaze`` and ``max_step``: see :class:`ram_envs.tasks.Task`.

    ## Version History
    - v0: first version.
    """

    patch_size: int = 6
    num_scales: int = 3
    screen_size: int = 24
    hidden_rows: tuple[int, int] | None = None
    hearing: bool = False
    compiled_rules: ClassVar[str] = "ram_envs.tasks.compiled_catch:CompiledCatch"

    def __post_init__(self) -> None:
        """Check the settings."""
        check_integer("screen_size", self.screen_size, 4, 4096)
        check_flag("hearing", self.hearing)
        if self.hidden_rows is not None:
            object.__setattr__(self, "hidden_rows", self._check_rows(self.hidden_rows))
        super().__post_init__()

    def _check_rows(self, rows: Any) -> tuple[int, int]:
        """Return a pair of rows, the first one not below the last one."""
        try:
            first, last = (check_integer("hidden_rows", row, 0, self.screen_size - 1) for row in rows)
            if isinstance(rows, str) or first > last:
                raise ValueError
        except (TypeError, ValueError):
            raise InvalidArgument(
                f"hidden_rows={shown(rows)} is not valid: expected None or a pair (first, last) of rows with "
                f"0 <= first <= last <= {self.screen_size - 1}"
            ) from None
        return first, last

    @classmethod
    def summary(cls, settings: Mapping[str, Any]) -> str:
        """Describe an environment in one line."""
        side = settings.get("screen_size", cls.screen_size)
        return f"game, {side}x{side}; {side - 1} steps"

    @property
    def scene_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of the screen."""
        return self.screen_size, self.screen_size, 1

    @cached_property
    def answer(self) -> Answer:
        """The move of the paddle."""
        return Answer("move", spaces.Discrete(len(MOVES)), MOVES)

    @property
    def senses(self) -> dict[str, spaces.Box]:
        """The sound of the ball, if the agent hears."""
        return {"sound": spaces.Box(0.0, 1.0, (2,), np.float32)} if self.hearing else {}

    @property
    def max_episode_steps(self) -> int:
        """The number of rows that the ball falls."""
        return self.screen_size - 1

    def initial(self, seed: Array, episode: Array) -> CatchState:
        """Start with a new ball; see :meth:`Task.initial`."""
        xp = namespace(seed)
        words = draw_words(seed, episode, 3 + self.glimpse_sensor.gaze_size)
        ball = integers(words[:, 0], self.screen_size)
        return CatchState(
            step=xp.zeros_like(seed),
            column=xp.astype(ball, xp.float32),
            ball=ball,
            speed=xp.astype(uniform(words[:, 1]) * 2 - 1, xp.float32),
            paddle=integers(words[:, 2], self.screen_size - PADDLE_WIDTH + 1),
            caught=xp.zeros_like(seed, dtype=xp.bool),
            location=self.first_fixation(words[:, 3:]),
        )

    def transition(self, state: CatchState, location: Array, answer: Array) -> CatchState:
        """Move the paddle, then the ball, then the gaze."""
        xp = namespace(location)
        step = state.step + 1
        paddle = clip(state.paddle + (answer - 1), 0, self.screen_size - PADDLE_WIDTH)
        wall = self.screen_size - 1
        ahead = state.column + state.speed
        column = xp.abs(ahead)  # reflected at column 0
        column = xp.where(column > wall, 2 * wall - column, column)
        ball = xp.astype(xp.floor(column + 0.5), xp.int64)
        caught = (step == self.max_episode_steps) & (ball >= paddle) & (ball < paddle + PADDLE_WIDTH)
        speed = xp.where(column == ahead, state.speed, -state.speed)
        return CatchState(step, column, ball, speed, paddle, caught, location)

    def observation(self, state: CatchState) -> Observation:
        """Read the glimpses of the ball and the paddle; see :meth:`Task.observation`."""
        xp = namespace(state.column)
        bottom = xp.full_like(state.step, self.screen_size - 1)
        # A caught ball lies on a pixel that is white already.
        invisible = state.caught if self.hidden_rows is None else state.caught | self._hidden(state.step)
        ball_row = xp.where(invisible, NOWHERE, state.step)
        columns = xp.concat([state.paddle[None], state.paddle[None] + 1, state.ball[None]])
        rows = xp.concat([bottom[None], bottom[None], ball_row[None]])
        glimpse = self.glimpse_sensor.read_points(columns, rows, state.location)
        return Observation(glimpse, state.location, {"sound": self._sound(state)} if self.hearing else NO_SENSES)

    def _hidden(self, step: Array) -> Array:
        """Return whether the ball is in a row in which it is invisible, bool (B,)."""
        assert self.hidden_rows is not None
        first, last = self.hidden_rows
        return (step >= first) & (step <= last)

    def _sound(self, state: CatchState) -> Array:
        """Return the loudness of the ball on the left and on the right of the paddle's centre: float32 (B, 2).

        The half-angle formulas give cos(a / 2 + 45 degrees) = sqrt((1 - sin a) / 2), and sin a is the horizontal part
        of the direction. In float64, so that NumPy and torch agree after rounding.
        """
        xp = namespace(state.column)
        centre = xp.astype(state.paddle, xp.float64) + (PADDLE_WIDTH - 1) / 2
        across = xp.astype(state.column, xp.float64) - centre
        up = xp.astype(self.screen_size - 1 - state.step, xp.float64)
        distance = xp.sqrt(across * across + up * up)
        # A ball in the paddle's centre is straight ahead.
        sine = across / xp.where(distance == 0, 1.0, distance)
        return xp.astype(xp.sqrt(xp.stack([(1 - sine) / 2, (1 + sine) / 2], axis=1)), xp.float32)

    def reward(self, state: CatchState) -> Array:
        """Return 1 for a caught ball; see :meth:`Task.reward`."""
        xp = namespace(state.column)
        return xp.astype(state.caught, xp.float32)

    def terminal(self, state: CatchState) -> Array:
        """Return whether the ball is in the last row; see :meth:`Task.terminal`."""
        return state.step == self.max_episode_steps

    def scene(self, state: CatchState) -> Array:
        """Draw the screen: uint8 (B, 1, H, W), 0 or 255."""
        xp = namespace(state.column)
        size = self.screen_size
        row = xp.arange(state.step.shape[0], device=state.step.device)
        screen = xp.zeros((row.shape[0], 1, size, size), dtype=xp.uint8, device=state.step.device)
        screen[row, 0, state.step, state.ball] = 255
        for cell in range(PADDLE_WIDTH):
            screen[row, 0, size - 1, state.paddle + cell] = 255
        return screen

    def info(self, state: CatchState) -> dict[str, Array]:
        """Return whether the ball was caught, bool (B,)."""
        return {"is_success": state.caught}

    def caption(self, state: CatchState, row: int) -> str:
        """Step, sound and outcome."""
        outcome = ""
        if bool(self.terminal(state)[row]):
            outcome = " · caught, reward 1" if bool(state.caught[row]) else " · missed, reward 0"
        if self.hearing:
            left, right = (float(loudness) for loudness in self._sound(state)[row])
            outcome = f" · sound {left:.2f} left, {right:.2f} right{outcome}"
        return f"step {int(state.step[row])}/{self.max_episode_steps}{outcome}"

    def oracle(self) -> CatchOracle:
        """Return a player that sees the whole screen at every step, but not the speed of the ball."""
        return CatchOracle(self)


class CatchOracle:
    """Keeps the speeds that are consistent with the ball so far, and moves to the mean landing column over them.

    Args:
        task: The game.
    """

    _SPEEDS = np.linspace(-1, 1, 401, dtype=np.float32)
    _TOLERANCE = 0.05  # beyond the half column between the drawn ball and its position, since speeds are steps apart

    def __init__(self, task: Catch) -> None:
        self._wall = task.screen_size - 1

    def start(self, num_rows: int) -> None:
        """Consider every speed possible."""
        self._possible = np.ones((num_rows, len(self._SPEEDS)), bool)
        self._start: np.ndarray | None = None

    def answer(self, state: CatchState) -> np.ndarray:
        """Return the move towards the landing, int64 (B,), from a state on NumPy whose rows are all at one step."""
        step, ball, paddle = int(state.step[0]), state.ball, state.paddle
        if self._start is None:
            self._start = np.asarray(ball, np.float32)
        agree = self._possible & (np.abs(self._column(step) - ball[:, None]) <= 0.5 + self._TOLERANCE)
        self._possible = np.where(agree.any(axis=1, keepdims=True), agree, self._possible)
        landing = (self._possible * self._column(self._wall)).sum(axis=1) / self._possible.sum(axis=1)
        return np.where(landing < paddle, 0, np.where(landing > paddle + PADDLE_WIDTH - 1, 2, 1))

    def _column(self, step: int) -> np.ndarray:
        """Return where a ball of each speed would be after some steps, reflected at the walls: float32 (B, speeds)."""
        assert self._start is not None
        return self._wall - np.abs(self._wall - np.abs(self._start[:, None] + self._SPEEDS * step))
