"""Draws what an environment shows: the scene, the sensor's squares, the path of the gaze and what the sensor saw.

The only module that uses pygame, and it imports it on first use: `import ram_envs` stays quick and needs no display.
"""

from __future__ import annotations

import os
import warnings
from types import ModuleType
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np
from gymnasium.error import DependencyNotInstalled
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pygame

# All lengths are in pixels of the drawn frame.
SCENE_TARGET = 512  # a small scene is enlarged as far as it stays within this
SCENE_LIMIT = 720  # a scene longer than this is shrunk
MIN_BODY = 360  # least height of the row that holds scene and panels, and least width of the scene's pane
PANEL_LIMIT = 200
PANEL_COMFORT = 104  # panels that would be smaller than this are put in two columns
MARGIN = 20
GAP = 14
LABEL_HEIGHT = 22
LABEL_SIZE = 18
CAPTION_HEIGHT = 26
CAPTION_SIZE = 22
BLOCK = 16  # frames measure whole blocks of this side, as video encoders want them

BACKGROUND = (24, 26, 31)
BORDER = (66, 71, 82)
LABEL_COLOUR = (160, 167, 180)
CAPTION_COLOUR = (232, 235, 240)
PATH_COLOUR = (64, 196, 255)
HALO_COLOUR = (8, 10, 14)
# From the finest scale to the coarsest: bright to dull, so that the finest square stands out.
SCALE_COLOURS = ((255, 225, 80), (255, 164, 46), (244, 104, 62), (214, 64, 104), (160, 60, 140), (110, 62, 158))

PATH_SUPERSAMPLING = 2  # the path is drawn larger by this and shrunk smoothly: pygame has no thick smooth lines
PATH_FADING = 0.86  # opacity of a fixation against the one after it
PATH_FAINTEST = 0.25

Box = tuple[int, int, int, int]  # left, top, width, height


class View(NamedTuple):
    """What one frame shows.

    Attributes:
        scene: uint8 (H, W) or (H, W, 3).
        fixations: float (n, 2), as (column, row) in scene pixels from edge to edge: (0, 0) is the top-left corner of
            the scene and (W, H) its bottom-right one. Oldest first; the last is the current fixation.
        squares: int (k, 3), as (top, left, side) in scene pixels, finest scale first: what the sensor covers now. A
            square may leave the scene.
        glimpse: float32 (k, C, g, g) in [0, 1], C = 1 or 3, finest scale first: what the sensor saw.
        caption: One line of text below.
    """

    scene: NDArray[np.uint8]
    fixations: NDArray[np.floating]
    squares: NDArray[np.integer]
    glimpse: NDArray[np.float32]
    caption: str


class Layout(NamedTuple):
    """Where things are in a frame; the same for all views with equal array shapes.

    Attributes:
        width: Of the frame, in pixels.
        height: Of the frame, in pixels.
        enlargement: Frame pixels that a side of a scene pixel takes; 1 where the scene is shrunk.
        stride: Every stride-th scene pixel is shown; 1 unless the scene is larger than the window should be.
        scene: The box the scene fills.
        panels: The boxes the glimpses fill, finest scale first.
        caption: The box of the caption.
    """

    width: int
    height: int
    enlargement: int
    stride: int
    scene: Box
    panels: tuple[Box, ...]
    caption: Box

    def scene_point(self, position: tuple[float, float]) -> tuple[float, float]:
        """Return the (column, row) in scene pixels, edge to edge, at an (x, y) position in the frame.

        Positions beside the scene give points outside it.
        """
        left, top, _, _ = self.scene
        per_pixel = self.stride / self.enlargement
        return (position[0] - left) * per_pixel, (position[1] - top) * per_pixel


