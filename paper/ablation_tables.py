"""The tables of docs/ablations.md, one line per ablation, made from the results files alone."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from agents.pictures.markdown import markdown_table
from paper.ablations import ABLATIONS, LENGTHS, REFERENCE, ablation_row, ablations, compared
from paper.records import Record
from paper.row import TABLES
from paper.rows import ROWS
from paper.tables import NOTHING

HEAD = ("ingredient", "preset", "changed to", "with the preset (%)", "changed (%)", "difference", "seeds")


class Difference(NamedTuple):
    """The difference of two means with its 95 % interval, nan if a sample has fewer than two values."""

    value: float
    low: float
    high: float


def difference(ones: Sequence[float], others: Sequence[float]) -> Difference:
    """Return the mean of some values minus the mean of others, with Welch's 95 % interval.

    Welch 1947, "The generalization of Student's problem when several different population variances are involved".
    """
    value = statistics.fmean(ones) - statistics.fmean(others)
    if min(len(ones), len(others)) < 2:
        return Difference(value, math.nan, math.nan)
    squares = [statistics.variance(values) / len(values) for values in (ones, others)]
    if sum(squares) == 0:
        return Difference(value, value, value)
    from scipy.stats import t  # type: ignore[import-untyped]  # takes a second to import

    freedom = sum(squares) ** 2 / sum(
        square**2 / (len(values) - 1) for square, values in zip(squares, (ones, others), strict=True)
    )
    reach = float(t.ppf(0.975, freedom)) * math.sqrt(sum(squares))
    return Difference(value, value - reach, value + reach)


def ablation_tables(records: Mapping[str, Record]) -> str:
    """Return a table for each row with ablations that has results, the most harmful change first.

    Args:
        records: Results by the names of the ablations; those with other settings than the current ones are left out.
    """
    parts = []
    for row in LENGTHS:
        if not any(one.full_name in records for one in ABLATIONS if one.row == row):
            continue
        parts += [f"**{TABLES[ROWS[row].table][1]}**", _length(row), _table(row, records)]
        stale = [one.full_name for one in ABLATIONS if one.row == row and one.full_name in records]
        stale = [name for name in stale if name not in _fitting(row, records)]
        if stale:
            parts.append(f"Left out because they were trained with earlier settings: {', '.join(stale)}.")
    return "\n\n".join(parts)


def _table(row: str, records: Mapping[str, Record]) -> str:
    fitting = _fitting(row, records)
    reference = fitting.get(f"ablation-{row}-{REFERENCE}")
    worse = -1 if ROWS[row].figure.more_is_better else 1  # the sign of a difference that hurts
    lines: list[tuple[float, Sequence[str]]] = []
    for one in ablations([row])[1:]:  # without the reference
        before, after = zip(*compared(one), strict=True)
        record, harm, cell = fitting.get(one.full_name), -math.inf, NOTHING
        if record is not None and reference is not None:
            found = difference(record.values, reference.values)
            harm, cell = worse * found.value, _write_difference(found)
        seeds = dict.fromkeys(str(len(side.seeds)) if side else "0" for side in (reference, record))
        cells = [_write_values(before), _write_values(after), _write_mean(reference), _write_mean(record), cell]
        lines.append((harm, [one.ingredient, *cells, " and ".join(seeds)]))
    lines.sort(key=lambda line: -line[0])
    return markdown_table(HEAD, [cells for _, cells in lines], numeric=True)


def _fitting(row: str, records: Mapping[str, Record]) -> dict[str, Record]:
    """Return the records of a row's ablations that have the current settings."""
    rows = [ablation_row(one) for one in ablations([row])]
    return {one.name: records[one.name] for one in rows if one.name in records and records[one.name].fits(one)}


def _length(row: str) -> str:
    """Return a sentence about the figure and the length of the training."""
    full, short = ROWS[row].settings.to_dict(), LENGTHS[row]
    if ROWS[row].is_game:
        what, unit = "Share of balls caught", "M frames"
        lengths = [length["frames"] / 1e6 for length in (short, full)]
    else:
        what, unit = "Error", "epochs"
        lengths = [length["epochs"] for length in (short, full)]
    sides = [f"{length:g} {unit}" for length in lengths]
    if "num_envs" in short:
        sides = [f"{side} in batches of {one['num_envs']:,}" for side, one in zip(sides, (short, full), strict=True)]
    return f"{what} after {sides[0]}; the row in the tables is trained for {sides[1]}."


def _write_values(values: Sequence[Any]) -> str:
    words = {True: "yes", False: "no", None: "none"}
    return ", ".join(
        words[value] if value is None or isinstance(value, bool) else value if isinstance(value, str) else f"{value:g}"
        for value in values
    )


def _write_mean(record: Record | None) -> str:
    if record is None:
        return NOTHING
    spread = f" ± {statistics.stdev(record.values):.2f}" if len(record.values) > 1 else ""
    return f"{statistics.fmean(record.values):.2f}{spread}"


def _write_difference(found: Difference) -> str:
    """Return a difference with its interval, in bold where 0 is outside."""
    value, low, high = (f"{x:+.2f}".replace("-", "−") for x in found)
    if math.isnan(found.low):
        return value
    return f"**{value}** [{low}, {high}]" if found.low > 0 or found.high < 0 else f"{value} [{low}, {high}]"
