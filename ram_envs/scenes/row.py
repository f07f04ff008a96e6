"""Composition of scenes in batches: some images in a row, from left to right, on a black canvas."""

from __future__ import annotations

from typing import NamedTuple

from ram_envs.arrays import Array, namespace
from ram_envs.scenes.composition import paste
from ram_envs.scenes.randomness import integers

DRAWS_PER_IMAGE = 3
"""Random words per image: which one, the gap on its left, and its row."""


def draws_per_row(most: int) -> int:
    """Return the number of random words for a row of at most so many images."""
    return 2 + DRAWS_PER_IMAGE * most


class Row(NamedTuple):
    """Which images stand where.

    Attributes:
        number: int64 (B,), the number of images, in [1, most]; those beyond it are not shown.
        image: int64 (B, most), the images from left to right.
        top: int64 (B, most), the row of the first line of each.
        left: int64 (B, most), the column of the first pixel of each.
    """

    number: Array
    image: Array
    top: Array
    left: Array

    @property
    def shown(self) -> Array:
        """Which images are shown, bool (B, most)."""
        xp = namespace(self.number)
        return xp.arange(self.image.shape[1], device=self.number.device)[None] < self.number[:, None]


def draw_row(
    words: Array, most: int, num_images: int, size: tuple[int, int], scene_size: tuple[int, int], max_gap: int
) -> Row:
    """Turn random words into rows of images.

    The number of images is uniform in 1 to ``most``, and so are the images, each gap in 0 to ``max_gap``, the column at
    which the row starts among those from which all of it fits, and the top of each image.

    Args:
        words: int64 (B, draws_per_row(most)), random words.
        most: The most images.
        num_images: Images to choose from.
        size: (height, width) of an image.
        scene_size: (height, width) of the scene, wide enough for the widest row.
        max_gap: The widest gap between two images, in pixels.
    """
    xp = namespace(words)
    image, gap, top = (words[:, 2 + n :: DRAWS_PER_IMAGE] for n in range(DRAWS_PER_IMAGE))
    number = integers(words[:, 0], most) + 1
    gaps = integers(gap, max_gap + 1)  # the first one is not used
    columns = [xp.zeros_like(number)]  # from the start of the row to each image
    for n in range(1, most):
        columns.append(columns[-1] + size[1] + gaps[:, n])
    offset = xp.stack(columns, axis=1)
    width = offset[xp.arange(number.shape[0], device=number.device), number - 1] + size[1]
    left = integers(words[:, 1], scene_size[1] - width + 1)[:, None] + offset
    last = scene_size[1] - size[1]
    left = xp.where(left > last, last, left)  # images beyond the number, which nobody sees
    return Row(number, integers(image, num_images), integers(top, scene_size[0] - size[0] + 1), left)


def compose_row(images: Array, row: Row, scene_size: tuple[int, int]) -> Array:
    """Return scenes that show rows of images: uint8 (B, C, H, W).

    Args:
        images: uint8 (N, C, h, w), the images to choose from.
        row: The rows.
        scene_size: (height, width) of the scenes.
    """
    xp, shown = namespace(images), row.shown
    scenes = xp.zeros((shown.shape[0], images.shape[1], *scene_size), dtype=xp.uint8, device=images.device)
    for n in range(shown.shape[1]):
        picture = images[row.image[:, n]]
        picture = xp.where(shown[:, n, None, None, None], picture, xp.zeros_like(picture))
        paste(scenes, picture, row.top[:, n], row.left[:, n])
    return scenes
