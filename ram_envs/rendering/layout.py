"""Where things go in a frame. All lengths are in pixels of the drawn frame, unless they say otherwise."""

from __future__ import annotations

from typing import NamedTuple

from ram_envs.rendering.view import View

SCENE_TARGET = 512  # a small scene is enlarged by the largest whole factor that stays within this
SCENE_LIMIT = 720  # a scene longer than this is shrunk
MIN_BODY = 360  # least height of the row that holds scene and panels, and least width of the scene's pane
PANEL_LIMIT = 200
PANEL_COMFORT = 104  # panels that would be smaller than this in one column are put in two
PANEL_LEAST = 64  # panels that would be smaller than this in two columns are put in more
MARGIN = 20
GAP = 14
LABEL_HEIGHT = 22
CAPTION_HEIGHT = 26
HINT_HEIGHT = 24
SIDEBAR_WIDTH = 260
BLOCK = 16  # the sides of a frame are multiples of this, as video encoders require

Box = tuple[int, int, int, int]  # left, top, width, height


class Layout(NamedTuple):
    """Where things are in a frame; the same for all views with equal array shapes.

    Attributes:
        width: Width of the frame.
        height: Height of the frame.
        enlargement: Side of one drawn scene pixel; 1 where the scene is shrunk.
        stride: Every stride-th scene pixel is drawn; 1 unless the scene is too large for a window.
        pane: The box of the space for the scene, which may be larger than the scene.
        scene: The box of the scene.
        panels: The boxes of the glimpse's levels, finest first.
        sidebar: The box of the readout or the choices; None if the view has neither.
        caption: The box of the caption.
        hint: The box of the hint; None if the view has none.
    """

    width: int
    height: int
    enlargement: int
    stride: int
    pane: Box
    scene: Box
    panels: tuple[Box, ...]
    sidebar: Box | None
    caption: Box
    hint: Box | None

    def scene_point(self, position: tuple[float, float]) -> tuple[float, float]:
        """Return the (column, row) in scene pixels, edge to edge, at an (x, y) position in the frame.

        A position beside the scene gives a point outside it.
        """
        left, top, _, _ = self.scene
        per_pixel = self.stride / self.enlargement
        return (position[0] - left) * per_pixel, (position[1] - top) * per_pixel


def layout(view: View) -> Layout:
    """Compute the layout from the shapes of the view's arrays and from whether it has a readout, choices or a hint."""
    rows, columns = view.scene.shape[:2]
    levels, _, patch_rows, patch_columns = view.glimpse.shape

    longest = max(rows, columns)
    enlargement = max(1, SCENE_TARGET // longest)
    stride = 1 if longest <= SCENE_LIMIT else -(-longest // SCENE_TARGET)
    scene_width, scene_height = (-(-length // stride) * enlargement for length in (columns, rows))
    pane_width, body_height = max(scene_width, MIN_BODY), max(scene_height, MIN_BODY)

    panel_columns = _panel_columns(levels, body_height)
    room = _panel_room(levels, body_height, panel_columns)
    panel_width, panel_height = _fitted(patch_columns, patch_rows, room)
    pitch = max(panel_width, PANEL_COMFORT) + GAP  # of a column: labels need room next to small panels
    panels_left = MARGIN + pane_width + MARGIN
    panels = tuple(
        (
            panels_left + (level % panel_columns) * pitch,
            MARGIN + (level // panel_columns) * (panel_height + LABEL_HEIGHT + GAP),
            panel_width,
            panel_height,
        )
        for level in range(levels)
    )

    right = panels_left + panel_columns * pitch - GAP + MARGIN
    sidebar = None
    if view.readout is not None or view.choices:
        sidebar = (right, MARGIN, SIDEBAR_WIDTH, body_height)
        right += SIDEBAR_WIDTH + MARGIN
    width = _whole_blocks(right)
    caption_top = MARGIN + body_height + GAP
    bottom = caption_top + CAPTION_HEIGHT
    hint = None
    if view.hint:
        hint = (MARGIN, bottom, width - 2 * MARGIN, HINT_HEIGHT)
        bottom += HINT_HEIGHT
    return Layout(
        width=width,
        height=_whole_blocks(bottom + MARGIN // 2),
        enlargement=enlargement,
        stride=stride,
        pane=(MARGIN, MARGIN, pane_width, body_height),
        scene=(
            MARGIN + (pane_width - scene_width) // 2,
            MARGIN + (body_height - scene_height) // 2,
            scene_width,
            scene_height,
        ),
        panels=panels,
        sidebar=sidebar,
        caption=(MARGIN, caption_top, width - 2 * MARGIN, CAPTION_HEIGHT),
        hint=hint,
    )


def panel_stride(patch_rows: int, patch_columns: int, box: Box) -> int:
    """Return the stride at which a patch fits its panel: 1 unless the patch is larger than the panel."""
    return max(-(-patch_rows // box[3]), -(-patch_columns // box[2]))


def _panel_room(levels: int, body_height: int, panel_columns: int) -> int:
    """Return the longest side that a panel may have with so many columns of panels."""
    panel_rows = -(-levels // panel_columns)
    return min(PANEL_LIMIT, (body_height - (panel_rows - 1) * GAP) // panel_rows - LABEL_HEIGHT)


def _panel_columns(levels: int, body_height: int) -> int:
    """Return the least number of columns in which panels are large enough to read."""
    if _panel_room(levels, body_height, 1) >= PANEL_COMFORT:
        return 1
    columns = range(2, levels)
    return next((n for n in columns if _panel_room(levels, body_height, n) >= PANEL_LEAST), max(levels, 2))


def _fitted(width: int, height: int, room: int) -> tuple[int, int]:
    """Return the size of a (width, height) picture, enlarged or shrunk by a whole factor to fit a square room."""
    longest = max(width, height)
    if longest <= room:
        return width * (room // longest), height * (room // longest)
    stride = -(-longest // room)
    return -(-width // stride), -(-height // stride)


def _whole_blocks(length: int) -> int:
    """Round a length up to whole blocks."""
    return -(-length // BLOCK) * BLOCK
