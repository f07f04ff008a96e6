"""Compiled loops that repeat ``check`` and ``decode`` of ``actions.py``; see :mod:`ram_envs.compiling`.

Every kernel returns whether the actions are valid. A decoding kernel also writes ``gaze``, float32
(B, gaze_size), and ``answer``, int64 (B,).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ram_envs.compiling import kernel

Array = Any
U = np.uint64


@kernel
def read_box(action: Array, gaze: Array, answer: Array) -> bool:
    """Read float32 (B, gaze_size + n): the gaze, then a score for each choice."""
    batch, width = action.shape
    gaze_size = gaze.shape[1]
    valid = True
    for b in range(batch):
        for index in range(gaze_size):
            value = action[U(b), U(index)]
            gaze[U(b), U(index)] = value
            valid &= value == value
        best = 0
        highest = action[U(b), U(gaze_size)]
        valid &= highest == highest
        for choice in range(1, width - gaze_size):
            score = action[U(b), U(gaze_size + choice)]
            valid &= score == score
            if score > highest:
                best, highest = choice, score
        answer[U(b)] = best
    return valid


@kernel
def check_dict(fixation: Array, answer: Array, count: int) -> bool:
    """Check float32 (B, gaze_size) and int64 (B,) in [0, count)."""
    batch, gaze_size = fixation.shape
    valid = True
    for b in range(batch):
        valid &= (answer[U(b)] >= 0) & (answer[U(b)] < count)
        for index in range(gaze_size):
            valid &= fixation[U(b), U(index)] == fixation[U(b), U(index)]
    return valid


@kernel
def read_cells(action: Array, count: int, centers: Array, gaze: Array, answer: Array) -> bool:
    """Read int64 (B, 1 + gaze_size): the choice, then the cell of each value of the gaze."""
    batch, gaze_size = gaze.shape
    cells = centers.shape[0]
    valid = True
    for b in range(batch):
        answer[U(b)] = action[U(b), U(0)]
        valid &= (action[U(b), U(0)] >= 0) & (action[U(b), U(0)] < count)
        for index in range(gaze_size):
            cell = action[U(b), U(1 + index)]
            inside = (cell >= 0) & (cell < cells)
            valid &= inside
            gaze[U(b), U(index)] = centers[U(cell if inside else 0)]
    return valid


@kernel
def read_number(action: Array, count: int, centers: Array, gaze: Array, answer: Array) -> bool:
    """Read int64 (B,): the choice and the cells as one number, in C order."""
    batch, gaze_size = gaze.shape
    cells = centers.shape[0]
    valid = True
    for b in range(batch):
        number = action[U(b)]
        inside = (number >= 0) & (number < count * cells**gaze_size)
        valid &= inside
        number = number if inside else 0
        for index in range(gaze_size):
            gaze[U(b), U(gaze_size - 1 - index)] = centers[U(number % cells)]
            number //= cells
        answer[U(b)] = number
    return valid
