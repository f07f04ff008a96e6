"""Catch: a game that is won by looking at the right place at the right time (Mnih et al. 2014, section 4.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from ram_envs.arguments import check_integer
from ram_envs.arrays import Array, clip, namespace
from ram_envs.scenes.randomness import draw_words, integers, uniform
from ram_envs.sensor import NOWHERE
from ram_envs.tasks.task import Observation, Task

PADDLE_WIDTH = 2
MOVES = ("left", "stay", "right")


class CatchState(NamedTuple):
    """Where the ball and the paddle are.

    Attributes:
        step: int64 (B,), steps taken; it is also the row that the ball is in.
        column: float32 (B,), the ball's place, in [0, screen_size - 1].
        ball: int64 (B,), the column that the ball is drawn in: the one nearest to its place.
        speed: float32 (B,), columns that the ball moves with every row, in [-1, 1].
        paddle: int64 (B,), the paddle's left column, in [0, screen_size - 2].
        caught: bool (B,), whether the ball has come to lie on the paddle.
        location: float32 (B, 2), the fixation, (x, y) in [-1, 1].
    """

    step: Array
    column: Array
    ball: Array
    speed: Array
    paddle: Array
    caught: Array
    location: Array


@dataclass(frozen=True, kw_only=True)
class Catch(Task):
    """The game Catch, seen through glimpses.

    ## Description
    A ball of one pixel falls from the top of a black 24x24 screen, one row a step, at a constant horizontal speed, and
    is reflected by the side walls. A paddle of two pixels at the bottom moves left, stays or moves right. The agent
    controls the paddle and its own gaze, and is told nothing but the reward at the end. The ball has to be seen twice,
    at the finest scale, before it can be known where it will land, and the paddle is slow, so the game needs memory:
    whoever merely follows the ball catches half.

    ## Action Space
    The next fixation (x, y) and one of the moves 0 (left), 1 (stay), 2 (right), in the format ``action_format``.

    ## Observation Space
    | key | dtype, shape | range | meaning |
    |---|---|---|---|
    | glimpse | float32 (108,) | [0, 1] | three 6x6 patches, 6, 12 and 24 pixels wide, finest first, each row by row |
    | location | float32 (2,) | [-1, 1] | where it was taken, (x, y), (-1, -1) the top-left corner |

    ## Rewards
    1 if the ball is above one of the paddle's two columns when it reaches the last row, otherwise 0; 0 before.

    ## Starting State
    The ball in row 0 at a uniform column, its speed uniform in [-1, 1] columns a row, the paddle and the first
    fixation uniform.

    ## Episode End
    Terminated after ``screen_size - 1`` steps, 23, with the ball in the last row. Never truncated.

    ## Information
    ``is_success``: bool, whether the ball was caught; False until the end.

    ## Arguments
    - ``patch_size`` (6), ``num_scales`` (3), ``first_location`` ("random"): see :class:`ram_envs.tasks.task.Task`.
    - ``screen_size`` (24): side of the screen in pixels, from 4.

    ## Version History
    - v0: first version.
    """

    patch_size: int = 6
    num_scales: int = 3
    screen_size: int = 24

    action_key: ClassVar[str] = "move"

    def __post_init__(self) -> None:
        """Check the settings."""
        check_integer("screen_size", self.screen_size, 4, 4096)
        super().__post_init__()

    @property
    def scene_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of the screen."""
        return self.screen_size, self.screen_size, 1

    @property
    def num_actions(self) -> int:
        """Left, stay and right."""
        return len(MOVES)

    @property
    def max_episode_steps(self) -> int:
        """Rows that the ball falls."""
        return self.screen_size - 1

    def initial(self, seed: Array, episode: Array, image_index: Array | None = None) -> CatchState:
        """Drop a new ball; see :meth:`Task.initial`.

        Raises:
            ValueError: If ``image_index`` is given: this task shows no images.
        """
        if image_index is not None:
            raise ValueError("options['image_index'] is only for tasks that show images: Catch has none")
        xp = namespace(seed)
        words = draw_words(seed, episode, 5)
        ball = integers(words[:, 0], self.screen_size)
        return CatchState(
            step=xp.zeros_like(seed),
            column=xp.astype(ball, xp.float32),
            ball=ball,
            speed=xp.astype(uniform(words[:, 1]) * 2 - 1, xp.float32),
            paddle=integers(words[:, 2], self.screen_size - PADDLE_WIDTH + 1),
            caught=xp.zeros_like(seed, dtype=xp.bool),
            location=self.first_fixation(words[:, 3:5]),
        )

    def transition(self, state: CatchState, fixation: Array, task_action: Array) -> CatchState:
        """Move the paddle, then the ball, then the gaze; see :meth:`Task.transition`."""
        xp = namespace(fixation)
        step = state.step + 1
        paddle = clip(state.paddle + (task_action - 1), 0, self.screen_size - PADDLE_WIDTH)
        wall = self.screen_size - 1
        ahead = state.column + state.speed
        column = xp.abs(ahead)  # reflected at column 0
        column = xp.where(column > wall, 2 * wall - column, column)
        ball = xp.astype(xp.floor(column + 0.5), xp.int64)
        caught = (step == self.max_episode_steps) & (ball >= paddle) & (ball < paddle + PADDLE_WIDTH)
        speed = xp.where(column == ahead, state.speed, -state.speed)
        return CatchState(step, column, ball, speed, paddle, caught, fixation)

    def observation(self, state: CatchState) -> Observation:
        """Look at the paddle's two pixels and the ball."""
        xp = namespace(state.column)
        bottom = xp.full_like(state.step, self.screen_size - 1)
        # A ball on the paddle lies on a pixel that is white already.
        ball_row = xp.where(state.caught, NOWHERE, state.step)
        columns = xp.concat([state.paddle[None], state.paddle[None] + 1, state.ball[None]])
        rows = xp.concat([bottom[None], bottom[None], ball_row[None]])
        return Observation(self.sensor.read_points(columns, rows, state.location), state.location)

    def reward(self, state: CatchState) -> Array:
        """1 for a ball caught."""
        xp = namespace(state.column)
        return xp.astype(state.caught, xp.float32)

    def terminal(self, state: CatchState) -> Array:
        """The ball is in the last row."""
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
        """Whether the ball was caught."""
        return {"is_success": state.caught}

    def caption(self, state: CatchState, row: int) -> str:
        """Step and outcome."""
        outcome = ""
        if bool(self.terminal(state)[row]):
            outcome = " · caught, reward 1" if bool(state.caught[row]) else " · missed, reward 0"
        return f"step {int(state.step[row])}/{self.max_episode_steps}{outcome}"
