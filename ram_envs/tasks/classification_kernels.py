"""Compiled loops that repeat the rules of ``classification.py``; see :mod:`ram_envs.compiling`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ram_envs.compiling import helper, kernel
from ram_envs.scenes.composition import DRAWS_PER_PICTURE, DRAWS_PER_PIECE
from ram_envs.scenes.kernels import compose, draw_integer, episode_key, erase
from ram_envs.sensors.kernels import copy, first_value, move
from ram_envs.tasks.classification import UNDECIDED
from ram_envs.tasks.compiled import NEXT_STEP

Array = Any
U = np.uint64
F = np.float32

# Settings of the task, int64.
NUM_GLIMPSES, NUM_CLASSES, LEARNED_STOP, PLACED, NUM_CLUTTER, CLUTTER_SIZE, MODE, LIMIT = range(8)
# Rows of the state, int64 (6, B), and of the integers in the info, int64 (3, B).
SEED, EPISODE, STEP, PREDICTION, LABEL, IMAGE_INDEX = range(6)
INFO_LABEL, INFO_PREDICTION, INFO_IMAGE_INDEX = range(3)
# Rows of the results, bool (3, B).
TERMINATED, TRUNCATED, SUCCESS = range(3)

# Numbers of random words; of one type, so that numba compiles one function for all.
IMAGE_DRAW, FIRST_LOCATION_DRAW, SCENE_DRAW = np.int64(0), np.int64(1), np.int64(3)


@kernel
def begin(
    rows: Array,
    seed: Array,
    episode: Array,
    image_index: Array,
    settings: Array,
    first: Array,
    images: Array,
    labels: Array,
    drawn: Array,
    state: Array,
    location: Array,
    scenes: Array,
) -> None:
    """Show new scenes in the rows where ``rows`` is True; see :meth:`Classification.initial`.

    Args:
        rows: bool (B,).
        seed: int64 (B,).
        episode: int64 (B,).
        image_index: int64 (B,), the images to show; (0,) for random images.
        settings: int64 (8,).
        first: The rule of first locations.
        images: uint8 (N, C, h, w).
        labels: int64 (N,).
        drawn: bool (1,), whether the canvases show the scenes of the seeds and episodes in ``state``, or are black.
        state: int64 (6, B), changed in place, as are ``location`` and ``scenes``.
        location: float32 (B, gaze_size).
        scenes: uint8 (B, C, H, W).
    """
    batch, gaze_size = location.shape
    pieces, side = settings[NUM_CLUTTER], settings[CLUTTER_SIZE]
    if settings[PLACED] and drawn[0]:
        size = np.array([images.shape[2], images.shape[3]])
        erase(scenes, state[SEED], state[EPISODE], rows, SCENE_DRAW, size, pieces, side)
    further = SCENE_DRAW + DRAWS_PER_PICTURE + DRAWS_PER_PIECE * pieces
    for b in range(batch):
        if not rows[U(b)]:
            continue
        key = episode_key(seed[U(b)], episode[U(b)])
        image = image_index[U(b)] if image_index.shape[0] else draw_integer(key, IMAGE_DRAW, images.shape[0])
        state[SEED, U(b)], state[EPISODE, U(b)] = seed[U(b)], episode[U(b)]
        state[STEP, U(b)], state[PREDICTION, U(b)] = 0, UNDECIDED
        state[LABEL, U(b)], state[IMAGE_INDEX, U(b)] = labels[U(image)], image
        for index in range(gaze_size):
            draw = FIRST_LOCATION_DRAW + index if index < 2 else further + index - 2
            location[U(b), U(index)] = first_value(key, draw, index, first)
    drawn[0] = True
    compose(scenes, images, state[IMAGE_INDEX], seed, episode, rows, SCENE_DRAW, settings[PLACED] == 1, pieces, side)


@helper
def is_terminal(step: int, prediction: int, settings: Array) -> bool:
    """Return whether an episode has ended; see :meth:`Classification.terminal`."""
    return step == settings[NUM_GLIMPSES] or prediction != UNDECIDED


@kernel
def report(settings: Array, state: Array, location: Array, seen: Array, flags: Array, info: Array) -> None:
    """Write the location, which episodes have ended, and the info."""
    copy(location, seen)
    for b in range(location.shape[0]):
        flags[TERMINATED, U(b)] = is_terminal(state[STEP, U(b)], state[PREDICTION, U(b)], settings)
        flags[TRUNCATED, U(b)] = state[STEP, U(b)] >= settings[LIMIT]
        flags[SUCCESS, U(b)] = state[PREDICTION, U(b)] == state[LABEL, U(b)]
        info[INFO_LABEL, U(b)], info[INFO_PREDICTION, U(b)] = state[LABEL, U(b)], state[PREDICTION, U(b)]
        info[INFO_IMAGE_INDEX, U(b)] = state[IMAGE_INDEX, U(b)]


@kernel
def step(
    gaze: Array,
    answer: Array,
    settings: Array,
    first: Array,
    max_step: float,
    glimpse_cost: float,
    images: Array,
    labels: Array,
    drawn: Array,
    state: Array,
    location: Array,
    scenes: Array,
    seen: Array,
    reward: Array,
    flags: Array,
    info: Array,
) -> None:
    """Take one step in every row; see :meth:`ram_envs.tasks.compiled.CompiledTask.step`.

    The glimpses are read by another call, because numba would compile the long loops of the sensor once more here.

    Args:
        gaze: float32 (B, gaze_size).
        answer: int64 (B,), the classes.
        settings: The settings of the task, int64.
        first: The rule of first locations, float32 (2, gaze_size).
        max_step: The longest move of the gaze; 0 with absolute gaze.
        glimpse_cost: Cost of each further glimpse.
        images: uint8 (N, C, h, w).
        labels: int64 (N,).
        drawn: As for :func:`begin`.
        state: The state, int64 (6, B), changed in place, as are the next two.
        location: float32 (B, gaze_size).
        scenes: uint8 (B, C, H, W).
        seen: float32 (B, gaze_size), the location: a result, as are the following.
        reward: float32 (B,).
        flags: bool (3, B), terminated, truncated and success.
        info: int64 (3, B), label, prediction and image index.
    """
    batch, gaze_size = location.shape
    move(location, gaze, max_step, seen)
    resets = False
    for b in range(batch):
        ended = (
            is_terminal(state[STEP, U(b)], state[PREDICTION, U(b)], settings) or state[STEP, U(b)] >= settings[LIMIT]
        )
        flags[TRUNCATED, U(b)] = ended  # until the rows that begin are known
        reward[U(b)] = 0
        if ended:
            resets = True
            continue
        state[STEP, U(b)] += 1
        over = state[STEP, U(b)] == settings[NUM_GLIMPSES]
        if settings[LEARNED_STOP]:
            named = answer[U(b)] < settings[NUM_CLASSES]
            over = over or named
            state[PREDICTION, U(b)] = answer[U(b)] if named else UNDECIDED
        else:
            state[PREDICTION, U(b)] = answer[U(b)] if over else UNDECIDED
        reward[U(b)] = F(state[PREDICTION, U(b)] == state[LABEL, U(b)])
        if not over:
            reward[U(b)] -= F(glimpse_cost)
            for index in range(gaze_size):
                location[U(b), U(index)] = seen[U(b), U(index)]
    if resets and settings[MODE] == NEXT_STEP:
        begin(
            flags[TRUNCATED],
            state[SEED],
            state[EPISODE] + 1,
            np.empty(0, np.int64),
            settings,
            first,
            images,
            labels,
            drawn,
            state,
            location,
            scenes,
        )
    report(settings, state, location, seen, flags, info)
