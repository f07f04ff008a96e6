"""Composition of scenes in batches: an image at a random position on a black canvas, plus clutter.

Clutter is cut from other images. The rules are those of the authors' generator (Mnih et al. 2014, section 4.1). Every
offset at which a piece fits is possible. Pixels of a piece are added to the pixels of the scene, clipped at 255.
"""

from __future__ import annotations

from ram_envs.arrays import Array, namespace
from ram_envs.scenes.randomness import integers

DRAWS_PER_PICTURE = 2
"""Random words per image: row and column of its position."""
DRAWS_PER_PIECE = 5
"""Random words per piece of clutter: source image, row and column of the cut, row and column of its position."""


def paste(canvas: Array, pictures: Array, top: Array, left: Array) -> None:
    """Add ``pictures`` to ``canvas`` in place, clipping sums at 255.

    Args:
        canvas: uint8 (B, C, H, W).
        pictures: uint8 (B, C, h, w), at most as large as the canvas.
        top: int64 (B,), the canvas row of the first row of the picture, in [0, H - h].
        left: int64 (B,), the canvas column of its first column, in [0, W - w].
    """
    xp = namespace(canvas)
    batch, channels, height, width = canvas.shape
    flat = xp.reshape(canvas, (batch * channels * height * width,))
    where = _window(canvas, top, left, pictures.shape[2], pictures.shape[3])
    there = flat[where]
    room = 255 - there
    flat[where] = there + xp.where(pictures < room, pictures, room)


def place(images: Array, image_index: Array, words: Array, image_size: int) -> Array:
    """Put one image at a random position on each of a batch of black square canvases.

    Args:
        images: uint8 (N, C, h, w), all images.
        image_index: int64 (B,), the index of the image in each scene.
        words: int64 (B, 2), random words for the row and the column.
        image_size: Side of the canvas in pixels, at least the longer side of an image.

    Returns:
        uint8 (B, C, image_size, image_size).
    """
    xp = namespace(images)
    _, channels, height, width = images.shape
    canvas = xp.zeros((words.shape[0], channels, image_size, image_size), dtype=xp.uint8, device=images.device)
    top = integers(words[:, 0], image_size - height + 1)
    left = integers(words[:, 1], image_size - width + 1)
    xp.reshape(canvas, (-1,))[_window(canvas, top, left, height, width)] = images[image_index]
    return canvas


def add_clutter(canvas: Array, images: Array, words: Array, num_clutter: int, clutter_size: int) -> None:
    """Add ``num_clutter`` square pieces to every scene, in place. Each is cut at a random position of a random image.

    Args:
        canvas: uint8 (B, C, H, W), the scenes.
        images: uint8 (N, C, h, w), the images that pieces are cut from: those of the same split.
        words: int64 (B, 5 * num_clutter), random words.
        num_clutter: Number of pieces.
        clutter_size: Side of a piece in pixels, at most that of an image and of the scene.
    """
    xp = namespace(images)
    number, _, height, width = images.shape
    flat = xp.reshape(images, (-1,))
    for piece in range(num_clutter):
        source, cut_top, cut_left, top, left = (words[:, piece * DRAWS_PER_PIECE + n] for n in range(DRAWS_PER_PIECE))
        cut = _window(
            images,
            integers(cut_top, height - clutter_size + 1),
            integers(cut_left, width - clutter_size + 1),
            clutter_size,
            clutter_size,
            scene=integers(source, number),
        )
        paste(
            canvas,
            flat[cut],
            integers(top, canvas.shape[2] - clutter_size + 1),
            integers(left, canvas.shape[3] - clutter_size + 1),
        )


def _window(pictures: Array, top: Array, left: Array, height: int, width: int, scene: Array | None = None) -> Array:
    """Return the indices of a window in the flattened ``pictures`` (N, C, H, W): int64 (B, C, height, width).

    Row ``b`` of the result is the window of picture ``scene[b]``, or of picture ``b``.
    """
    xp = namespace(top)
    _, channels, picture_height, picture_width = pictures.shape
    device = top.device
    if scene is None:
        scene = xp.arange(top.shape[0], device=device)
    channel = xp.arange(channels, device=device)[:, None, None] * (picture_height * picture_width)
    row = xp.arange(height, device=device)[:, None] * picture_width
    start = (scene * (channels * picture_height) + top) * picture_width + left
    return start[:, None, None, None] + (channel + row + xp.arange(width, device=device))
