"""The look of every plot: colours, the figure and its axes. Matplotlib is imported on first use, pyplot never."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from agents.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, LIGHT_BLUE, GREY, LIGHT_GREY = "#1f6fb4", "#a9cbe8", "#8a8f98", "#d3d6da"
ORANGE, GREEN = "#d98324", "#2e9e6b"
SEED_COLOURS = (BLUE, ORANGE, GREEN, "#a4508b", "#7a6a53")
"""Colours of the curves of several seeds."""
# The Okabe-Ito palette, which is safe for colour-blind readers, and more colours, for which plots have markers.
OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
ALGORITHM_COLOURS = (*OKABE_ITO, "#8C6D31", "#7F3C8D", "#999999", "#5E2B10", "#B5BD00")
"""Colours of the algorithms in a comparison."""
PATH_COLOUR, RIGHT_COLOUR, WRONG_COLOUR = "#35d07f", "#1a7f37", "#c62828"
"""Colours of a glimpse path, and of the caption of a success and of a failure."""
DPI = 130


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure with the constrained layout.

    Args:
        width: Width in inches.
        height: Height in inches.
    """
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=DPI, layout="constrained")


def tidy(axes: Axes, title: str | None = None) -> None:
    """Hide the upper and the right spine, draw a faint grid below the data, and set the title."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    axes.set_axisbelow(True)
    if title is not None:
        axes.set_title(title, fontsize=10)


def write_figure(figure: Figure, png: Path) -> None:
    """Write a figure as a PNG, atomically.

    Raises:
        OSError: If the file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    picture = io.BytesIO()
    FigureCanvasAgg(figure).print_png(picture)
    write_atomically(png, picture.getvalue())
