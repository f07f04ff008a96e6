"""Colour for grey scenes: a random tint for what they show, on a random texture."""

from __future__ import annotations

from ram_envs.arrays import Array, namespace
from ram_envs.errors import InvalidArgument
from ram_envs.scenes.randomness import MAX_DRAWS

DARKEST_TINT, BRIGHTEST_TEXTURE = 96, 127
"""Channels of a tint are in [96, 255], those of a texture in [0, 127]."""
_SHIFTS = (8, 24, 40)
"""Where the bits of red, green and blue are in a random word."""


def draws_per_texture(height: int, width: int, texture: int) -> int:
    """Return the number of random words for a tint and a texture.

    Args:
        height: Height of the scene in pixels.
        width: Its width.
        texture: Side of a square of the texture, in pixels.
    """
    return 1 + -(-height // texture) * -(-width // texture)


def check_texture(height: int, width: int, channels: int, texture: int, draws: int) -> None:
    """Check that a texture can be drawn.

    Args:
        height: Height of the scene in pixels.
        width: Its width.
        channels: Channels of the images.
        texture: Side of a square of the texture, in pixels.
        draws: Random words that the scene needs for everything else.

    Raises:
        InvalidArgument: If the images have colour already, or there are too many squares.
    """
    if channels != 1:
        raise InvalidArgument(f"texture={texture} is for grey images, and these have {channels} channels: leave it out")
    if draws + draws_per_texture(height, width, texture) > MAX_DRAWS:
        raise InvalidArgument(
            f"texture={texture} divides a scene of {height}x{width} into more squares than an episode has random "
            "numbers: expected a larger one"
        )


def colour(scenes: Array, words: Array, texture: int) -> Array:
    """Return scenes in colour: pixel values become the share of the tint, over the texture.

    The texture is a grid of squares, each of a uniformly random colour; so is the tint.

    Args:
        scenes: uint8 (B, 1, H, W), grey.
        words: int64 (B, draws_per_texture(H, W, texture)), random words.
        texture: Side of a square in pixels.

    Returns:
        uint8 (B, 3, H, W).
    """
    xp, device = namespace(scenes), scenes.device
    batch, _, height, width = scenes.shape
    rows, columns = -(-height // texture), -(-width // texture)
    tint = [DARKEST_TINT + ((words[:, 0] >> shift) & 0xFFFF) * (256 - DARKEST_TINT) // 2**16 for shift in _SHIFTS]
    squares = [(words[:, 1:] >> shift) & BRIGHTEST_TEXTURE for shift in _SHIFTS]
    grid = xp.reshape(xp.astype(xp.stack(squares, axis=1), xp.int32), (batch, 3, rows, columns))
    row, column = (xp.arange(side, device=device) // texture for side in (height, width))
    ground = grid[:, :, row][:, :, :, column]  # (B, 3, H, W)
    share = xp.astype(scenes, xp.int32)
    front = xp.astype(xp.stack(tint, axis=1), xp.int32)[:, :, None, None]
    return xp.astype((ground * (255 - share) + front * share) // 255, xp.uint8)
