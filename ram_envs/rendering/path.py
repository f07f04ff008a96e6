"""Draws the path of the gaze: saccades as lines that fade into the past, and a ring at the current fixation."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ram_envs.rendering.layout import Layout
from ram_envs.rendering.reuse import scratch
from ram_envs.rendering.style import CAPTION_COLOUR, HALO_COLOUR, PATH_COLOUR

if TYPE_CHECKING:
    import pygame

SUPERSAMPLING = 2  # the path is drawn larger by this and shrunk smoothly: pygame has no thick smooth lines
FADING = 0.86  # opacity of a fixation relative to the next one
FAINTEST = 0.25


def draw_path(pygame: ModuleType, frame: pygame.Surface, places: Layout, fixations: NDArray[np.floating]) -> None:
    """Draw the path over the scene.

    Args:
        pygame: The module.
        frame: Where to draw.
        places: The layout of the frame.
        fixations: float (n, 2), (column, row) in scene pixels, oldest first.
    """
    if len(fixations) == 0:
        return
    scene_left, scene_top, scene_width, scene_height = places.scene
    zoom = SUPERSAMPLING
    points = np.asarray(fixations, dtype=float) * (zoom * places.enlargement / places.stride)
    opacity = np.maximum(FADING ** np.arange(len(points) - 1, -1, -1), FAINTEST) * 255

    # Only the part of the scene that the path touches is drawn large and shrunk.
    margin = 8 * zoom
    touched = pygame.Rect(np.floor(points.min(axis=0)) - margin, np.ceil(np.ptp(points, axis=0)) + 2 * margin)
    touched = touched.clip((0, 0, zoom * scene_width, zoom * scene_height))
    if not touched.width or not touched.height:
        return
    origin = (touched.left // zoom, touched.top // zoom)
    size = (-(-touched.right // zoom) - origin[0], -(-touched.bottom // zoom) - origin[1])
    points -= np.multiply(origin, zoom)
    # On a transparent surface pygame writes opacities instead of mixing colours.
    overlay = scratch("overlay", (size[0] * zoom, size[1] * zoom), transparent=True)
    overlay.fill((0, 0, 0, 0))
    shades = opacity.astype(int).tolist()
    for colour, rim in ((HALO_COLOUR, zoom), (PATH_COLOUR, 0)):
        for corners, alpha in zip(_lines(points, width=2 * zoom + 2 * rim), shades[:-1], strict=True):
            if corners:
                pygame.draw.polygon(overlay, (*colour, alpha), corners)
        for point, alpha in zip(points[:-1].tolist(), shades[:-1], strict=True):
            pygame.draw.circle(overlay, (*colour, alpha), point, 3.5 * zoom + rim)
        pygame.draw.circle(overlay, colour, points[-1].tolist(), 5.5 * zoom + rim)
    pygame.draw.circle(overlay, CAPTION_COLOUR, points[-1], 3 * zoom)
    path = pygame.transform.smoothscale(overlay, size, scratch("path", size, transparent=True))
    frame.blit(path, (origin[0] + scene_left, origin[1] + scene_top))


def _lines(points: NDArray[np.floating], width: float) -> list[list[list[float]]]:
    """Return the corners of the lines between points, of even width at any angle; [] for a line without length.

    pygame.draw.line is thinner along diagonals.
    """
    start, end = points[:-1], points[1:]
    along = end - start
    length = np.hypot(along[:, 0], along[:, 1])
    moved = length > 0
    across = np.stack([-along[:, 1], along[:, 0]], axis=1) * (width / 2 / np.where(moved, length, 1))[:, None]
    corners = np.stack([start + across, end + across, end - across, start - across], axis=1)  # (n - 1, 4, 2)
    return [line if is_line else [] for line, is_line in zip(corners.tolist(), moved.tolist(), strict=True)]
