"""The table of gazes: test errors of the rows that learn their gaze, and of those whose gaze is random or scripted."""

from __future__ import annotations

import statistics
from pathlib import Path

from agents.pictures.markdown import markdown_table
from paper.records import read_record, record_file
from paper.rows import IMAGE_HEADLINES, ROWS
from paper.tables import scene_title

GAZES = {
    "learned": "{table}-{glimpses}",
    "random": "{table}-random-{glimpses}",
    "all at the centre": "{table}-{glimpses}-center",
    "fixed grid": "{table}-{glimpses}-raster",
    "an oracle's": "{table}-{glimpses}-oracle",
}
"""Title and row of each gaze."""


def gaze_table(results: Path) -> str:
    """Return the table: the test error by the gaze, with the number of random seeds where there are fewer than three.

    Raises:
        ResultError: If a results file cannot be read.
    """
    lines = []
    for headline in IMAGE_HEADLINES:
        row = ROWS[headline]
        names = (name.format(table=row.table, glimpses=row.num_glimpses) for name in GAZES.values())
        title = f"{scene_title(headline)}, {row.num_glimpses} glimpses"
        lines.append((title, *(_error(results, name) for name in names)))
    return markdown_table(("task", *GAZES), lines, numeric=True)


def _error(results: Path, name: str) -> str:
    record = read_record(record_file(results, name)) if name in ROWS else None
    if record is None:
        return "–"
    count, mean = len(record.values), statistics.fmean(record.values)
    if count < 3:
        return f"{mean:.2f} ({'one seed' if count == 1 else 'two seeds'})"
    return f"{mean:.2f} ± {statistics.stdev(record.values):.2f}"
