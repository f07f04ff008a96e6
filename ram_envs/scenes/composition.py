"""Composition of scenes in batches: an image at a random position on a black canvas, plus clutter.

Clutter is cut from other images. The rules are those of the authors' generator (Mnih et al. 2014, section 4.1). Every
offset at which a piece fits is possible. Pixels of a piece are added to the pixels of the scene, clipped at 255.
"""

from __future__ import annotations

from collections.abc import Sequence

from ram_envs.arguments import check_integer
from ram_envs.arrays import Array, namespace
from ram_envs.errors import InvalidArgument
from ram_envs.scenes.randomness import integers

DRAWS_PER_PICTURE = 2
"""Random words per image: row and column of its position."""
DRAWS_PER_OBJECT = 3
"""Random words per further object: its image, and row and column of its position."""
DRAWS_PER_PIECE = 5
"""Random words per piece of clutter: source image, row and column of the cut, row and column of its position."""


def check_canvas(size: Sequence[int], image_size: int | None, num_clutter: int, clutter_size: int) -> None:
    """Check that images and clutter fit on the canvas.

    Args:
        size: (height, width) of the images.
        image_size: Side of the square canvas, or None for a scene of the size of the image.
        num_clutter: Number of pieces of clutter.
        clutter_size: Side of a piece in pixels.

    Raises:
        InvalidArgument: If they do not fit, or a value is not valid.
    """
    height, width = size
    if image_size is not None:
        check_integer("image_size", image_size, 1, 8192)
        if image_size < max(height, width):
            raise InvalidArgument(
                f"image_size={image_size} is smaller than the images, {height}x{width}: expected at least "
                f"{max(height, width)}, or None for the images alone"
            )
    check_clutter(size, size if image_size is None else (image_size, image_size), num_clutter, clutter_size)


def check_clutter(
    size: Sequence[int],
    scene_size: Sequence[int],
    num_clutter: int,
    clutter_size: int,
    size_argument: str = "image_size",
) -> None:
    """Check that clutter can be cut from the images, and fits into the scene.

    Args:
        size: (height, width) of the images.
        scene_size: (height, width) of the scene.
        num_clutter: Number of pieces of clutter.
        clutter_size: Side of a piece in pixels.
        size_argument: The argument that makes the scene larger, for the message.

    Raises:
        InvalidArgument: If they do not fit, or a value is not valid.
    """
    check_integer("num_clutter", num_clutter, 0, 800)
    check_integer("clutter_size", clutter_size, 1, 8192)
    height, width = size
    if num_clutter == 0:
        return
    if clutter_size > min(height, width):
        raise InvalidArgument(
            f"clutter_size={clutter_size} is larger than the images that clutter is cut from, {height}x{width}: "
            f"expected at most {min(height, width)}"
        )
    height, width = scene_size
    if num_clutter * clutter_size**2 > height * width:
        raise InvalidArgument(
            f"num_clutter={num_clutter} pieces of {clutter_size}x{clutter_size} are more than fit into a "
            f"{height}x{width} scene: expected at most {height * width // clutter_size**2}, or a larger {size_argument}"
        )


def draws_per_scene(num_clutter: int) -> int:
    """Return the number of random words that a scene needs."""
    return DRAWS_PER_PICTURE + DRAWS_PER_PIECE * num_clutter


def compose(
    images: Array,
    image_index: Array,
    words: Array,
    image_size: int | None,
    num_clutter: int,
    clutter_size: int,
    further: Sequence[tuple[Array, Array]] = (),
) -> Array:
    """Return scenes: each shows one image, at a random place of a black canvas if there is one, and clutter.

    Further images are added at random places of the canvas, where they may overlap; sums are clipped at 255.

    Args:
        images: uint8 (N, C, h, w), the images to choose from.
        image_index: int64 (B,), the image of each scene.
        words: int64 (B, draws_per_scene(num_clutter)), random words.
        image_size: Side of the canvas, or None for scenes of the size of the images.
        num_clutter: Number of pieces of clutter.
        clutter_size: Side of a piece in pixels.
        further: Further images, which need a canvas: for each, its index, int64 (B,), and its random words for row and
            column, int64 (B, 2).

    Returns:
        uint8 (B, C, H, W).
    """
    if image_size is None:
        scenes = images[image_index]
    else:
        scenes = place(images, image_index, words[:, :DRAWS_PER_PICTURE], image_size)
        height, width = images.shape[2:]
        for index, position in further:
            top = integers(position[:, 0], image_size - height + 1)
            paste(scenes, images[index], top, integers(position[:, 1], image_size - width + 1))
    add_clutter(scenes, images, words[:, DRAWS_PER_PICTURE:], num_clutter, clutter_size)
    return scenes


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
