"""The tables and the picture of docs/beyond.md: what is measured with the agents of the package, and gazes compared.

``python -m paper measure`` evaluates the agents anew, which takes some minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from agents.experiments.files import read_result, write_result
from agents.experiments.machine import device_name, versions
from agents.pictures.style import write_figure
from paper.distance import classifier_distances, distance_table, measure_distance
from paper.gazes import gaze_table
from paper.records import check_writable
from paper.robustness import measure_robustness, robustness_table
from paper.rows import ROWS
from paper.shapes import check_changes, check_distance, check_shape, check_stopping
from paper.stopping import curves_of_rows, measure_stopping, stopping_chart, stopping_table
from ram_envs.errors import shown

PAGE = Path("docs/beyond.md")
STOPPING_CHART = "stopping.png"


class Measurement(NamedTuple):
    """A measurement and its table.

    Attributes:
        measure: Returns plain values by the name of the row.
        table: Writes them as a table.
        check: Checks the values of a row, given a name for the error message.
        more: Returns further values, from the results files of rows in a folder.
    """

    measure: Callable[[], dict[str, Any]]
    table: Callable[[Mapping[str, Any]], str]
    check: Callable[[str, Any], None]
    more: Callable[[Path], dict[str, Any]] = lambda results: {}


MEASUREMENTS = {
    "stopping": Measurement(measure_stopping, stopping_table, check_stopping, curves_of_rows),
    "distance": Measurement(measure_distance, distance_table, check_distance, classifier_distances),
    "robustness": Measurement(measure_robustness, robustness_table, check_changes),
}
"""Each is in the results file of its name."""


def measure(name: str, results: Path) -> Path:
    """Measure, and write the results file.

    Raises:
        OSError: If it cannot be written, before anything is measured; the old file is unchanged.
    """
    file = results / f"{name}.json"
    check_writable(results)  # the measurement takes minutes
    rows = MEASUREMENTS[name].measure()
    write_result(file, {**_header(name), "hardware": device_name("cpu"), "versions": versions(), "rows": rows})
    return file


def read(name: str, results: Path) -> dict[str, Any] | None:
    """Return the values of a measurement, those of further rows included; None if there is no file.

    Raises:
        ResultError: If the file cannot be read.
    """
    rows = read_result(results / f"{name}.json", _header(name), partial(_parse, name))
    return None if rows is None else {**rows, **MEASUREMENTS[name].more(results)}


def _parse(name: str, content: Mapping[str, Any]) -> dict[str, Any]:
    check_shape("", content, {"rows": {str: {}}})
    rows: dict[str, Any] = content["rows"]
    if not rows or not rows.keys() <= ROWS.keys():
        raise ValueError(f"rows={shown(list(rows))} is not valid: expected names of rows of the paper, at least one")
    for row, values in rows.items():
        MEASUREMENTS[name].check(f"rows.{row}", values)
    return rows


def beyond_tables(results: Path) -> str:
    """Return all tables, each below its title.

    Raises:
        ResultError: If a file cannot be read.
    """
    parts = []
    for name, measurement in MEASUREMENTS.items():
        if (rows := read(name, results)) is not None:
            parts += [f"**{_TITLES[name]}**", measurement.table(rows)]
    return "\n\n".join([*parts, f"**{_GAZES}**", gaze_table(results)])


def draw_stopping(results: Path, out: Path) -> Path | None:
    """Draw the picture of early stopping; None if it was not measured."""
    rows = read("stopping", results)
    if rows is None:
        return None
    write_figure(stopping_chart(rows), out / STOPPING_CHART)
    return out / STOPPING_CHART


_TITLES = {
    "stopping": "Early stopping: mean number of glimpses and test error (%) for each threshold",
    "distance": "Two digits: share of the scenes (%) and test error (%) by the distance between their centers",
    "robustness": "Other scenes than in training: test error (%)",
}
_GAZES = "Learned gaze and others, trained alike: test error (%)"


def _header(name: str) -> dict[str, Any]:
    return {"kind": f"ram-{name}", "version": 1}
