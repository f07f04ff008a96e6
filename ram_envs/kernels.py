"""The sensor's inner loops, compiled by numba where it is installed (extra ``fast``), for arrays on the CPU.

Here the sensor is written a second time, for speed alone: three to four times as many glimpses of a cluttered scene a
second as with NumPy. ``ram_envs.sensor`` is the definition; a test holds both equal, bit for bit. Indices are unsigned
where that spares the check for negative ones.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from ram_envs.arrays import Array


@njit(cache=True, nogil=True, error_model="numpy")
def read(scenes: Array, location: Array, half: Array, corner: Array, full: Array, patch_size: int) -> Array:
    """Read glimpses straight from the scenes, strip by strip; see :meth:`ram_envs.sensor.GlimpseSensor.read`.

    Args:
        scenes: uint8 (B, C, H, W).
        location: float32 (B, 2).
        half: float32 (2,), constant of the sensor, as the next two are.
        corner: float32 (k,).
        full: float32 (k*C*g*g,).
        patch_size: Side of a patch.

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
    """See :meth:`ram_envs.sensor.GlimpseSensor.read_points`."""
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
