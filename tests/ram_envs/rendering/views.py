"""Views to draw, and questions about the pixels of a frame."""

import numpy as np

from ram_envs.rendering import View
from ram_envs.rendering.layout import Box

NO_FIXATIONS = np.zeros((0, 2))
NO_OUTLINES = np.array([[500, 500, 6, 6]] * 3)
"""Three outlines far outside the scene."""


def make_view(
    height: int = 24, width: int = 24, channels: int = 1, num_scales: int = 3, patch_size: int = 6, **changes
) -> View:
    """Make a view of random pixels with concentric outlines around the middle."""
    random = np.random.default_rng(0)
    shape = (height, width) if channels == 1 else (height, width, channels)
    sides = patch_size * 2 ** np.arange(num_scales)
    view = View(
        scene=random.integers(0, 256, shape, dtype=np.uint8),
        fixations=np.array([[0.0, 0.0], [width / 4, height / 3], [width / 2, height / 2]]),
        outlines=np.stack([height // 2 - sides // 2, width // 2 - sides // 2, sides, sides], axis=1),
        glimpse=random.random((num_scales, channels, patch_size, patch_size), dtype=np.float32),
        caption="step 3 of 23",
    )
    return view._replace(**changes)


def inside(frame: np.ndarray, box: Box) -> np.ndarray:
    """Return the pixels of a frame in a box, as a view."""
    left, top, width, height = box
    return frame[top : top + height, left : left + width]


def has_colour(pixels: np.ndarray, colour: tuple[int, ...]) -> bool:
    """Return whether any pixel has this colour."""
    return bool((pixels == colour).all(axis=-1).any())
