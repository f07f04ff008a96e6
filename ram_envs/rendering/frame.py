"""Draws a view: the scene with the sensor's outlines and the path of the gaze, the glimpse in panels, the text.

pygame is imported on first use, so that `import ram_envs` stays quick and needs no display.
"""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ram_envs.rendering.layout import Box, Layout, layout, panel_stride
from ram_envs.rendering.path import draw_path
from ram_envs.rendering.reuse import line_of_text, scratch
from ram_envs.rendering.sidebar import draw_choices, draw_readout
from ram_envs.rendering.style import (
    BACKGROUND,
    BANNER_SIZES,
    BORDER,
    CAPTION_COLOUR,
    CAPTION_SIZE,
    FAILURE_COLOUR,
    FOG_COLOUR,
    HALO_COLOUR,
    HATCH_COLOUR,
    HATCH_SPACING,
    LABEL_COLOUR,
    LABEL_SIZE,
    SEEN_BLACK,
    SUCCESS_COLOUR,
    Colour,
    displayed,
    import_pygame,
    level_colour,
    shortened,
)
from ram_envs.rendering.view import Banner, View, to_uint8

if TYPE_CHECKING:
    import pygame

DASH, DASH_GAP = 7, 5
BANNER_OPACITY = 225
_BANNER_COLOURS: dict[bool | None, Colour] = {True: SUCCESS_COLOUR, False: FAILURE_COLOUR, None: CAPTION_COLOUR}


def draw_frame(view: View) -> NDArray[np.uint8]:
    """Draw one frame.

    Args:
        view: What to draw.

    Returns:
        uint8 (height, width, 3), a new array at every call; of the same size for all views with the same layout.

    Raises:
        gymnasium.error.DependencyNotInstalled: If pygame is missing.
    """
    pygame = import_pygame()
    places = layout(view)
    width, height = places.width, places.height
    surface = scratch("frame", (width, height))
    _draw(pygame, surface, places, view)
    frame = np.empty((height, width, 3), dtype=np.uint8)
    # pygame converts the pixels faster than NumPy does: the array is the memory of a second surface.
    pygame.image.frombuffer(frame, (width, height), "RGB").blit(surface, (0, 0))
    return frame


def frame_surface(view: View) -> pygame.Surface:
    """Draw one frame on a new surface of 32 bits per pixel; see :func:`draw_frame`."""
    pygame = import_pygame()
    places = layout(view)
    frame = pygame.Surface((places.width, places.height), depth=32)
    _draw(pygame, frame, places, view)
    return frame


def _draw(pygame: ModuleType, frame: pygame.Surface, places: Layout, view: View) -> None:
    frame.fill(BACKGROUND)
    pygame.draw.rect(frame, BORDER, pygame.Rect(places.scene).inflate(2, 2), width=1)
    _draw_scene(pygame, frame, places, view)
    frame.set_clip(places.scene)
    _draw_outlines(pygame, frame, places, view.outlines)
    if view.preview is not None:
        _draw_preview(pygame, frame, places, view.preview)
    draw_path(pygame, frame, places, view.fixations)
    frame.set_clip(None)

    pygame.font.init()  # another library may have quit it since the last frame, so no font is kept
    _draw_panels(pygame, frame, places, view)
    if places.sidebar is not None and view.readout is not None:
        draw_readout(pygame, frame, places.sidebar, view.readout)
    elif places.sidebar is not None:
        draw_choices(pygame, frame, places.sidebar, view.choices)
    if view.banner is not None:
        _draw_banner(pygame, frame, places.pane, view.banner)
    _draw_text(frame, places.caption, view.caption, CAPTION_SIZE, CAPTION_COLOUR)
    if places.hint is not None:
        _draw_text(frame, places.hint, view.hint, LABEL_SIZE, LABEL_COLOUR)


def _draw_scene(pygame: ModuleType, frame: pygame.Surface, places: Layout, view: View) -> None:
    """Draw the scene without blur, and fog over what is not visible."""
    step = np.s_[:: places.stride, :: places.stride]
    colours = displayed(view.scene[step])
    if view.visible is not None:
        colours = (SEEN_BLACK + colours * ((255 - SEEN_BLACK) / 255)).astype(np.uint8)
    _fill_box(pygame, frame, places.scene, colours)
    if view.visible is None:
        return
    _, _, width, height = places.scene
    fog = ~view.visible[step].repeat(places.enlargement, axis=0).repeat(places.enlargement, axis=1)
    hatch = (np.arange(height)[:, None] + np.arange(width)) % HATCH_SPACING < 2
    pixels = _pixels(pygame, frame, places.scene)
    pixels[fog] = frame.map_rgb(FOG_COLOUR)
    pixels[fog & hatch] = frame.map_rgb(HATCH_COLOUR)


def _draw_outlines(pygame: ModuleType, frame: pygame.Surface, places: Layout, outlines: NDArray[np.integer]) -> None:
    """Outline the part of the scene that each level covers, the finest last and so on top."""
    for level, outline in reversed(list(enumerate(outlines))):
        rect = _outline_rect(pygame, places, outline)
        # A dark rim on both sides makes the line stand out on white pixels too.
        pygame.draw.rect(frame, HALO_COLOUR, rect.inflate(2, 2), width=4)
        pygame.draw.rect(frame, level_colour(level), rect, width=2)


