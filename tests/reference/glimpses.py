"""The glimpse sensors, pixel by pixel.

Only the rounding of locations is done in float32, because a location in float64 can lie in another pixel.
"""

import math

import numpy as np

ONE, TWO = np.float32(1), np.float32(2)


def glimpse(scene, location, patch_size, num_scales, zoom=False):
    """Read one glimpse.

    Args:
        scene: Nested lists of integers: channels, rows, columns.
        location: Two np.float32, three for a zoom.
        patch_size: Side of a patch in cells.
        num_scales: Number of patches.
        zoom: Whether the sensor zooms.

    Returns:
        float32 (num_scales * channels * patch_size**2,).
    """
    height, width = len(scene[0]), len(scene[0][0])
    finest = patch_size
    if zoom:
        longest = max(height, width, patch_size)
        widening = (location[2] + ONE) / TWO * np.float32(longest - patch_size)
        finest = math.floor(widening + np.float32(patch_size + 0.5))
    values = []
    for scale in range(num_scales):
        side = finest * 2**scale
        left, top = (
            math.floor((place + ONE) * np.float32(length / 2) + np.float32(0.5 - side / 2))
            for place, length in zip(location[:2], (width, height), strict=True)
        )
        for channel in scene:
            for row in range(patch_size):
                for column in range(patch_size):
                    total = pixels = 0
                    for y in range(row * side // patch_size, (row + 1) * side // patch_size):
                        for x in range(column * side // patch_size, (column + 1) * side // patch_size):
                            pixels += 1
                            if 0 <= top + y < height and 0 <= left + x < width:
                                total += channel[top + y][left + x]
                    values.append(np.float32(total) / np.float32(255 * pixels))
    return np.array(values, np.float32)


def move(location, action, gaze, max_step):
    """Return the next location after the gaze part of an action, all np.float32."""
    if gaze == "absolute":
        return [min(max(value, -ONE), ONE) for value in action]
    wanted = [min(max(float(value), -1e30), 1e30) for value in action]
    length = max(math.sqrt(wanted[0] * wanted[0] + wanted[1] * wanted[1]), 1.0)
    wanted = [wanted[0] / length, wanted[1] / length, *(min(max(value, -1.0), 1.0) for value in wanted[2:])]
    moved = [old + np.float32(new * max_step) for old, new in zip(location, wanted, strict=True)]
    return [min(max(value, -ONE), ONE) for value in moved]
