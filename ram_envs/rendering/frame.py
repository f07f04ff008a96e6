"""Draws a view: the scene with the sensor's outlines and the path of the gaze, the glimpse in panels, the caption.

pygame is imported on first use, so that `import ram_envs` stays quick and needs no display.
"""

from __future__ import annotations

import os
import warnings
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
from gymnasium.error import DependencyNotInstalled
from numpy.typing import NDArray

from ram_envs.rendering.layout import Box, Layout, layout, panel_stride
from ram_envs.rendering.view import View, to_uint8

if TYPE_CHECKING:
    import pygame

LABEL_SIZE = 18
CAPTION_SIZE = 22

BACKGROUND = (24, 26, 31)
BORDER = (66, 71, 82)
LABEL_COLOUR = (160, 167, 180)
CAPTION_COLOUR = (232, 235, 240)
PATH_COLOUR = (64, 196, 255)
HALO_COLOUR = (8, 10, 14)
# From the finest level to the coarsest: bright to dull, so that the finest outline stands out.
LEVEL_COLOURS = ((255, 225, 80), (255, 164, 46), (244, 104, 62), (214, 64, 104), (160, 60, 140), (110, 62, 158))

# Grey scenes are drawn with a gamma: a white pixel averaged over a block of 4 x 4 is 16 of 255, which is hard to tell
# from black on a screen. Colour scenes are drawn as they are: photographs are made for screens.
GAMMA = 2.2
SEEN_BLACK = 44  # grey level of black next to fog, which is darker than everything that is seen
FOG_COLOUR = (9, 11, 24)
HATCH_COLOUR = (22, 27, 50)
HATCH_SPACING = 12

PATH_SUPERSAMPLING = 2  # the path is drawn larger by this and shrunk smoothly: pygame has no thick smooth lines
PATH_FADING = 0.86  # opacity of a fixation relative to the next one
PATH_FAINTEST = 0.25


def draw_frame(view: View) -> NDArray[np.uint8]:
    """Draw one frame.

    Args:
        view: What to draw.

    Returns:
        uint8 (height, width, 3), a new array at every call; of the same size for all views with equal array shapes.

    Raises:
        gymnasium.error.DependencyNotInstalled: If pygame is missing.
    """
    pygame = import_pygame()
    surface = frame_surface(view)
    width, height = surface.get_size()
    frame = np.empty((height, width, 3), dtype=np.uint8)
    # pygame converts the pixels faster than NumPy does: the array is the memory of a second surface.
    pygame.image.frombuffer(frame, (width, height), "RGB").blit(surface, (0, 0))
    return frame


