"""The sensors' inner loops, compiled by numba where it is installed (extra ``fast``), for arrays on the CPU.

They repeat the rules of ``patches.py`` for speed: three to four times as many glimpses of a cluttered scene per second
as with NumPy. A test holds both equal, bit for bit. Unsigned indices spare numba the check for negative ones.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

Array = Any


@njit(cache=True, nogil=True, error_model="numpy")
def read(scenes: Array, location: Array, half: Array, corner: Array, full: Array, patch_size: int) -> Array:
    """Read the retina's glimpses straight from the scenes, strip by strip; see :meth:`ram_envs.sensors.Sensor.read`.

    Args:
        scenes: uint8 (B, C, H, W).
        location: float32 (B, 2).
        half: float32 (2,), half the width and half the height of the scene.
        corner: float32 (k,), from the center of a patch to its corner.
        full: float32 (k*C*g*g,), the sum of an all-white cell.
        patch_size: Side of a patch in cells.

    Returns:
        float32 (B, k*C*g*g).
    """
    batch, channels, height, width = scenes.shape
    num_scales = corner.shape[0]
    glimpse = np.empty((batch, full.shape[0]), np.float32)
    sums = np.empty(patch_size << (num_scales - 1), np.int32)
    for b in range(batch):
        cell = 0
        for scale in range(num_scales):
            left = int(np.floor((location[b, 0] + np.float32(1)) * half[0] + corner[scale]))
            top = int(np.floor((location[b, 1] + np.float32(1)) * half[1] + corner[scale]))
            block, side = 1 << scale, patch_size << scale
            first, last = max(left, 0), min(left + side, width)
            white = full[cell]
            for channel in range(channels):
                for block_row in range(patch_size):
                    start = top + block_row * block
                    for x in range(side):
                        sums[x] = 0
                    for row in range(max(start, 0), min(start + block, height)):
                        pixels = scenes[b, channel, row]
                        for x in range(first, last):
                            sums[np.uint64(x - left)] += pixels[np.uint64(x)]
                    pairs = side
                    for _ in range(scale):  # sums of 2, 4, 8 ... columns
                        pairs >>= 1
                        for x in range(pairs):
                            sums[np.uint64(x)] = sums[np.uint64(2 * x)] + sums[np.uint64(2 * x + 1)]
                    for column in range(patch_size):
                        glimpse[b, np.uint64(cell + column)] = np.float32(sums[np.uint64(column)]) / white
                    cell += patch_size
    return glimpse


@njit(cache=True, nogil=True, error_model="numpy")
def read_points(
    columns: Array, rows: Array, location: Array, half: Array, corner: Array, full: Array, patch_size: int
) -> Array:
    """Read the retina's glimpses of a few white pixels; see :meth:`ram_envs.sensors.Sensor.read_points`."""
    num_points, batch = columns.shape
    num_scales = corner.shape[0]
    glimpse = np.zeros((batch, full.shape[0]), np.float32)
    for b in range(batch):
        for scale in range(num_scales):
            left = int(np.floor((location[b, 0] + np.float32(1)) * half[0] + corner[scale]))
            top = int(np.floor((location[b, 1] + np.float32(1)) * half[1] + corner[scale]))
            first = scale * patch_size * patch_size
            white = np.float32(255) / full[first]  # a power of 1/4: sums of it are exact
            for point in range(num_points):
                column = (columns[point, b] - left) >> scale
                row = (rows[point, b] - top) >> scale
                if 0 <= column < patch_size and 0 <= row < patch_size:
                    glimpse[b, first + row * patch_size + column] += white
    return glimpse


@njit(cache=True, nogil=True, error_model="numpy")
def read_blocks(scenes: Array, corners: Array, sides: Array, patch_size: int) -> Array:
    """Read glimpses of patches that differ in width, whose cells are blocks of whole pixels.

    Args:
        scenes: uint8 (B, C, H, W).
        corners: int64 (B, 2, k), first column and row of each patch.
        sides: int64 (B, k), side of each patch in scene pixels.
        patch_size: Side of a patch in cells.

    Returns:
        float32 (B, k*C*g*g).
    """
    batch, channels, height, width = scenes.shape
    num_scales = sides.shape[1]
    glimpse = np.empty((batch, num_scales * channels * patch_size * patch_size), np.float32)
    sums = np.empty(patch_size, np.int32)
    for b in range(batch):
        cell = 0
        for scale in range(num_scales):
            left, top, side = corners[b, 0, scale], corners[b, 1, scale], sides[b, scale]
            for channel in range(channels):
                for block_row in range(patch_size):
                    first_row = block_row * side // patch_size
                    last_row = (block_row + 1) * side // patch_size
                    sums[:] = 0
                    for y in range(max(top + first_row, 0), min(top + last_row, height)):
                        pixels = scenes[b, channel, y]
                        for column in range(patch_size):
                            first = max(left + column * side // patch_size, 0)
                            last = min(left + (column + 1) * side // patch_size, width)
                            total = np.int32(0)
                            for x in range(first, last):
                                total += pixels[np.uint64(x)]
                            sums[column] += total
                    for column in range(patch_size):
                        length = (column + 1) * side // patch_size - column * side // patch_size
                        white = np.float32(255 * (last_row - first_row) * length)
                        glimpse[b, np.uint64(cell + column)] = np.float32(sums[column]) / white
                    cell += patch_size
    return glimpse


@njit(cache=True, nogil=True, error_model="numpy")
def read_points_in_blocks(columns: Array, rows: Array, corners: Array, sides: Array, patch_size: int) -> Array:
    """Read glimpses of a few white pixels, with patches that differ in width; see :func:`read_blocks`."""
    num_points, batch = columns.shape
    num_scales = sides.shape[1]
    sums = np.zeros((batch, num_scales * patch_size * patch_size), np.float32)
    for b in range(batch):
        for scale in range(num_scales):
            side, first = sides[b, scale], scale * patch_size * patch_size
            for point in range(num_points):
                x, y = columns[point, b] - corners[b, 0, scale], rows[point, b] - corners[b, 1, scale]
                if 0 <= x < side and 0 <= y < side:
                    column, row = ((x + 1) * patch_size - 1) // side, ((y + 1) * patch_size - 1) // side
                    sums[b, first + row * patch_size + column] += np.float32(255)
            for row in range(patch_size):
                height = (row + 1) * side // patch_size - row * side // patch_size
                for column in range(patch_size):
                    length = (column + 1) * side // patch_size - column * side // patch_size
                    sums[b, first + row * patch_size + column] /= np.float32(255 * height * length)
    return sums
