"""Learning curves of training runs."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.pictures.style import BLUE, new_figure, tidy, write_figure


class Measure(NamedTuple):
    """A column of ``metrics.csv`` that a learning curve can show.

    Attributes:
        column: What it is called in the file.
        label: What it is called on the axis.
        factor: Turns the file's unit into the axis'.
        logarithmic: Whether a logarithmic axis shows it best.
    """

    column: str
    label: str
    factor: float
    logarithmic: bool


MEASURES = (
    Measure("success_rate", "success rate (%)", 100.0, logarithmic=False),
    Measure("error_percent", "error (%)", 1.0, logarithmic=True),
)

SMOOTHED_FRACTION = 0.04  # of the points, averaged on either side of a point of the bold line


def plot_learning_curve(metrics_csv: str | os.PathLike[str], png: str | os.PathLike[str]) -> None:
    """Draw the figure that matters over the frames of a training run.

    Args:
        metrics_csv: A table with a header line, a column `frames` and one of the columns in `MEASURES`. It may be that
            of a resumed or interrupted run: where frames repeat, the later line counts, and lines that are cut off,
            empty or no numbers are left out.
        png: The picture to write.

    Raises:
        FileNotFoundError: If there is no such table.
        ValueError: If it lacks the columns.
    """
    measure, frames, values = _read_curve(Path(metrics_csv))
    logarithmic = measure.logarithmic and len(values) > 0 and values.min() > 0

    from matplotlib.ticker import EngFormatter, FuncFormatter

    figure = new_figure(7.5, 4.2)
    axes = figure.add_subplot()
    tidy(axes)
    axes.set_xlabel("frames")
    axes.set_ylabel(measure.label)
    axes.xaxis.set_major_formatter(EngFormatter(sep=" "))

    if len(frames) == 0:
        axes.text(0.5, 0.5, "nothing measured yet", transform=axes.transAxes, ha="center", va="center", color="0.5")
        axes.set_xticks([])
    else:
        smoothed = np.exp(_smoothed(np.log(values))) if logarithmic else _smoothed(values)
        marker = "o" if len(frames) == 1 else None
        axes.plot(frames, values, color=BLUE, alpha=0.3, linewidth=1)
        axes.plot(frames, smoothed, color=BLUE, linewidth=2.2, marker=marker)
        axes.set_xlim(0, frames[-1] * 1.12 or 1)  # leaves room for the last value
        axes.annotate(
            f"{smoothed[-1]:.3g} %",
            (frames[-1], smoothed[-1]),
            xytext=(8, 0),
            textcoords="offset points",
            va="center",
            color=BLUE,
            fontweight="bold",
        )
    if logarithmic:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_formatter(FuncFormatter(lambda value, _: f"{value:g}" if f"{value:e}"[0] in "25" else ""))
    else:
        axes.set_ylim(0, 100)

    write_figure(figure, Path(png))


def _read_curve(path: Path) -> tuple[Measure, NDArray[np.float64], NDArray[np.float64]]:
    """Return what is measured, and frames and values, float64 (n,) each, frames strictly increasing."""
    with path.open(newline="", encoding="utf-8") as file:
        table = csv.DictReader(file)
        columns = table.fieldnames or ()
        measure = next((measure for measure in MEASURES if measure.column in columns), None)
        if measure is None or "frames" not in columns:
            raise ValueError(
                f"{path} has the columns {', '.join(columns) or 'none'}: expected frames and one of "
                f"{', '.join(measure.column for measure in MEASURES)}"
            )
        points: list[tuple[float, float]] = []
        for line in table:
            try:
                point = (float(line["frames"]), float(line[measure.column]) * measure.factor)
            except (TypeError, ValueError):
                continue  # a line that is cut off, or has nothing in these columns
            if not np.isfinite(point).all():
                continue
            while points and points[-1][0] >= point[0]:  # a resumed run goes on from its last checkpoint
                points.pop()
            points.append(point)
    frames, values = np.array(points, dtype=np.float64).reshape(-1, 2).T
    return measure, frames, values


def _smoothed(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the centred moving average, float64 (n,); at the ends, over those neighbours that there are."""
    reach = round(SMOOTHED_FRACTION * len(values))
    sums = np.concatenate([[0.0], np.cumsum(values)])
    index = np.arange(len(values))
    first, last = np.maximum(index - reach, 0), np.minimum(index + reach + 1, len(values))
    return (sums[last] - sums[first]) / (last - first)
