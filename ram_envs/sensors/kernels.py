"""Compiled loops that repeat the rules of the sensors, of gaze control and of first locations.

See :mod:`ram_envs.compiling`. The rules are in ``patches.py``, ``retina.py``, ``zoom.py``, ``gaze.py`` and
``first_location.py``. A sensor describes itself to the kernels by three arrays (``Patches.for_kernels``):

- ``numbers``: int64 (4,): ZOOM (whether the width of the patches varies), PATCH_SIZE, NUM_SCALES, and LONGEST (the side
  of the finest patch at the greatest zoom).
- ``optics``: float32 (2 + k,): half the width and half the height of the scene; then, without zoom, the way from the
  center of each patch to its corner.
- ``white``: float32 (k,), without zoom the sum over a completely white cell of each scale.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ram_envs.compiling import helper, kernel
from ram_envs.scenes.kernels import draw_uniform

Array = Any
U = np.uint64
F = np.float32

ZOOM, PATCH_SIZE, NUM_SCALES, LONGEST = range(4)
LANES = 64  # pixels that are summed at a time: a constant, for which the compiler emits vector instructions
MAX_STRIP = 8  # scales up to this one sum at most 256 rows, which fit into uint16


@helper
def first_value(key: U, draw: int, index: int, first: Array) -> F:
    """Return one value of a first location; ``first`` as :func:`ram_envs.sensors.first_location.for_kernels` has it."""
    if first[0, U(index)] < 0:
        return first[1, U(index)]
    return F(draw_uniform(key, draw) * 2 - 1) * first[0, U(index)]


@helper
def copy(source: Array, target: Array) -> None:
    """Copy a C-contiguous array. As one loop, which is faster than a short loop for each row."""
    values, copies = source.reshape(-1), target.reshape(-1)
    for index in range(values.shape[0]):
        copies[U(index)] = values[U(index)]


@helper
def move(location: Array, gaze: Array, max_step: float, moved: Array) -> None:
    """Write the next locations to ``moved``; see :meth:`ram_envs.sensors.gaze.GazeControl.move`.

    ``max_step`` is 0 with absolute gaze.
    """
    batch, size = location.shape
    if max_step == 0:
        values, clipped = gaze.reshape(-1), moved.reshape(-1)
        for index in range(batch * size):
            clipped[U(index)] = min(max(values[U(index)], F(-1)), F(1))
        return
    for b in range(batch):
        x = min(max(np.float64(gaze[U(b), U(0)]), -1e30), 1e30)
        y = min(max(np.float64(gaze[U(b), U(1)]), -1e30), 1e30)
        length = min(max(np.sqrt(x * x + y * y), 1.0), 1e31)
        for index in range(size):
            if index == 0:
                step = x / length
            elif index == 1:
                step = y / length
            else:
                step = min(max(np.float64(gaze[U(b), U(index)]), -1.0), 1.0)
            there = location[U(b), U(index)] + F(step * max_step)
            moved[U(b), U(index)] = min(max(there, F(-1)), F(1))


def see(scenes: Array, location: Array, numbers: Array, optics: Array, white: Array, glimpse: Array) -> None:
    """Read glimpses; see :meth:`ram_envs.sensors.Sensor.read`.

    Args:
        scenes: uint8 (B, C, H, W).
        location: float32 (B, gaze_size).
        numbers: The sensor, as are the next two.
        optics: See the module.
        white: See the module.
        glimpse: float32 (B, k*C*g*g), the result.
    """
    if numbers[ZOOM]:
        read_zoomed(scenes, location, numbers, optics, glimpse)
    else:
        read(scenes, location, optics, white, numbers, glimpse)


@kernel
def see_points(
    columns: Array, rows: Array, location: Array, numbers: Array, optics: Array, white: Array, glimpse: Array
) -> None:
    """Read glimpses of a few white pixels; see :meth:`ram_envs.sensors.Sensor.read_points`."""
    if numbers[ZOOM]:
        read_points_in_blocks(columns, rows, *zoomed(location, numbers, optics), numbers[PATCH_SIZE], glimpse)
    else:
        read_points(columns, rows, location, optics, white, numbers[PATCH_SIZE], glimpse)


@kernel
def read(scenes: Array, location: Array, optics: Array, white: Array, numbers: Array, glimpse: Array) -> None:
    """Read glimpses of patches whose width is fixed. The rows of a block are summed first, then its columns."""
    batch, channels, height, width = scenes.shape
    patch_size, num_scales = numbers[PATCH_SIZE], numbers[NUM_SCALES]
    pixels = scenes.reshape(-1)
    total = np.int64(pixels.shape[0])
    side = patch_size << min(num_scales - 1, MAX_STRIP)
    room = (patch_size * side // LANES + 2) * LANES
    strips = np.empty(room, np.uint16)  # one strip for each row of cells, side by side
    sums = np.empty(room, np.int32)
    inside = np.empty(side + LANES, np.uint16)  # 1 bits in the columns of the scene
    pairs, pairs_of_sums = strips.view(np.uint32), sums.view(U)
    for b in range(batch):
        cell = 0
        for scale in range(num_scales):
            left = int(np.floor((location[b, 0] + F(1)) * optics[0] + optics[2 + scale]))
            top = int(np.floor((location[b, 1] + F(1)) * optics[1] + optics[2 + scale]))
            block, side = 1 << scale, patch_size << scale
            first, last = max(-left, 0), min(width - left, side)  # columns of the patch that are in the scene
            if scale <= MAX_STRIP:
                lanes = (side + LANES - 1) // LANES * LANES
                for x in range(lanes):
                    within = (np.int32(x) >= np.int32(first)) & (np.int32(x) < np.int32(last))
                    inside[U(x)] = np.uint16(0xFFFF) if within else np.uint16(0)
            for channel in range(channels):
                origin = ((b * channels + channel) * height + top) * width + left
                if scale > MAX_STRIP:
                    for row in range(patch_size):
                        for column in range(patch_size):
                            summed = np.int64(0)
                            start = column * block
                            for y in range(max(row * block, -top), min((row + 1) * block, height - top)):
                                for x in range(max(start, first), min(start + block, last)):
                                    summed += pixels[U(origin + y * width + x)]
                            glimpse[U(b), U(cell + row * patch_size + column)] = F(summed) / white[scale]
                    cell += patch_size * patch_size
                    continue
                for row in range(patch_size):
                    y, strip, at = row * block, row * side, origin + row * block * width
                    if top + y >= 0 and top + y + block <= height and at >= 0 and at + block * width + lanes <= total:
                        # Pixels beside the scene are those of other rows, which the mask takes out.
                        for x0 in range(0, lanes, LANES):
                            if scale == 0:
                                for x in range(LANES):
                                    strips[U(strip + x)] = pixels[U(at + x)] & inside[U(x0 + x)]
                            elif scale == 1:
                                for x in range(LANES):
                                    two = np.uint16(pixels[U(at + x)]) + pixels[U(at + width + x)]
                                    strips[U(strip + x)] = two & inside[U(x0 + x)]
                            else:
                                for x in range(LANES):
                                    strips[U(strip + x)] = 0
                                line = at
                                for _ in range(block >> 2):
                                    for x in range(LANES):
                                        two = np.uint16(pixels[U(line + x)]) + pixels[U(line + width + x)]
                                        line2 = line + 2 * width
                                        two += np.uint16(pixels[U(line2 + x)]) + pixels[U(line2 + width + x)]
                                        strips[U(strip + x)] += two & inside[U(x0 + x)]
                                    line += 4 * width
                            strip += LANES
                            at += LANES
                    else:
                        for x in range(lanes):
                            strips[U(strip + x)] = 0
                        for line in range(max(y, -top), min(y + block, height - top)):
                            at = origin + line * width
                            for x in range(first, last):
                                strips[U(strip + x)] += pixels[U(at + x)]
                count = patch_size * side
                if scale == 0:
                    for x in range(count):
                        glimpse[U(b), U(cell + x)] = F(strips[U(x)]) / white[scale]
                else:
                    count >>= 1
                    for x in range(count):
                        pair = pairs[U(x)]
                        sums[U(x)] = (pair & np.uint32(0xFFFF)) + (pair >> np.uint32(16))
                    source, spare = 0, count
                    for _ in range(scale - 1):  # sums of 4, 8 ... columns, to the other half of the array
                        target = spare - source
                        count >>= 1
                        for x in range(count):
                            pair_of_sums = pairs_of_sums[U((source >> 1) + x)]
                            sums[U(target + x)] = (pair_of_sums & U(0xFFFFFFFF)) + (pair_of_sums >> U(32))
                        source = target
                    for x in range(count):
                        glimpse[U(b), U(cell + x)] = F(sums[U(source + x)]) / white[scale]
                cell += patch_size * patch_size


@helper
def read_points(
    columns: Array, rows: Array, location: Array, optics: Array, white: Array, patch_size: int, glimpse: Array
) -> None:
    """Read glimpses of a few white pixels with patches whose width is fixed."""
    num_points, batch = columns.shape
    num_scales = white.shape[0]
    for b in range(batch):
        for cell in range(glimpse.shape[1]):
            glimpse[U(b), U(cell)] = 0
        for scale in range(num_scales):
            left = int(np.floor((location[U(b), U(0)] + F(1)) * optics[U(0)] + optics[U(2 + scale)]))
            top = int(np.floor((location[U(b), U(1)] + F(1)) * optics[U(1)] + optics[U(2 + scale)]))
            first = scale * patch_size * patch_size
            point_sum = F(255) / white[U(scale)]  # a power of 1/4: sums of it are exact
            for point in range(num_points):
                column = (columns[U(point), U(b)] - left) >> scale
                row = (rows[U(point), U(b)] - top) >> scale
                if 0 <= column < patch_size and 0 <= row < patch_size:
                    glimpse[U(b), U(first + row * patch_size + column)] += point_sum


@helper
def zoomed(location: Array, numbers: Array, optics: Array) -> tuple[Array, Array]:
    """Return corners, int64 (B, 2, k), and sides, int64 (B, k), of patches that differ in width.

    See :meth:`ram_envs.sensors.zoom.Zoom.sides` and :meth:`ram_envs.sensors.patches.Patches.corners`.
    """
    batch, num_scales = location.shape[0], numbers[NUM_SCALES]
    corners, sides = np.empty((batch, 2, num_scales), np.int64), np.empty((batch, num_scales), np.int64)
    growth, finest = F(numbers[LONGEST] - numbers[PATCH_SIZE]), F(numbers[PATCH_SIZE] + 0.5)
    for b in range(batch):
        widening = (location[b, 2] + F(1)) / F(2) * growth
        side = np.int64(np.floor(widening + finest))
        for scale in range(num_scales):
            sides[b, scale] = side << scale
            corner = F(0.5) - F(side << scale) / F(2)
            for axis in range(2):
                corners[b, axis, scale] = np.int64(np.floor((location[b, axis] + F(1)) * optics[axis] + corner))
    return corners, sides


@kernel
def read_zoomed(scenes: Array, location: Array, numbers: Array, optics: Array, glimpse: Array) -> None:
    """Read glimpses of patches that differ in width, whose cells are blocks of whole pixels.

    The rows of a block are summed first, which the compiler turns into vector instructions, then its columns.
    """
    corners, sides = zoomed(location, numbers, optics)
    batch, channels, height, width = scenes.shape
    patch_size, num_scales = numbers[PATCH_SIZE], numbers[NUM_SCALES]
    sums = np.empty(width, np.int32)
    edges = np.empty(patch_size + 1, np.int64)  # of the columns of cells, in pixels of the patch
    for b in range(batch):
        cell = 0
        for scale in range(num_scales):
            left, top, side = corners[b, 0, scale], corners[b, 1, scale], sides[b, scale]
            first, last = max(left, 0), min(left + side, width)  # columns of the patch that are in the scene
            for edge in range(patch_size + 1):
                edges[edge] = edge * side // patch_size
            for channel in range(channels):
                for row in range(patch_size):
                    for x in range(first, last):
                        sums[U(x)] = 0
                    for y in range(max(top + edges[row], 0), min(top + edges[row + 1], height)):
                        pixels = scenes[b, channel, y]
                        for x in range(first, last):
                            sums[U(x)] += pixels[U(x)]
                    for column in range(patch_size):
                        summed = np.int32(0)
                        for x in range(max(left + edges[column], 0), min(left + edges[column + 1], width)):
                            summed += sums[U(x)]
                        white = F(255 * (edges[row + 1] - edges[row]) * (edges[column + 1] - edges[column]))
                        glimpse[b, U(cell + column)] = F(summed) / white
                    cell += patch_size


@helper
def read_points_in_blocks(
    columns: Array, rows: Array, corners: Array, sides: Array, patch_size: int, glimpse: Array
) -> None:
    """Read glimpses of a few white pixels with patches that differ in width; see :func:`read_zoomed`."""
    num_points, batch = columns.shape
    num_scales = sides.shape[1]
    for b in range(batch):
        for cell in range(glimpse.shape[1]):
            glimpse[b, cell] = 0
        for scale in range(num_scales):
            side, first = sides[b, scale], scale * patch_size * patch_size
            for point in range(num_points):
                x, y = columns[point, b] - corners[b, 0, scale], rows[point, b] - corners[b, 1, scale]
                if 0 <= x < side and 0 <= y < side:
                    column, row = ((x + 1) * patch_size - 1) // side, ((y + 1) * patch_size - 1) // side
                    glimpse[b, first + row * patch_size + column] += F(255)
            for row in range(patch_size):
                height = (row + 1) * side // patch_size - row * side // patch_size
                for column in range(patch_size):
                    length = (column + 1) * side // patch_size - column * side // patch_size
                    glimpse[b, first + row * patch_size + column] /= F(255 * height * length)
