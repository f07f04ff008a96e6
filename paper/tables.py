"""The tables of README.md and docs/results.md, made from the results files alone."""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from agents.files import write_atomically
from agents.pictures.markdown import markdown_table
from agents.pretrained import load_pretrained, pretrained_ids
from paper.records import (
    Record,
    SeedResult,
    differing_settings,
    frames_to_reach,
    in_percent,
    plain_settings,
)
from paper.rows import HEADLINES, ROWS, TABLES, Row, departures

BEGIN, END = "<!-- results:begin -->", "<!-- results:end -->"
NOTHING = "–"
_REPORTED = ("arXiv v1", "NeurIPS", "best public")
PROTOCOL = (
    "Test error in percent; for Catch, the share of balls caught. Hyperparameters were tuned on a validation set (the "
    "last 5,000 training images). The models reported here were retrained on all 60,000. Evaluation is deterministic "
    "(the mean location and the most likely class): every test image is shown once, in a scene with a fixed random "
    "seed; Catch is evaluated on 10,000 new episodes. With three or more seeds: mean ± standard deviation; with fewer: "
    "the mean and the 95 % interval of the first seed."
)


def markdown(records: Mapping[str, Record], detail: bool = False) -> str:
    """Return all tables.

    Args:
        records: Results by row.
        detail: Whether to include every seed, sampled locations, cost of the training, and rows without results.
    """
    parts = [PROTOCOL]
    for table, (_, title) in TABLES.items():
        rows = [row for row in ROWS.values() if row.table == table and (detail or row.name in records)]
        if not rows:
            continue
        parts.append(f"**{title}**")
        parts.append((_detailed if detail else _brief)(rows, records))
        below = [_notes(rows, records), _outdated(rows, records, detail)]
        if detail:
            below.append(_learning_speed(rows, records) + _exported(rows, records))
        parts += [" ".join(sentences) for sentences in below if sentences]
    return "\n\n".join(parts)


def write_between_markers(file: Path, text: str) -> bool:
    """Replace the text between the markers of a Markdown file.

    Returns:
        Whether there is such a file with markers. It is not written if nothing changes.

    Raises:
        OSError: If it cannot be written.
    """
    if not file.is_file():
        return False
    old = file.read_text(encoding="utf-8")
    before, begin, rest = old.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        return False
    new = f"{before}{begin}\n{text}\n{end}{after}"
    if new != old:
        write_atomically(Path(os.path.realpath(file)), new.encode())
    return True


def _brief(rows: Sequence[Row], records: Mapping[str, Record]) -> str:
    """Return a table of the reported figures and ours."""
    marks = _marks(rows, records)
    return markdown_table(
        ("", *_REPORTED, "**ours**", "seeds"),
        [
            (
                row.label + marks.get(row.name, ""),
                *_reported(row),
                _figure(row, records.get(row.name)),
                str(len(records[row.name].seeds)) if row.name in records else NOTHING,
            )
            for row in rows
        ],
        numeric=True,
    )


def _detailed(rows: Sequence[Row], records: Mapping[str, Record]) -> str:
    """Return a table with everything in the results files."""
    marks = _marks(rows, records)
    lines = []
    for row in rows:
        record = records.get(row.name)
        seeds = [] if record is None else [record.seeds[seed] for seed in sorted(record.seeds)]
        lines.append(
            (
                row.label + marks.get(row.name, ""),
                *_reported(row),
                _figure(row, record),
                _each(seeds, lambda one: f"{in_percent(one.greedy):.2f}"),
                _mean_sampled(seeds),
                _each(seeds, lambda one: f"{one.frames / 1e6:.3g} M", once=True),
                _each(seeds, lambda one: f"{one.seconds / 3600:.2f} h"),
                _each(seeds, lambda one: one.hardware, once=True),
            )
        )
    head = ("", *_REPORTED, "**ours**", "each seed", "sampled locations", "frames", "time", "on")
    return markdown_table(head, lines, numeric=True)


def _reported(row: Row) -> tuple[str, str, str]:
    """Return the reported figures."""
    arxiv, neurips, public, _ = row.reported
    return (*(NOTHING if value is None else f"{value:.2f}" for value in (arxiv, neurips, public)),)  # type: ignore[return-value]


