"""Learning curves of several runs in one picture: a line for each group of equal settings, with the spread of seeds."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from agents.errors import RAMError
from agents.files import write_atomically
from agents.pictures.curves import read_curve, smoothed_values
from agents.pictures.style import ALGORITHM_COLOURS, new_figure, tidy
from agents.untrusted import one_line, read_json, shown
from ram_envs import make_task
from ram_envs.tasks import FIGURES, FigureOfMerit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

METRICS, SETTINGS = "metrics.csv", "settings.json"
FORMATS = (".png", ".svg", ".pdf")
NOT_LEARNED = ("threads", "log_every", "checkpoint_every")
"""Settings that change how a run is executed, not what it learns: they make no group."""
GRID_POINTS = 400
MAX_DEPTH = 3
"""Levels of folders below the one that is given in which runs are searched."""


class RunsError(RAMError):
    """Runs cannot be drawn together; the message names the run and the fix."""


@dataclass(frozen=True)
class RunCurve:
    """The learning curve of one run.

    Attributes:
        folder: The run folder.
        seed: Its random seed.
        settings: All other settings by their names, nested ones as "network.core_size".
        figure: The figure of merit.
        frames: float64 (n,), environment steps, increasing.
        values: float64 (n,), in the unit of the axis.
    """

    folder: Path
    seed: int
    settings: Mapping[str, Any]
    figure: FigureOfMerit
    frames: NDArray[np.float64]
    values: NDArray[np.float64]


@dataclass(frozen=True)
class Group:
    """Runs with the same settings.

    Attributes:
        label: The settings that differ between the groups, such as "learning_rate=0.001"; the environment if none does.
        runs: The runs.
    """

    label: str
    runs: tuple[RunCurve, ...]

    def band(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return frames, mean and standard deviation over the runs, float64 (m,) each, where all runs have values."""
        first, last = max(run.frames[0] for run in self.runs), min(run.frames[-1] for run in self.runs)
        frames = np.linspace(first, max(first, last), GRID_POINTS)
        curves = np.stack([np.interp(frames, run.frames, smoothed_values(run.values)) for run in self.runs])
        return frames, curves.mean(axis=0), curves.std(axis=0, ddof=1 if len(self.runs) > 1 else 0)


def find_runs(folder: Path) -> list[Path]:
    """Return the run folders at or below a folder.

    Raises:
        RunsError: If there is none.
    """
    patterns = ["/".join(["*"] * depth + [METRICS]) for depth in range(MAX_DEPTH + 1)]
    runs = sorted({file.parent for pattern in patterns for file in folder.glob(pattern)})
    if not runs:
        reason = "holds no run" if folder.is_dir() else "is not a folder"
        raise RunsError(
            f"{folder} {reason}: expected a folder that `ram train` wrote, with {METRICS} in it or below it"
        )
    return runs


def read_run(folder: Path) -> RunCurve:
    """Read the settings and the learning curve of a run.

    Raises:
        RunsError: If a file is missing or broken, or nothing was measured yet.
    """
    try:
        content = _checked(read_json(folder / SETTINGS))
        settings = {"env_id": content["env_id"], **dict(_flat(content["training"]))}
        seed = content["seed"]
        figure, frames, values = read_curve(folder / METRICS, _own_figure(folder / METRICS, content))
    except (OSError, ValueError, TypeError, ArithmeticError) as error:
        raise RunsError(f"{folder} cannot be drawn ({one_line(error)}): leave it out, or train it again") from error
    if len(frames) == 0:
        raise RunsError(f"{folder} has measured nothing yet: leave it out, or wait for its first line in {METRICS}")
    return RunCurve(folder, seed, settings, figure, frames, values)