def frame_surface(view: View) -> pygame.Surface:
    """Draw one frame on a new surface of 32 bits per pixel; see :func:`draw_frame`."""
    pygame = import_pygame()
    places = layout(view)
    frame = pygame.Surface((places.width, places.height), depth=32)
    frame.fill(BACKGROUND)
    pygame.draw.rect(frame, BORDER, pygame.Rect(places.scene).inflate(2, 2), width=1)
    _draw_scene(pygame, frame, places, view)
    frame.set_clip(places.scene)
    _draw_outlines(pygame, frame, places, view.outlines)
    _draw_path(pygame, frame, places, view.fixations)
    frame.set_clip(None)

    pygame.font.init()  # another library may have quit it since the last frame, so no font is kept
    _draw_panels(pygame, frame, places, view)
    font = pygame.font.Font(None, CAPTION_SIZE)
    left, top, width, height = places.caption
    text = font.render(shortened(view.caption, font, width), True, CAPTION_COLOUR)
    frame.blit(text, (left, top + (height - text.get_height()) // 2))
    return frame


def import_pygame() -> ModuleType:
    """Import pygame without its greeting and return the module.

    Raises:
        gymnasium.error.DependencyNotInstalled: If pygame is missing.
    """
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it imports the deprecated pkg_resources where that exists
            import pygame
            import pygame.pkgdata
            import pygame.surfarray
    except ImportError as error:
        raise DependencyNotInstalled(
            "Rendering needs pygame, which is not installed: run `pip install pygame-ce`, or leave out render_mode."
        ) from error
    return pygame


def displayed(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the colours in which pixels are drawn.

    Args:
        pixels: uint8 (H, W), (H, W, 1) or (H, W, 3), linear if grey.

    Returns:
        uint8 (H, W, 1) with gamma for grey pixels; (H, W, 3) as they are for colour.
    """
    if pixels.ndim == 3 and pixels.shape[2] == 3:
        return pixels
    return _BRIGHTENED[pixels.reshape(*pixels.shape[:2], 1)]


_BRIGHTENED = np.rint((np.arange(256) / 255) ** (1 / GAMMA) * 255).astype(np.uint8)


def shortened(text: str, font: pygame.font.Font, width: int) -> str:
    """Return the text, with its end replaced by an ellipsis where it is wider than `width` pixels."""
    if font.size(text)[0] <= width:
        return text
    while text and font.size(text + "…")[0] > width:
        text = text[:-1]
    return text.rstrip() + "…"


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
        pygame.draw.rect(frame, _level_colour(level), rect, width=2)


def _outline_rect(pygame: ModuleType, places: Layout, outline: NDArray[np.integer]) -> pygame.Rect:
    """Return the place in the frame of an outline, int (4,) as (top, left, height, width) in scene pixels."""
    top, left, height, width = (int(length) * places.enlargement // places.stride for length in outline)
    scene_left, scene_top, _, _ = places.scene
    return pygame.Rect(scene_left + left, scene_top + top, max(width, 1), max(height, 1))


def _draw_path(pygame: ModuleType, frame: pygame.Surface, places: Layout, fixations: NDArray[np.floating]) -> None:
    """Draw saccades as a line that fades into the past, with a dot at each fixation and a ring at the current one."""
    if len(fixations) == 0:
        return
    scene_left, scene_top, scene_width, scene_height = places.scene
    zoom = PATH_SUPERSAMPLING
    points = np.asarray(fixations, dtype=float) * (zoom * places.enlargement / places.stride)
    opacity = np.maximum(PATH_FADING ** np.arange(len(points) - 1, -1, -1), PATH_FAINTEST) * 255

    # Only the part of the pane that the path touches is drawn large and shrunk.
    margin = 8 * zoom
    touched = pygame.Rect(np.floor(points.min(axis=0)) - margin, np.ceil(np.ptp(points, axis=0)) + 2 * margin)
    touched = touched.clip((0, 0, zoom * scene_width, zoom * scene_height))
    if not touched.width or not touched.height:
        return
    origin = (touched.left // zoom, touched.top // zoom)
    size = (-(-touched.right // zoom) - origin[0], -(-touched.bottom // zoom) - origin[1])
    points -= np.multiply(origin, zoom)
    # On a transparent surface pygame writes opacities instead of mixing colours.
    overlay = pygame.Surface(np.multiply(size, zoom), pygame.SRCALPHA)
    for colour, rim in ((HALO_COLOUR, zoom), (PATH_COLOUR, 0)):
        for start, end, alpha in zip(points[:-1], points[1:], opacity[:-1], strict=True):
            _draw_line(pygame, overlay, (*colour, int(alpha)), start, end, width=2 * zoom + 2 * rim)
        for point, alpha in zip(points[:-1], opacity[:-1], strict=True):
            pygame.draw.circle(overlay, (*colour, int(alpha)), point, 3.5 * zoom + rim)
        pygame.draw.circle(overlay, colour, points[-1], 5.5 * zoom + rim)
    pygame.draw.circle(overlay, CAPTION_COLOUR, points[-1], 3 * zoom)
    frame.blit(pygame.transform.smoothscale(overlay, size), (origin[0] + scene_left, origin[1] + scene_top))


def _draw_line(
    pygame: ModuleType,
    surface: pygame.Surface,
    colour: tuple[int, ...],
    start: NDArray[np.floating],
    end: NDArray[np.floating],
    width: float,
) -> None:
    """Draw a line of even width at any angle; pygame.draw.line is thinner along diagonals."""
    along = end - start
    length = float(np.hypot(*along))
    if length == 0:
        return
    across = np.array([-along[1], along[0]]) * (width / 2 / length)
    pygame.draw.polygon(surface, colour, (start + across, end + across, end - across, start - across))


def _draw_panels(pygame: ModuleType, frame: pygame.Surface, places: Layout, view: View) -> None:
    """Draw each level of the glimpse, framed in the colour of its outline and labelled with the size of that."""
    font = pygame.font.Font(None, LABEL_SIZE)
    # (levels, C, rows, columns) -> (levels, rows, columns, C)
    patches = to_uint8(view.glimpse).transpose(0, 2, 3, 1)
    for level, (patch, outline, box) in enumerate(zip(patches, view.outlines, places.panels, strict=True)):
        stride = panel_stride(patch.shape[0], patch.shape[1], box)
        _fill_box(pygame, frame, box, displayed(patch[::stride, ::stride]))
        pygame.draw.rect(frame, _level_colour(level), pygame.Rect(box).inflate(4, 4), width=2)
        height, width = (int(length) for length in outline[2:])
        size = f"{width} px" if height == width else f"{width} × {height} px"
        frame.blit(font.render(f"scale {level + 1} · {size}", True, LABEL_COLOUR), (box[0], box[1] + box[3] + 7))


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


def _level_colour(level: int) -> tuple[int, int, int]:
    """Return the colour of a level; levels beyond the table share its last colour."""
    return LEVEL_COLOURS[min(level, len(LEVEL_COLOURS) - 1)]