def _figure(row: Row, record: Record | None) -> str:
    """Return our figure, in bold where it is at least as good as the published one."""
    if record is None:
        return NOTHING
    values = record.values
    mean = statistics.fmean(values)
    if len(values) >= 3:
        spread = f" ± {statistics.stdev(values):.2f}"
    else:
        first = record.seeds[min(record.seeds)].greedy
        spread = f" [{in_percent(first, 'interval_low'):.2f}, {in_percent(first, 'interval_high'):.2f}]"
    goal = row.reported.neurips
    as_good = goal is not None and not row.figure.better(goal, mean)
    return (f"**{mean:.2f}**" if as_good else f"{mean:.2f}") + spread


def _mean_sampled(seeds: Sequence[SeedResult]) -> str:
    values = [in_percent(one.sampled) for one in seeds if one.sampled is not None]
    return f"{statistics.fmean(values):.2f}" if values else NOTHING


def _each(seeds: Sequence[SeedResult], write: Callable[[SeedResult], str], once: bool = False) -> str:
    """Return a text about each seed; with ``once``, equal ones once."""
    texts = [write(one) for one in seeds]
    return ", ".join(dict.fromkeys(texts) if once else texts) or NOTHING


def _marks(rows: Sequence[Row], records: Mapping[str, Record]) -> dict[str, str]:
    """Return the mark of each row that differs from the paper."""
    legend = _legend(rows, records)
    return {name: f" <sup>{mark}</sup>" for mark, (names, _) in legend.items() for name in names}


def _legend(rows: Sequence[Row], records: Mapping[str, Record]) -> dict[str, tuple[list[str], str]]:
    """Return the rows and the meaning of each mark."""
    groups: dict[str, list[str]] = {}
    for row in rows:
        record = records.get(row.name)
        if record is not None and "network" in record.settings and (found := departures(record.settings)):
            groups.setdefault(", ".join(found), []).append(row.name)
    return {chr(ord("a") + n): (names, text) for n, (text, names) in enumerate(groups.items())}


def _notes(rows: Sequence[Row], records: Mapping[str, Record]) -> list[str]:
    """Return the sentences below a table."""
    marks = [f"<sup>{mark}</sup> Differs from the paper: {text}." for mark, (_, text) in _legend(rows, records).items()]
    notes = [row.reported.note for row in rows if row.reported.note]
    return marks + [f"{note[0].upper()}{note[1:]}." for note in notes]


def _outdated(rows: Sequence[Row], records: Mapping[str, Record], detail: bool) -> list[str]:
    """Name the rows that were trained with other settings than the current ones; with ``detail``, the settings too."""
    groups: dict[str, list[str]] = {}
    for row in rows:
        record = records.get(row.name)
        if record is not None and (found := differing_settings(record.settings, plain_settings(row))):
            groups.setdefault("; ".join(found), []).append(row.label)
    if not detail:
        labels = [label for group in groups.values() for label in group]
        return [f"Trained with earlier settings than the current presets: {'; '.join(labels)}."] if labels else []
    return [f"{'; '.join(labels)}: trained with earlier settings, {found}." for found, labels in groups.items()]


def _learning_speed(rows: Sequence[Row], records: Mapping[str, Record]) -> list[str]:
    """Say after how many frames a game's training reached the paper's figure."""
    sentences = []
    for row in rows:
        record = records.get(row.name)
        if record is None or not row.is_game:
            continue
        goal = row.reported.neurips
        assert goal is not None
        frames = [frames_to_reach(one.curve, goal / 100) for _, one in sorted(record.seeds.items())]
        each = ", ".join("never" if one is None else f"{one / 1e6:.2f}" for one in frames)
        sentences.append(f"Training reached {goal:.0f} % of balls caught after {each} M frames (each seed).")
    return sentences


def _exported(rows: Sequence[Row], records: Mapping[str, Record]) -> list[str]:
    """Say which seeds come with the package."""
    sentences = []
    for row in rows:
        if row.name in HEADLINES and row.name in records and row.env_id in pretrained_ids():
            seed, best = load_pretrained(row.env_id).progress["seed"], records[row.name].best_seed
            why = "the best in validation" if seed == best else f"although seed {best} is the best in validation"
            sentences.append(f"The agent of the package is seed {seed} of {row.label}, {why}.")
    return sentences
