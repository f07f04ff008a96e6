"""Compiled loops that repeat the rules of ``randomness.py`` and ``composition.py``; see :mod:`ram_envs.compiling`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ram_envs.compiling import helper, load_soon
from ram_envs.scenes.composition import DRAWS_PER_PICTURE, DRAWS_PER_PIECE

Array = Any
U = np.uint64  # an unsigned index or word

_GOLDEN_GAMMA = U(0x9E3779B97F4A7C15)
_MULTIPLIER_1 = U(0xBF58476D1CE4E5B9)
_MULTIPLIER_2 = U(0x94D049BB133111EB)


@helper
def mix(word: U) -> U:
    """Apply the finalizer of SplitMix64."""
    word = (word ^ (word >> U(30))) * _MULTIPLIER_1
    word = (word ^ (word >> U(27))) * _MULTIPLIER_2
    return word ^ (word >> U(31))


@helper
def episode_key(seed: int, episode: int) -> U:
    """Return the key of an episode's stream of random words."""
    return mix(mix(U(seed) + _GOLDEN_GAMMA) + U(episode + 1) * _GOLDEN_GAMMA)


@helper
def draw_word(key: U, number: int) -> U:
    """Return random word ``number`` of an episode, 0 first."""
    return mix(key + U(number + 1) * _GOLDEN_GAMMA)


@helper
def draw_uniform(key: U, number: int) -> float:
    """Return random word ``number`` as float64 in [0, 1)."""
    return np.float64(np.int64(draw_word(key, number) >> U(11))) * 2.0**-53


@helper
def draw_integer(key: U, number: int, count: int) -> Any:
    """Return random word ``number`` as an integer in [0, count)."""
    return np.int64(((draw_word(key, number) >> U(32)) * U(count)) >> U(32))


@helper
def erase(
    scenes: Array, seed: Array, episode: Array, rows: Array, first_draw: int, size: Array, num_clutter: int, side: int
) -> None:
    """Make canvases black again by erasing the image and the clutter that :func:`compose` drew on them.

    Args:
        scenes: uint8 (B, C, H, W), changed in place.
        seed: int64 (B,), the random seeds of the episodes that the scenes show.
        episode: int64 (B,), their numbers.
        rows: bool (B,), the scenes to erase.
        first_draw: Number of the random word for the row of the image.
        size: int64 (2,), height and width of the images.
        num_clutter: Number of pieces of clutter.
        side: Side of a piece in pixels.
    """
    batch, channels, height, width = scenes.shape
    flat = scenes.reshape(-1)
    for b in range(batch):
        if not rows[b]:
            continue
        key = episode_key(seed[b], episode[b])
        for window in range(1 + num_clutter):
            # The last two of a piece's words are its row and column on the canvas.
            at = first_draw + DRAWS_PER_PIECE * window
            rows_drawn, columns_drawn = (size[0], size[1]) if window == 0 else (side, side)
            top = draw_integer(key, at, height - rows_drawn + 1)
            left = draw_integer(key, at + 1, width - columns_drawn + 1)
            for channel in range(channels):
                start = ((b * channels + channel) * height + top) * width + left
                for row in range(rows_drawn):
                    for column in range(columns_drawn):
                        flat[U(start + row * width + column)] = 0


@helper
def compose(
    scenes: Array,
    images: Array,
    image_index: Array,
    seed: Array,
    episode: Array,
    rows: Array,
    first_draw: int,
    placed: bool,
    num_clutter: int,
    side: int,
) -> None:
    """Draw new scenes; see :func:`ram_envs.scenes.composition.compose`.

    Args:
        scenes: uint8 (B, C, H, W), changed in place; black where an image is placed.
        images: uint8 (N, C, h, w).
        image_index: int64 (B,), the image of each scene.
        seed: int64 (B,), the random seeds of the episodes.
        episode: int64 (B,), their numbers.
        rows: bool (B,), the scenes to draw.
        first_draw: Number of the random word for the row of the image.
        placed: Whether the image lies at a random place of a black canvas, or else is the scene itself.
        num_clutter: Number of pieces of clutter.
        side: Side of a piece in pixels.
    """
    batch, channels, height, width = scenes.shape
    number, _, image_height, image_width = images.shape
    canvas, pixels = scenes.reshape(-1), images.reshape(-1)
    image_size = channels * image_height * image_width
    for b in range(batch):
        if not rows[b]:
            continue
        if b + 1 < batch and rows[b + 1]:
            # Images are far apart in memory: those of the next scene are loaded while this one is drawn.
            key = episode_key(seed[b + 1], episode[b + 1])
            load_soon(pixels, image_index[b + 1] * image_size, image_size)
            for n in range(num_clutter):
                draw = first_draw + DRAWS_PER_PICTURE + DRAWS_PER_PIECE * n
                image, cut_top = draw_integer(key, draw, number), draw_integer(key, draw + 1, image_height - side + 1)
                for channel in range(channels):
                    source = ((image * channels + channel) * image_height + cut_top) * image_width
                    load_soon(pixels, source, side * image_width)
        key = episode_key(seed[b], episode[b])
        if placed:
            top = draw_integer(key, first_draw, height - image_height + 1)
            left = draw_integer(key, first_draw + 1, width - image_width + 1)
            for channel in range(channels):
                start = ((b * channels + channel) * height + top) * width + left
                source = (image_index[b] * channels + channel) * image_height * image_width
                for _row in range(image_height):
                    for column in range(image_width):
                        canvas[U(start + column)] = pixels[U(source + column)]
                    start += width
                    source += image_width
        else:  # the image is the scene
            start, source = b * image_size, image_index[b] * image_size
            for index in range(image_size):
                canvas[U(start + index)] = pixels[U(source + index)]
        draw = first_draw + DRAWS_PER_PICTURE
        for _ in range(num_clutter):
            image = draw_integer(key, draw, number)
            cut_top = draw_integer(key, draw + 1, image_height - side + 1)
            cut_left = draw_integer(key, draw + 2, image_width - side + 1)
            top = draw_integer(key, draw + 3, height - side + 1)
            left = draw_integer(key, draw + 4, width - side + 1)
            for channel in range(channels):
                start = ((b * channels + channel) * height + top) * width + left
                source = ((image * channels + channel) * image_height + cut_top) * image_width + cut_left
                for _row in range(side):
                    for column in range(side):
                        below = canvas[U(start + column)]
                        canvas[U(start + column)] = below + min(pixels[U(source + column)], np.uint8(255) - below)
                    start += width
                    source += image_width
            draw += DRAWS_PER_PIECE