def group_runs(runs: Sequence[RunCurve]) -> list[Group]:
    """Group runs by their settings, and label each group by what sets it apart.

    Raises:
        RunsError: If the runs measure different things.
    """
    for run in runs:
        if run.figure != runs[0].figure:
            raise RunsError(
                f"{runs[0].folder} measures the {runs[0].figure.label} and {run.folder} the {run.figure.label}: "
                "draw them in two pictures"
            )
    names = dict.fromkeys(name for run in runs for name in run.settings if name not in NOT_LEARNED)
    varied = [name for name in names if len({repr(run.settings.get(name)) for run in runs}) > 1]
    groups: dict[str, list[RunCurve]] = {}
    for run in runs:
        values = (f"{name.rpartition('.')[2]}={_shown(run.settings.get(name, 'default'))}" for name in varied)
        groups.setdefault(", ".join(values) or run.settings["env_id"], []).append(run)
    return [Group(label, tuple(members)) for label, members in groups.items()]


def draw_groups(groups: Sequence[Group], file: Path) -> None:
    """Draw a line for each group: the mean over its runs, and a band of one standard deviation.

    Args:
        groups: The groups.
        file: The picture to write: PNG, SVG or PDF.

    Raises:
        RunsError: If the file has another suffix.
        OSError: If it cannot be written.
    """
    if file.suffix.lower() not in FORMATS:
        raise RunsError(
            f"{file} is not a picture that can be written: expected a name that ends in {', '.join(FORMATS)}"
        )
    merit, figure = groups[0].runs[0].figure, new_figure(8, 4.6)
    axes = figure.add_subplot()
    tidy(axes)
    for number, group in enumerate(groups):
        colour = ALGORITHM_COLOURS[number % len(ALGORITHM_COLOURS)]
        frames, mean, spread = group.band()
        count = len(group.runs)
        label = f"{group.label} ({count} seeds)" if count > 1 else f"{group.label} (seed {group.runs[0].seed})"
        axes.plot(frames, mean, color=colour, linewidth=2, label=label.replace("$", r"\$"))  # no formulas
        if count > 1:
            axes.fill_between(frames, mean - spread, mean + spread, color=colour, alpha=0.2, linewidth=0)
    axes.set_xlabel("frames")
    axes.set_ylabel(merit.axis_label)
    axes.set_xlim(left=0)
    _scale(axes, merit, min(run.values.min() for group in groups for run in group.runs))
    axes.legend(frameon=False, fontsize=9)
    if any(len(group.runs) > 1 for group in groups):
        axes.set_title("mean ± standard deviation over seeds", fontsize=9, color="0.4", loc="left")
    picture = io.BytesIO()
    figure.savefig(picture, format=file.suffix[1:].lower())
    write_atomically(file, picture.getvalue())


def _scale(axes: Axes, merit: FigureOfMerit, smallest: float) -> None:
    from matplotlib.ticker import EngFormatter, FuncFormatter

    axes.xaxis.set_major_formatter(EngFormatter(sep=" "))
    if merit.logarithmic and smallest > 0:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _own_figure(metrics: Path, content: Mapping[str, Any]) -> FigureOfMerit | None:
    """Return the figure of merit of a task that brings its own; None if the metrics have a column of a known one."""
    with metrics.open(encoding="utf-8") as file:
        columns = file.readline().strip().split(",")
    if not set(FIGURES).isdisjoint(columns):
        return None
    return make_task(content["env_id"], **content["training"].get("environment", {})).figure


def _checked(content: Any) -> dict[str, Any]:
    """Return the content of settings.json.

    Raises:
        ValueError: If it is not what `ram train` writes.
    """
    expected = {"env_id": str, "seed": int, "training": dict}
    for key, kind in expected.items():
        value = content.get(key) if isinstance(content, dict) else None
        if not isinstance(value, kind) or (isinstance(value, str) and not value.isprintable()):
            raise ValueError(f"{key} in {SETTINGS} is {shown(value)}, expected {kind.__name__}")
    environment = content["training"].get("environment", {})
    if not isinstance(environment, dict):
        raise ValueError(f"environment in {SETTINGS} is {shown(environment)}, expected dict")
    return dict(content)


def _shown(value: Any) -> str:
    """Write a setting so that it can be printed and drawn, whatever the file holds."""
    text = one_line(value) if isinstance(value, (str, float, int)) else shown(value)
    return text if text.isprintable() else ascii(text)


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield nested settings by "outer.inner"; None in the environment's arguments is the same as no entry."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        elif not (value is None and prefix):
            yield prefix + name, value