def _draw_preview(pygame: ModuleType, frame: pygame.Surface, places: Layout, outlines: NDArray[np.integer]) -> None:
    """Draw outlines as dashes, on a dark rim that makes them stand out on white pixels too."""
    for level, outline in reversed(list(enumerate(outlines))):
        rect = _outline_rect(pygame, places, outline)
        for colour, rim in ((HALO_COLOUR, 1), (level_colour(level), 0)):
            for x in range(rect.left, rect.right, DASH + DASH_GAP):
                length = min(DASH, rect.right - x)
                for y in (rect.top, rect.bottom - 1):
                    frame.fill(colour, (x - rim, y - rim, length + 2 * rim, 1 + 2 * rim))
            for y in range(rect.top, rect.bottom, DASH + DASH_GAP):
                length = min(DASH, rect.bottom - y)
                for x in (rect.left, rect.right - 1):
                    frame.fill(colour, (x - rim, y - rim, 1 + 2 * rim, length + 2 * rim))


def _outline_rect(pygame: ModuleType, places: Layout, outline: NDArray[np.integer]) -> pygame.Rect:
    """Return the place in the frame of an outline, int (4,) as (top, left, height, width) in scene pixels."""
    top, left, height, width = (int(length) * places.enlargement // places.stride for length in outline)
    scene_left, scene_top, _, _ = places.scene
    return pygame.Rect(scene_left + left, scene_top + top, max(width, 1), max(height, 1))


def _draw_panels(pygame: ModuleType, frame: pygame.Surface, places: Layout, view: View) -> None:
    """Draw each level of the glimpse, framed in the colour of its outline and labelled with the size of that."""
    # (levels, C, rows, columns) -> (levels, rows, columns, C)
    patches = to_uint8(view.glimpse).transpose(0, 2, 3, 1)
    for level, (patch, outline, box) in enumerate(zip(patches, view.outlines, places.panels, strict=True)):
        stride = panel_stride(patch.shape[0], patch.shape[1], box)
        _fill_box(pygame, frame, box, displayed(patch[::stride, ::stride]))
        pygame.draw.rect(frame, level_colour(level), pygame.Rect(box).inflate(4, 4), width=2)
        height, width = (int(length) for length in outline[2:])
        size = f"{width} px" if height == width else f"{width} × {height} px"
        label = line_of_text(f"scale {level + 1} · {size}", LABEL_SIZE, LABEL_COLOUR)
        frame.blit(label, (box[0], box[1] + box[3] + 7))


def _draw_banner(pygame: ModuleType, frame: pygame.Surface, pane: Box, banner: Banner) -> None:
    """Draw text as large as fits on a dark strip over the lower part of the scene's pane."""
    left, top, width, height = pane
    room = width - 32
    fonts = (pygame.font.Font(None, size) for size in BANNER_SIZES)
    font = next((font for font in fonts if font.size(banner.text)[0] <= room), pygame.font.Font(None, BANNER_SIZES[-1]))
    colour = _BANNER_COLOURS[banner.good]
    text = font.render(shortened(banner.text, font, room), True, colour)
    strip = pygame.Surface((width, text.get_height() + 28))
    strip.fill(BACKGROUND)
    strip.set_alpha(BANNER_OPACITY)
    strip_top = top + height - strip.get_height() - height // 8
    frame.blit(strip, (left, strip_top))
    for edge in (strip_top, strip_top + strip.get_height() - 2):
        frame.fill(colour, (left, edge, width, 2))
    frame.blit(text, (left + (width - text.get_width()) // 2, strip_top + 14))


def _draw_text(frame: pygame.Surface, box: Box, text: str, size: int, colour: Colour) -> None:
    """Draw one line of text at the left of a box, in the middle of its height, shortened to its width."""
    left, top, width, height = box
    line = line_of_text(text, size, colour, width)
    frame.blit(line, (left, top + (height - line.get_height()) // 2))


def _fill_box(pygame: ModuleType, frame: pygame.Surface, box: Box, colours: NDArray[np.uint8]) -> None:
    """Fill a box with uint8 (H, W, 1) or (H, W, 3), enlarged without blur by the whole factor that fills it."""
    height, width, _ = colours.shape
    red, green, blue = np.broadcast_to(colours, (height, width, 3)).astype(np.uint32).transpose(2, 0, 1)
    shifts = frame.get_shifts()
    packed = (red << shifts[0]) | (green << shifts[1]) | (blue << shifts[2])
    enlargement = box[2] // width
    pixels = _pixels(pygame, frame, box).reshape(height, enlargement, box[2])
    pixels[...] = packed.repeat(enlargement, axis=1)[:, None]


def _pixels(pygame: ModuleType, frame: pygame.Surface, box: Box) -> NDArray[np.uint32]:
    """Return the pixels of a box as a writable view, uint32 (height, width); it locks the frame while it lives."""
    left, top, width, height = box
    pixels: NDArray[np.uint32] = pygame.surfarray.pixels2d(frame).T[top : top + height, left : left + width]
    return pixels
