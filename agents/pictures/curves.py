"""Learning curves of training runs: a figure of merit over the environment steps."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agents.pictures.style import BLUE, new_figure, tidy, write_figure
from ram_envs.errors import InvalidArgument, one_line
from ram_envs.tasks import FIGURES, FigureOfMerit

SMOOTHED_FRACTION = 0.04  # of the points, averaged on either side of a point of the bold line


def plot_learning_curve(
    metrics_csv: str | os.PathLike[str], png: str | os.PathLike[str], figure: FigureOfMerit | None = None
) -> None:
    """Draw the figure of merit over the environment steps of a training run.

    Args:
        metrics_csv: The metrics of a run; see :func:`read_curve`.
        png: The picture to write.
        figure: The figure of merit; None for the first one of the suite that has a column.

    Raises:
        FileNotFoundError: If there are no such metrics.
        InvalidArgument: If they lack the columns.
        OSError: If the picture cannot be written.
    """
    figure, frames, values = read_curve(Path(metrics_csv), figure)
    logarithmic = figure.logarithmic and len(values) > 0 and values.min() > 0

    from matplotlib.ticker import EngFormatter, FuncFormatter

    picture = new_figure(7.5, 4.2)
    axes = picture.add_subplot()
    tidy(axes)
    axes.set_xlabel("frames")
    axes.set_ylabel(figure.axis_label)
    axes.xaxis.set_major_formatter(EngFormatter(sep=" "))

    if len(frames) == 0:
        axes.text(0.5, 0.5, "nothing measured yet", transform=axes.transAxes, ha="center", va="center", color="0.5")
        axes.set_xticks([])
    else:
        smoothed = np.exp(smoothed_values(np.log(values))) if logarithmic else smoothed_values(values)
        smoothed = smoothed.clip(values.min(), values.max())  # the logarithm rounds, and a constant has no span
        marker = "o" if len(frames) == 1 else None
        axes.plot(frames, values, color=BLUE, alpha=0.3, linewidth=1)
        axes.plot(frames, smoothed, color=BLUE, linewidth=2.2, marker=marker)
        axes.set_xlim(0, frames[-1] * 1.12 or 1)  # leaves room for the last value
        axes.annotate(
            f"{smoothed[-1]:.3g} {figure.unit}".rstrip(),
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
    elif figure.unit == "%":
        axes.set_ylim(0, 100)
    write_figure(picture, Path(png))


def read_curve(
    path: Path, figure: FigureOfMerit | None = None
) -> tuple[FigureOfMerit, NDArray[np.float64], NDArray[np.float64]]:
    """Read a learning curve.

    Args:
        path: A table with a header line, a column ``frames`` and the column of a figure of merit. Where frames repeat,
            as after a resumed run, the later line counts. Incomplete lines are left out.
        figure: The figure of merit; None for the first one of the suite that has a column.

    Returns:
        The figure of merit; the frames, float64 (n,), strictly increasing; and the values as shown, float64 (n,).

    Raises:
        FileNotFoundError: If there is no such table.
        InvalidArgument: If it lacks the columns, or is not a table.
    """
    try:
        return _read_curve(path, figure)
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidArgument(f"{path} is damaged: it is not a table ({one_line(error)})") from error


def _read_curve(
    path: Path, figure: FigureOfMerit | None
) -> tuple[FigureOfMerit, NDArray[np.float64], NDArray[np.float64]]:
    figures = FIGURES if figure is None else {figure.name: figure}
    with path.open(newline="", encoding="utf-8") as file:
        table = csv.DictReader(file)
        columns = table.fieldnames or ()
        found = next((figures[name] for name in figures if name in columns), None)
        if found is None or "frames" not in columns:
            raise InvalidArgument(
                f"{path} has the columns {one_line(', '.join(columns)) or 'none'}: expected frames and one of "
                f"{', '.join(figures)}"
            )
        points: list[tuple[float, float]] = []
        for line in table:
            try:
                point = (float(line["frames"]), found.shown(float(line[found.name])))
            except (TypeError, ValueError):
                continue  # an incomplete line
            if not np.isfinite(point).all():
                continue
            while points and points[-1][0] >= point[0]:  # a resumed run starts at its last checkpoint
                points.pop()
            points.append(point)
    frames, values = np.array(points, dtype=np.float64).reshape(-1, 2).T
    return found, frames, values


def smoothed_values(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the centred moving average, float64 (n,), which is shorter at the ends."""
    reach = round(SMOOTHED_FRACTION * len(values))
    sums = np.concatenate([[0.0], np.cumsum(values)])
    index = np.arange(len(values))
    first, last = np.maximum(index - reach, 0), np.minimum(index + reach + 1, len(values))
    return (sums[last] - sums[first]) / (last - first)