def layout(view: View) -> Layout:
    """Compute where things go in a frame; depends on nothing but the shapes of the view's arrays."""
    rows, columns = view.scene.shape[:2]
    num_scales, _, patch_size, _ = view.glimpse.shape

    longest = max(rows, columns)
    enlargement = max(1, SCENE_TARGET // longest)
    stride = 1 if longest <= SCENE_LIMIT else -(-longest // SCENE_TARGET)
    scene_width, scene_height = (-(-length // stride) * enlargement for length in (columns, rows))
    pane_width, body_height = max(scene_width, MIN_BODY), max(scene_height, MIN_BODY)

    def panel_room(panel_columns: int) -> int:
        panel_rows = -(-num_scales // panel_columns)
        return min(PANEL_LIMIT, (body_height - (panel_rows - 1) * GAP) // panel_rows - LABEL_HEIGHT)

    panel_columns = 1 if panel_room(1) >= PANEL_COMFORT else 2
    side = _fitted(patch_size, panel_room(panel_columns))
    pitch = max(side, PANEL_COMFORT) + GAP  # of a column, whose labels need room beside small panels
    panels_left = MARGIN + pane_width + MARGIN
    panels = tuple(
        (
            panels_left + (scale % panel_columns) * pitch,
            MARGIN + (scale // panel_columns) * (side + LABEL_HEIGHT + GAP),
            side,
            side,
        )
        for scale in range(num_scales)
    )

    width = _whole_blocks(panels_left + panel_columns * pitch - GAP + MARGIN)
    caption_top = MARGIN + body_height + GAP
    return Layout(
        width=width,
        height=_whole_blocks(caption_top + CAPTION_HEIGHT + MARGIN // 2),
        enlargement=enlargement,
        stride=stride,
        scene=(
            MARGIN + (pane_width - scene_width) // 2,
            MARGIN + (body_height - scene_height) // 2,
            scene_width,
            scene_height,
        ),
        panels=panels,
        caption=(MARGIN, caption_top, width - 2 * MARGIN, CAPTION_HEIGHT),
    )


class Renderer:
    """Turns views into pictures, or shows them in a window.

    pygame has one window in a process, so Renderers that show at the same time take turns in it; it stays open until
    the last of them is closed. Drawing without showing needs no window, no display and shares nothing.

    When the person closes the window, it goes away, `window_closed` turns true and later calls of `show` do nothing:
    training or a recording that runs behind the window is not lost. `close` makes the Renderer ready to show again.
    """

    _showing: ClassVar[set[Renderer]] = set()

    def __init__(self) -> None:
        self.window_closed = False
        self._clock: pygame.time.Clock | None = None

    def draw(self, view: View) -> NDArray[np.uint8]:
        """Draw one frame.

        Returns:
            uint8 (height, width, 3), a new array at every call; of the same size for all views with equal array shapes.

        Raises:
            gymnasium.error.DependencyNotInstalled: If pygame is missing.
        """
        pygame = import_pygame()
        # (width, height, 3) -> (height, width, 3)
        return np.ascontiguousarray(pygame.surfarray.array3d(_frame(pygame, view)).swapaxes(0, 1))

    def show(self, view: View, fps: float) -> None:
        """Show one frame in the window, opening it if needed, and wait until the frame is due.

        Args:
            view: What to show.
            fps: At most so many frames a second; 0 does not wait.

        Raises:
            gymnasium.error.DependencyNotInstalled: If pygame is missing.
        """
        if self.window_closed:
            return
        pygame = import_pygame()
        frame = _frame(pygame, view)
        pygame.display.init()
        window = pygame.display.get_surface()
        # Another Renderer, or another library, may have resized or closed the window.
        if window is None or window.get_size() != frame.get_size():
            pygame.display.set_caption("ram_envs")
            window = pygame.display.set_mode(frame.get_size())
        Renderer._showing.add(self)
        window.blit(frame, (0, 0))
        pygame.display.flip()

        # Taking every event keeps the window responsive and the queue from filling up.
        if any(event.type == pygame.QUIT for event in pygame.event.get()):
            for renderer in Renderer._showing:
                renderer.window_closed = True
            Renderer._showing.clear()
            pygame.display.quit()
            return
        if self._clock is None:
            self._clock = pygame.time.Clock()
        self._clock.tick(fps)

    def close(self) -> None:
        """Give up the window, which goes away with the last Renderer that shows; may be called twice."""
        self.window_closed = False
        self._clock = None
        if self in Renderer._showing:
            Renderer._showing.discard(self)
            if not Renderer._showing:
                import_pygame().display.quit()


def import_pygame() -> ModuleType:
    """Return the module pygame, imported quietly.

    Raises:
        gymnasium.error.DependencyNotInstalled: If pygame is missing.
    """
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")  # its greeting would spoil a program's output
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it imports the deprecated pkg_resources where that exists
            import pygame
            import pygame.pkgdata
    except ImportError as error:
        raise DependencyNotInstalled(
            "Rendering needs pygame, which is not installed: run `pip install pygame`, or leave out render_mode."
        ) from error
    return pygame


def _frame(pygame: ModuleType, view: View) -> pygame.Surface:
    """Draw a view on a new surface."""
    places = layout(view)
    frame = pygame.Surface((places.width, places.height), depth=32)
    frame.fill(BACKGROUND)
    pygame.draw.rect(frame, BORDER, pygame.Rect(places.scene).inflate(2, 2), width=1)
    frame.blit(_enlarged(pygame, view.scene[:: places.stride, :: places.stride], places.scene), places.scene[:2])
    frame.set_clip(places.scene)
    _draw_squares(pygame, frame, places, view.squares)
    _draw_path(pygame, frame, places, view.fixations)
    frame.set_clip(None)

    pygame.font.init()  # a no-op when done before; another library may have undone it, so no font is kept
    _draw_panels(pygame, frame, places, view)
    font = pygame.font.Font(None, CAPTION_SIZE)
    left, top, width, height = places.caption
    text = font.render(_shortened(view.caption, font, width), True, CAPTION_COLOUR)
    frame.blit(text, (left, top + (height - text.get_height()) // 2))
    return frame


def _draw_squares(pygame: ModuleType, frame: pygame.Surface, places: Layout, squares: NDArray[np.integer]) -> None:
    """Outline the part of the scene that each scale covers, the finest last and so on top."""
    scene_left, scene_top, _, _ = places.scene
    for scale, square in reversed(list(enumerate(squares))):
        top, left, side = (int(length) * places.enlargement // places.stride for length in square)
        outline = pygame.Rect(scene_left + left, scene_top + top, max(side, 1), max(side, 1))
        # A dark rim on both sides makes the line stand out on white pixels too.
        pygame.draw.rect(frame, HALO_COLOUR, outline.inflate(2, 2), width=4)
        pygame.draw.rect(frame, _scale_colour(scale), outline, width=2)


def _draw_path(pygame: ModuleType, frame: pygame.Surface, places: Layout, fixations: NDArray[np.floating]) -> None:
    """Draw the saccades as a line fading into the past, with a dot at every fixation and a ring at the current one."""
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
    """Draw what the sensor saw at each scale, framed in the colour of its square."""
    font = pygame.font.Font(None, LABEL_SIZE)
    # (k, C, g, g) -> (k, g, g, C)
    patches = np.rint(np.clip(view.glimpse, 0, 1) * 255).astype(np.uint8).transpose(0, 2, 3, 1)
    for scale, (patch, box) in enumerate(zip(patches, places.panels, strict=True)):
        stride = -(-patch.shape[0] // box[2])
        frame.blit(_enlarged(pygame, patch[::stride, ::stride], box), box[:2])
        pygame.draw.rect(frame, _scale_colour(scale), pygame.Rect(box).inflate(4, 4), width=2)
        label = font.render(f"scale {scale + 1} · {int(view.squares[scale][2])} px", True, LABEL_COLOUR)
        frame.blit(label, (box[0], box[1] + box[3] + 7))


def _enlarged(pygame: ModuleType, pixels: NDArray[np.uint8], box: Box) -> pygame.Surface:
    """Return uint8 (H, W), (H, W, 1) or (H, W, 3) as a surface of the box's size, without blur."""
    height, width = pixels.shape[:2]
    colours = np.empty((height, width, 3), dtype=np.uint8)
    colours[...] = pixels if pixels.ndim == 3 else pixels[:, :, None]
    return pygame.transform.scale(pygame.image.frombuffer(colours.tobytes(), (width, height), "RGB"), box[2:])


def _scale_colour(scale: int) -> tuple[int, int, int]:
    """Return the colour of a scale; scales beyond the table share its last colour."""
    return SCALE_COLOURS[min(scale, len(SCALE_COLOURS) - 1)]


def _shortened(text: str, font: pygame.font.Font, width: int) -> str:
    """Return the text, with its end left out where it is wider than so many pixels."""
    if font.size(text)[0] <= width:
        return text
    while text and font.size(text + "…")[0] > width:
        text = text[:-1]
    return text.rstrip() + "…"


def _fitted(pixels: int, room: int) -> int:
    """Return the side of an image of so many pixels, enlarged as far as it fits in the room, or shrunk to fit."""
    return room // pixels * pixels if pixels <= room else -(-pixels // -(-pixels // room))


def _whole_blocks(length: int) -> int:
    """Return the length, rounded up to whole blocks."""
    return -(-length // BLOCK) * BLOCK
