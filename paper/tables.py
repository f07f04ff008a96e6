"""The tables of results, as Markdown, from the results files and from nothing else."""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from agents.pictures.markdown import markdown_table
from agents.pretrained import load_pretrained, pretrained_ids
from agents.ram.checkpoint import write_atomically
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
PROTOCOL = """\
Test error in percent; for Catch, the share of balls caught. Settings were chosen by training without the last 5,000
training images and judging by these; what is judged here was trained on all 60,000. Every test image is shown once, by
one rollout, in the scene of a fixed test seed; Catch is judged by 10,000 fresh episodes. The gaze goes where the
policy's mean says. From three seeds on: mean ± standard deviation; fewer: the mean, and the 95 % interval of the
first."""


def markdown(records: Mapping[str, Record], detail: bool = False) -> str:
    """Return all tables.

    Args:
        records: The results there are, by row.
        detail: Whether to give every seed, drawn locations and what the training took, as well, and the rows that have
            no results.
    """
    parts = [PROTOCOL.replace("\n", " ")]
    for table, (_, title) in TABLES.items():
        rows = [row for row in ROWS.values() if row.table == table and (detail or row.name in records)]
        if not rows:
            continue
        parts.append(f"**{title}**")
        parts.append((_detailed if detail else _brief)(rows, records))
        said = [_notes(rows, records), _outdated(rows, records, detail)]
        if detail:
            said.append(_learning_speed(rows, records) + _handed_on(rows, records))
        parts += [" ".join(sentences) for sentences in said if sentences]
    return "\n\n".join(parts)


def write_between_markers(file: Path, text: str) -> bool:
    """Replace what stands between the markers of a file.

    Args:
        file: A Markdown file.
        text: What is to stand there.

    Returns:
        Whether there is such a file with the markers; it is left as it was if it says the same already.

    Raises:
        OSError: If it cannot be written; the old one is left as it was.
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
    """Return a table of the paper's figures and ours."""
    marks = _marks(rows, records)
    return markdown_table(
        ("", "arXiv v1", "NeurIPS", "best public", "**ours**", "seeds"),
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
    """Return a table with all that the results files say."""
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
    head = (
        "",
        "arXiv v1",
        "NeurIPS",
        "best public",
        "**ours**",
        "each seed",
        "drawn locations",
        "frames",
        "time",
        "on",
    )
    return markdown_table(head, lines, numeric=True)


def _reported(row: Row) -> tuple[str, str, str]:
    """Return the figures of others."""
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


def _each(seeds: Sequence[SeedResult], say: Callable[[SeedResult], str], once: bool = False) -> str:
    """Return what is to say of each seed; with ``once``, nothing twice."""
    said = [say(one) for one in seeds]
    return ", ".join(dict.fromkeys(said) if once else said) or NOTHING


def _marks(rows: Sequence[Row], records: Mapping[str, Record]) -> dict[str, str]:
    """Return the mark of every row whose networks are not the paper's."""
    legend = _legend(rows, records)
    return {name: f" <sup>{mark}</sup>" for mark, (names, _) in legend.items() for name in names}


def _legend(rows: Sequence[Row], records: Mapping[str, Record]) -> dict[str, tuple[list[str], str]]:
    """Return for every mark the rows that have it and what it means."""
    groups: dict[str, list[str]] = {}
    for row in rows:
        record = records.get(row.name)
        if record is not None and "network" in record.settings and (found := departures(record.settings)):
            groups.setdefault(", ".join(found), []).append(row.name)
    return {chr(ord("a") + n): (names, text) for n, (text, names) in enumerate(groups.items())}


def _notes(rows: Sequence[Row], records: Mapping[str, Record]) -> list[str]:
    """Return the sentences below a table."""
    marks = [f"<sup>{mark}</sup> Not the paper's: {text}." for mark, (_, text) in _legend(rows, records).items()]
    notes = [row.reported.note for row in rows if row.reported.note]
    return marks + [f"{note[0].upper()}{note[1:]}." for note in notes]


def _outdated(rows: Sequence[Row], records: Mapping[str, Record], detail: bool) -> list[str]:
    """Name the rows that were trained by other settings than they would be today, with ``detail`` also which."""
    groups: dict[str, list[str]] = {}
    for row in rows:
        record = records.get(row.name)
        if record is not None and (found := differing_settings(record.settings, plain_settings(row))):
            groups.setdefault("; ".join(found), []).append(row.label)
    if not detail:
        labels = [label for group in groups.values() for label in group]
        return [f"Trained by earlier settings than the presets of today: {'; '.join(labels)}."] if labels else []
    return [f"{'; '.join(labels)}: by earlier settings, {found}." for found, labels in groups.items()]


def _learning_speed(rows: Sequence[Row], records: Mapping[str, Record]) -> list[str]:
    """Say after how many frames the games were won as often as the paper says."""
    sentences = []
    for row in rows:
        record = records.get(row.name)
        if record is None or not row.is_game:
            continue
        goal = row.reported.neurips
        assert goal is not None
        frames = [frames_to_reach(one.curve, goal / 100) for _, one in sorted(record.seeds.items())]
        said = ", ".join("never" if one is None else f"{one / 1e6:.2f}" for one in frames)
        sentences.append(f"{goal:.0f}% of the balls in training were caught after {said} M frames (each seed).")
    return sentences


def _handed_on(rows: Sequence[Row], records: Mapping[str, Record]) -> list[str]:
    """Say which seeds come with the package."""
    sentences = []
    for row in rows:
        if row.name in HEADLINES and row.name in records and row.env_id in pretrained_ids():
            seed, best = load_pretrained(row.env_id).progress["seed"], records[row.name].best_seed
            why = "which did best in validation" if seed == best else f"though seed {best} did best in validation"
            sentences.append(f"The agent of the package is seed {seed} of {row.label}, {why}.")
    return sentences
