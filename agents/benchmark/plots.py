"""The plots of a benchmark's report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter

from agents.benchmark.references import ORACLE, RANDOM
from agents.benchmark.statistics import Estimate
from agents.benchmark.summary import Summary
from agents.pictures.style import ALGORITHM_COLOURS as COLOURS
from agents.pictures.style import new_figure, tidy, write_figure

MARKERS = "osDv^P*XphHd"
ALL = "all environments"
NORMALIZED, SUCCESSES, RETURN = "normalized score", "successful episodes (%)", "mean return"
_PANEL = (3.6, 3.1)  # inches


def plot_scores(summary: Summary, file: Path) -> None:
    """Draw the interquartile mean of the final scores with its interval: all environments together, then each."""
    names = summary.algorithms
    figure = new_figure(1.2 + _PANEL[0] * (1 + len(summary.environments)), 1.1 + 0.32 * len(names))
    panels = figure.subplots(1, 1 + len(summary.environments), sharey=True, squeeze=False)[0]
    for axes, environment in zip(panels, (None, *summary.environments), strict=True):
        tidy(axes, environment or ALL)
        for row, name in enumerate(names):
            found = summary.overall(name) if environment is None else summary.final(name, environment)
            if found is None:
                continue
            colour = _colour(summary, name)
            axes.plot([found.low, found.high], [row, row], color=colour, linewidth=7, alpha=0.35, solid_capstyle="butt")
            axes.plot([found.value], [row], "o", color=colour, markersize=5)
            if environment is not None:
                scores = summary.scores(name, environment)
                axes.plot(scores, np.full(len(scores), row), "|", color=colour, markersize=9, alpha=0.8)
        _mark_references(axes, summary, environment, vertical=True)
        if environment is None or summary.is_share(environment):
            axes.set_xlim(min(-4.0, axes.get_xlim()[0]), _top(axes.dataLim.x1))
        axes.set_xlabel(_quantity(summary, environment))
    panels[0].set_yticks(range(len(names)), names)
    panels[0].set_ylim(len(names) - 0.5, -0.5)  # the first one on top
    write_figure(figure, file)


def plot_curves(summary: Summary, file: Path) -> None:
    """Draw the interquartile mean of the learning curves over the frames, with its interval."""
    columns = 1 + len(summary.environments)
    figure = new_figure(2.0 + _PANEL[0] * columns, 0.4 + _PANEL[1])
    panels = figure.subplots(1, columns, squeeze=False)[0]
    frames = summary.frames_due()
    for axes, environment in zip(panels, (None, *summary.environments), strict=True):
        tidy(axes, environment or ALL)
        for name in summary.algorithms:
            found = summary.overall_curve(name) if environment is None else summary.curve(name, environment)
            if found is not None:
                _draw_curve(axes, frames, found, _style(summary, name), name)
        _mark_references(axes, summary, environment, vertical=False)
        axes.set_xlabel("frames")
        axes.xaxis.set_major_formatter(EngFormatter(sep=" "))
        axes.set_xlim(0, summary.frames)
        axes.set_ylabel(_quantity(summary, environment))
        if environment is None or summary.is_share(environment):
            axes.set_ylim(min(-4.0, axes.get_ylim()[0]), _top(axes.dataLim.y1))
    handles, labels = panels[-1].get_legend_handles_labels()
    for axes in panels:
        if len(axes.get_legend_handles_labels()[0]) > len(handles):
            handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", frameon=False)
    write_figure(figure, file)


def plot_speed(summary: Summary, file: Path) -> None:
    """Draw the frames per second of training, one marker per environment."""
    names = summary.algorithms
    figure = new_figure(7.5, 1.1 + 0.32 * len(names))
    axes = figure.subplots()
    tidy(axes, "frames per second of training")
    for index, environment in enumerate(summary.environments):
        found = [(row, summary.frames_per_second(name, environment)) for row, name in enumerate(names)]
        rows = [row for row, speeds in found if len(speeds)]
        values = [float(np.median(speeds)) for _, speeds in found if len(speeds)]
        style = {"color": COLOURS[index % len(COLOURS)], "marker": MARKERS[index % len(MARKERS)]}
        axes.plot(values, rows, linestyle="none", label=environment, alpha=0.85, **style)  # type: ignore[arg-type]
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(EngFormatter(sep=" "))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    figure.legend(loc="outside right center", frameon=False)
    write_figure(figure, file)


def _draw_curve(axes: Axes, frames: np.ndarray, found: Estimate, style: dict[str, Any], name: str) -> None:
    """Draw a curve, with about six markers: its colour alone is not easy to find in the legend."""
    axes.fill_between(frames, found.low, found.high, color=style["color"], alpha=0.15, linewidth=0)
    axes.plot(frames, found.value, linewidth=1.8, label=name, markersize=5, markevery=max(1, len(frames) // 6), **style)


def _top(largest: float) -> float:
    """Return the end of an axis in percent: normalized scores exceed 100 where a run beats the best mean return."""
    return max(100.0, largest) + 4


def _quantity(summary: Summary, environment: str | None) -> str:
    """Return what a panel shows: of one environment, or of all of them together."""
    return NORMALIZED if environment is None else SUCCESSES if summary.is_share(environment) else RETURN


def _mark_references(axes: Axes, summary: Summary, environment: str | None, vertical: bool) -> None:
    """Draw the scores of the random player and of the oracle."""
    draw = axes.axvline if vertical else axes.axhline
    for reference, normalised, style in ((RANDOM, 0.0, ":"), (ORACLE, 100.0, "--")):
        value = normalised if environment is None else summary.reference(reference, environment)
        if value is not None:
            draw(value, color="0.45", linewidth=1, linestyle=style, zorder=0)


def _style(summary: Summary, name: str) -> dict[str, Any]:
    """Return colour and marker of an algorithm in the curves."""
    index = sorted(summary.algorithms).index(name)
    return {"color": _colour(summary, name), "marker": MARKERS[index % len(MARKERS)]}


def _colour(summary: Summary, name: str) -> str:
    """Return the colour of an algorithm, the same in every plot."""
    return COLOURS[sorted(summary.algorithms).index(name) % len(COLOURS)]
