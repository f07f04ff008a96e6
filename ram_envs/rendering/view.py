"""What one frame shows: the scene, the path of the gaze, and what the sensor covers and returns."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Banner(NamedTuple):
    """A large line of text over the scene, such as the result of an episode.

    Attributes:
        text: The text.
        good: Whether it is good news (green) or bad (red); None for neither.
    """

    text: str
    good: bool | None


class Readout(NamedTuple):
    """What a policy computes at each glimpse.

    Attributes:
        title: What it answers, such as "label" or "move".
        names: The names of the n answers.
        probabilities: float (t, n) in [0, 1], of the answers at each of the t glimpses so far, latest last.
        values: float (t,), the value estimates at these glimpses; empty to show none.
        num_glimpses: Number of glimpses in an episode, at least t.
    """

    title: str
    names: tuple[str, ...]
    probabilities: NDArray[np.floating]
    values: NDArray[np.floating]
    num_glimpses: int


class View(NamedTuple):
    """The content of one frame.

    Attributes:
        scene: uint8 (H, W) or (H, W, 3).
        fixations: float (n, 2), (column, row) in scene pixels from edge to edge: (0, 0) is the top-left corner of the
            scene and (W, H) its bottom-right corner. Oldest first; the last one is the current fixation.
        outlines: int (levels, 4), (top, left, height, width) in scene pixels, finest level first: the part of the
            scene that each level of the sensor covers now. It may extend beyond the scene.
        glimpse: float32 (levels, C, rows, columns) in [0, 1], C = 1 or 3, finest level first: what the sensor
            returned.
        caption: One line of text below the scene.
        visible: bool (H, W), the pixels of the scene to show; the rest is drawn as fog. None shows all of them.
        preview: int (levels, 4), as ``outlines``: what the sensor would cover next, drawn dashed. None draws nothing.
        banner: Text over the scene.
        readout: Drawn beside the glimpse.
        choices: Lines of text beside the glimpse, where there is no readout: the answers to choose from.
        hint: A line in small print below the caption, such as the keys. Empty takes no room.
    """

    scene: NDArray[np.uint8]
    fixations: NDArray[np.floating]
    outlines: NDArray[np.integer]
    glimpse: NDArray[np.float32]
    caption: str
    visible: NDArray[np.bool_] | None = None
    preview: NDArray[np.integer] | None = None
    banner: Banner | None = None
    readout: Readout | None = None
    choices: tuple[str, ...] = ()
    hint: str = ""


def hide_unseen(view: View) -> View:
    """Replace the scene with what the agent knows of it: the present glimpse, drawn in place.

    Each level is stretched over its outline, so that cell ``j`` of ``n`` covers the pixels ``floor(j * side / n)`` to
    ``floor((j + 1) * side / n) - 1`` of a side. Finer levels are drawn on top of coarser ones.

    Returns:
        The view with a new scene and ``visible`` set. Pixels outside the outlines are 0 and not visible.
    """
    height, width = view.scene.shape[:2]
    seen = np.zeros((height, width, view.glimpse.shape[1]), dtype=np.uint8)
    visible = np.zeros((height, width), dtype=bool)
    for outline, patch in reversed(list(zip(view.outlines.tolist(), view.glimpse, strict=True))):
        top, left, outline_height, outline_width = outline
        rows = np.arange(max(top, 0), min(top + outline_height, height))
        columns = np.arange(max(left, 0), min(left + outline_width, width))
        row_cells = _cells(rows - top, outline_height, patch.shape[1])
        column_cells = _cells(columns - left, outline_width, patch.shape[2])
        pixels = patch[:, row_cells[:, None], column_cells]  # (C, rows, columns)
        seen[rows[:, None], columns] = to_uint8(pixels.transpose(1, 2, 0))
        visible[rows[:, None], columns] = True
    return view._replace(scene=seen.reshape(view.scene.shape), visible=visible)


def to_uint8(glimpse: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Round values in [0, 1] to uint8 in [0, 255]; values outside are clipped."""
    return np.rint(np.clip(glimpse, 0, 1) * 255).astype(np.uint8)


def _cells(pixels: NDArray[np.integer], side: int, cells: int) -> NDArray[np.integer]:
    """Return the index of the cell that each pixel of a side belongs to; all int (n,)."""
    edges = np.arange(cells + 1) * side // cells
    return np.searchsorted(edges, pixels, side="right") - 1
