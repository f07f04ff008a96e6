"""Compiled loops that repeat the rules of ``catch.py``; see :mod:`ram_envs.compiling`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ram_envs.compiling import kernel
from ram_envs.scenes.kernels import draw_integer, draw_uniform, episode_key
from ram_envs.sensors.kernels import copy, first_value, move, see_points
from ram_envs.sensors.sensor import NOWHERE
from ram_envs.tasks.catch import PADDLE_WIDTH
from ram_envs.tasks.compiled import NEXT_STEP

Array = Any
U = np.uint64
F = np.float32

# Settings of the game, int64.
SCREEN_SIZE, FIRST_HIDDEN, LAST_HIDDEN, MODE, LIMIT = range(5)
# Rows of the game's integers, int64 (6, B), and of its motion, float32 (2, B).
SEED, EPISODE, STEP, BALL, PADDLE, CAUGHT = range(6)
COLUMN, SPEED = range(2)
# Rows of the results, bool (3, B).
TERMINATED, TRUNCATED, SUCCESS = range(3)
# Numbers of random words; of one type, so that numba compiles one function for all.
BALL_DRAW, SPEED_DRAW, PADDLE_DRAW, FIRST_LOCATION_DRAW = map(np.int64, range(4))


@kernel
def begin(
    rows: Array, seed: Array, episode: Array, settings: Array, first: Array, game: Array, motion: Array, location: Array
) -> None:
    """Start new episodes in the rows where ``rows`` is True; see :meth:`Catch.initial`."""
    batch, gaze_size = location.shape
    for b in range(batch):
        if not rows[U(b)]:
            continue
        key = episode_key(seed[U(b)], episode[U(b)])
        ball = draw_integer(key, BALL_DRAW, settings[SCREEN_SIZE])
        game[SEED, U(b)], game[EPISODE, U(b)] = seed[U(b)], episode[U(b)]
        game[STEP, U(b)], game[CAUGHT, U(b)] = 0, 0
        game[BALL, U(b)] = ball
        game[PADDLE, U(b)] = draw_integer(key, PADDLE_DRAW, settings[SCREEN_SIZE] - PADDLE_WIDTH + 1)
        motion[COLUMN, U(b)] = F(ball)
        motion[SPEED, U(b)] = F(draw_uniform(key, SPEED_DRAW) * 2 - 1)
        for index in range(gaze_size):
            location[U(b), U(index)] = first_value(key, FIRST_LOCATION_DRAW + index, index, first)


@kernel
def observe(
    settings: Array, game: Array, location: Array, numbers: Array, optics: Array, white: Array, glimpse: Array
) -> None:
    """Read the glimpses of the ball and the paddle; see :meth:`Catch.observation`."""
    batch = game.shape[1]
    columns, rows = np.empty((PADDLE_WIDTH + 1, batch), np.int64), np.empty((PADDLE_WIDTH + 1, batch), np.int64)
    for b in range(batch):
        for cell in range(PADDLE_WIDTH):
            columns[U(cell), U(b)] = game[PADDLE, U(b)] + cell
            rows[U(cell), U(b)] = settings[SCREEN_SIZE] - 1
        step = game[STEP, U(b)]
        invisible = game[CAUGHT, U(b)] == 1 or settings[FIRST_HIDDEN] <= step <= settings[LAST_HIDDEN]
        columns[U(PADDLE_WIDTH), U(b)] = game[BALL, U(b)]
        rows[U(PADDLE_WIDTH), U(b)] = NOWHERE if invisible else step
    see_points(columns, rows, location, numbers, optics, white, glimpse)


@kernel
def step(
    gaze: Array,
    answer: Array,
    settings: Array,
    first: Array,
    max_step: float,
    game: Array,
    motion: Array,
    location: Array,
    numbers: Array,
    optics: Array,
    white: Array,
    glimpse: Array,
    seen: Array,
    reward: Array,
    flags: Array,
) -> None:
    """Take one step in every row and observe; see :meth:`ram_envs.tasks.compiled.CompiledTask.step`.

    Args:
        gaze: float32 (B, gaze_size).
        answer: int64 (B,), the moves.
        settings: The settings of the task, int64.
        first: The rule of first locations, float32 (2, gaze_size).
        max_step: The longest move of the gaze; 0 with absolute gaze.
        game: The state, int64 (6, B), changed in place, as are the next two.
        motion: float32 (2, B).
        location: float32 (B, gaze_size).
        numbers: The sensor, as are the next two; see :mod:`ram_envs.sensors.kernels`.
        optics: float32 (2 + k,).
        white: float32 (k,).
        glimpse: float32 (B, glimpse_size), a result, as are the following.
        seen: float32 (B, gaze_size), the location.
        reward: float32 (B,).
        flags: bool (3, B), terminated, truncated and success.
    """
    batch, gaze_size = location.shape
    last, wall = settings[SCREEN_SIZE] - 1, F(settings[SCREEN_SIZE] - 1)
    move(location, gaze, max_step, seen)
    resets = False
    for b in range(batch):
        ended = game[STEP, U(b)] == last or game[STEP, U(b)] >= settings[LIMIT]
        flags[TRUNCATED, U(b)] = ended  # until the rows that begin are known
        reward[U(b)] = 0
        if ended:
            resets = True
            for index in range(gaze_size):
                seen[U(b), U(index)] = location[U(b), U(index)]
            continue
        game[STEP, U(b)] += 1
        paddle = min(max(game[PADDLE, U(b)] + (answer[U(b)] - 1), 0), settings[SCREEN_SIZE] - PADDLE_WIDTH)
        ahead = motion[COLUMN, U(b)] + motion[SPEED, U(b)]
        column = abs(ahead)
        if column > wall:
            column = F(2) * wall - column
        if column != ahead:
            motion[SPEED, U(b)] = -motion[SPEED, U(b)]
        ball = np.int64(np.floor(column + F(0.5)))
        game[PADDLE, U(b)], game[BALL, U(b)], motion[COLUMN, U(b)] = paddle, ball, column
        if game[STEP, U(b)] == last and paddle <= ball < paddle + PADDLE_WIDTH:
            game[CAUGHT, U(b)] = 1
            reward[U(b)] = 1
    copy(seen, location)
    if resets and settings[MODE] == NEXT_STEP:
        begin(flags[TRUNCATED], game[SEED], game[EPISODE] + 1, settings, first, game, motion, location)
        copy(location, seen)
    for b in range(batch):
        flags[TERMINATED, U(b)] = game[STEP, U(b)] == last
        flags[TRUNCATED, U(b)] = game[STEP, U(b)] >= settings[LIMIT]
        flags[SUCCESS, U(b)] = game[CAUGHT, U(b)] == 1
    observe(settings, game, location, numbers, optics, white, glimpse)
