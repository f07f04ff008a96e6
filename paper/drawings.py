"""Draws the figures that there is data for, and names the command that makes each missing one.

Charts are made from the results files, glimpse paths with the agents that come with the package.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from agents.pictures.paths import draw_glimpse_paths, follow_gaze
from agents.pictures.style import write_figure
from agents.pretrained import load_pretrained, pretrained_ids
from paper.beyond import STOPPING_CHART, draw_stopping
from paper.charts import (
    catch_by_frames,
    cost_by_size,
    error_by_glimpses,
    learned_and_random,
    learned_rows,
    random_pairs,
)
from paper.cost import FILE_NAME, read_cost, write_cost
from paper.cost import measure_cost as measure
from paper.records import check_writable
from paper.reproduce import read_records
from paper.row import BEYOND, PACKAGED, TABLES
from paper.rows import ROWS

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Drawings(NamedTuple):
    """The figures that were drawn and the missing ones.

    Attributes:
        files: The pictures.
        wanting: Name of each missing or incomplete picture, with the reason and the command that makes it.
    """

    files: list[Path]
    wanting: dict[str, str]


def draw_figures(results: Path, out: Path, *, measure_cost: bool = False) -> Drawings:
    """Draw every figure that there is data for.

    Args:
        results: Folder of the results files.
        out: Folder of the figures.
        measure_cost: Whether to measure the cost of an image first, which takes minutes.

    Raises:
        ResultError: If a results file cannot be read.
        OSError: If a picture cannot be written.
    """
    if measure_cost:
        check_writable(results)  # it takes minutes
        kept = write_cost(results, measure())
        if kept is not None:
            print(f"{results / FILE_NAME} could not be used: kept as {kept}", file=sys.stderr)
    records, cost = read_records(results), read_cost(results)
    learned = [row.name for row in learned_rows()]
    drawings: dict[str, tuple[Callable[[], Figure | None], list[str]]] = {
        "error-by-glimpses.png": (lambda: error_by_glimpses(records), learned),
        "catch-by-frames.png": (lambda: catch_by_frames(records), ["catch"]),
        "learned-and-random.png": (
            lambda: learned_and_random(records),
            [row.name for pair in random_pairs() for row in pair],
        ),
        "cost-by-size.png": (lambda: cost_by_size(cost), []),
    }
    done = Drawings([], {})
    for name, (draw, rows) in drawings.items():
        figure = draw()
        if figure is not None:
            write_figure(figure, out / name)
            done.files.append(out / name)
        lacking = [row for row in rows if row not in records]
        if lacking:
            command = " ".join(f"--row {row}" for row in lacking)
            done.wanting[name] = f"no results of {', '.join(lacking)}: run `python -m paper reproduce {command}`"
        elif figure is None:
            done.wanting[name] = "the cost of an image was not measured: run `python -m paper figures --measure-cost`"
    stopping = draw_stopping(results, out)
    if stopping is None:
        done.wanting[STOPPING_CHART] = "early stopping was not measured: run `python -m paper measure stopping`"
    else:
        done.files.append(stopping)
    _glimpse_paths(out, done)
    return done


def _glimpse_paths(out: Path, done: Drawings) -> None:
    """Draw the glimpse paths of the agents that come with the package."""
    titles = dict(reversed(TABLES.values()))  # of several tables of an environment the first one counts
    expected = [env_id for table, (env_id, _) in TABLES.items() if table not in BEYOND]
    rows = {ROWS[name].env_id: name for name in PACKAGED}
    agents = pretrained_ids()
    for env_id in dict.fromkeys([*expected, *agents]):
        file = out / f"paths-{env_id.removeprefix('RAM-').rsplit('-', 1)[0].lower()}.png"
        if env_id not in agents:
            command = f"python -m paper reproduce --row {rows[env_id]}"
            done.wanting[file.name] = (
                f"no agent for {env_id} comes with the package: run `{command}`, then `{command} --export`"
            )
            continue
        checkpoint = load_pretrained(env_id)
        try:
            gaze = follow_gaze(checkpoint.policy, env_id, checkpoint.env_settings)
        except FileNotFoundError as error:  # the images
            done.wanting[file.name] = str(error)
            continue
        draw_glimpse_paths(gaze, titles.get(env_id, env_id), file)
        done.files.append(file)
