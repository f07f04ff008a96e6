"""The tables of README.md (headline rows) and docs/results.md (all rows), made from the results files alone."""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from agents.files import write_atomically
from agents.pictures.markdown import markdown_table
from agents.pretrained import load_pretrained, pretrained_ids
from paper.classifiers import Classifier, ClassifierSettings
from paper.cost import multiply_adds
from paper.departures import departures
from paper.records import (
    Record,
    SeedResult,
    differing_settings,
    frames_to_reach,
    in_percent,
    plain_settings,
)
from paper.row import HEADLINES, PACKAGED, TABLES, Row
from paper.rows import ROWS

BEGIN, END = "<!-- results:begin -->", "<!-- results:end -->"
NOTHING = "–"
_REPORTED = ("arXiv v1", "NeurIPS", "best public")
_GAME_MEASURE, _ERROR_MEASURE = "balls caught (%)", "test error (%)"
PROTOCOL = (
    "Test error in percent; for Catch, the share of balls caught. Hyperparameters were tuned on a validation set (the "
    "last 5,000 training images). The models reported here were retrained on all 60,000. Evaluation is deterministic "
    "(the mean location and the most likely class) with a single rollout: every test image is shown once, in a scene "
    "with a fixed random seed; Catch is evaluated on 10,000 new episodes. With three or more seeds: mean ± standard "
    "deviation; with two: the mean and both; with one: the 95 % interval."
)


def headline_table(records: Mapping[str, Record]) -> str:
    """Return the table of the README: the headline rows that have results, and the duration of their training.

    Args:
        records: Results by row.
    """
    rows = [ROWS[name] for name in HEADLINES if name in ROWS and name in records]
    last = {row.name: records[row.name].seeds[max(records[row.name].seeds)] for row in rows}
    table = markdown_table(
        (
            "task",
            "measure",
            "paper",
            "best public",
            "**ours**",
            "seeds",
            "training",
            "CNN, whole scene",
            "multiply-adds, ours and CNN",
        ),
        [
            (
                _scene(row) + (f", {row.num_glimpses} glimpses" if row.num_glimpses else ""),
                _GAME_MEASURE if row.is_game else _ERROR_MEASURE,
                *_reported(row)[1:],
                _figure(row, records[row.name]),
                str(len(records[row.name].seeds)),
                f"{last[row.name].seconds / 60:.0f} min",
                *_of_today(row, records),
            )
            for row in rows
        ],
        numeric=True,
    )
    machines = "; ".join(dict.fromkeys(_machine(one.hardware) for one in last.values()))
    return f"{table}\n\nTraining time: the last seed, on {machines}." if rows else ""


def _of_today(row: Row, records: Mapping[str, Record]) -> tuple[str, str]:
    """Return the error of today's convolutional network in a row's task, and the multiply-adds of both for an image."""
    name = f"{row.table}-cnn"
    if name not in records or row.env_id not in pretrained_ids():
        return NOTHING, NOTHING
    height, width = map(int, row.scene_size.split("x"))
    settings, policy = ROWS[name].settings, load_pretrained(row.env_id).policy
    assert isinstance(settings, ClassifierSettings) and row.num_glimpses is not None
    network = Classifier(settings, (height, width, policy.settings.channels), policy.settings.num_actions)
    counts = multiply_adds(policy, row.num_glimpses), network.multiply_adds
    return _figure(ROWS[name], records[name]), " and ".join(f"{count / 1e6:.2g} M" for count in counts)


def results_tables(records: Mapping[str, Record]) -> str:
    """Return the tables of docs/results.md: every row and seed, sampled locations, and the cost of the training.

    Args:
        records: Results by row. Rows without results are listed with the reported figures, or named below the table
            if nobody reports one.
    """
    parts = [PROTOCOL]
    marks = _letters(records)
    for table, (_, title) in TABLES.items():
        everything = [row for row in ROWS.values() if row.table == table]
        rows = [row for row in everything if row.name in records or any(row.reported[:3])]
        if not rows:
            continue
        parts += [f"**{title}**", _table(rows, records, marks)]
        below = [_notes(everything, records, marks), _outdated(rows, records), _untrained(everything, rows)]
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


def _table(rows: Sequence[Row], records: Mapping[str, Record], marks: Mapping[str, str]) -> str:
    """Return a table with everything in the results files; ``marks`` are those of :func:`_letters`."""
    lines = []
    for row in rows:
        record = records.get(row.name)
        seeds = [] if record is None else [record.seeds[seed] for seed in sorted(record.seeds)]
        letters = ", ".join(sorted(marks[departure] for departure in _departures(record)))
        lines.append(
            (
                row.label + (f" <sup>{letters}</sup>" if letters else ""),
                *_reported(row),
                _figure(row, record),
                _each(seeds, lambda one: f"{in_percent(one.greedy):.2f}"),
                _mean_sampled(seeds),
                _each(seeds, lambda one: f"{one.frames / 1e6:.3g} M", once=True),
                _each(seeds, lambda one: f"{one.seconds / 60:.1f}"),
                _each(seeds, lambda one: one.hardware, once=True),
            )
        )
    head = ("", *_REPORTED, "**ours**", "each seed", "sampled locations", "frames", "minutes", "hardware")
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
    elif len(values) == 2:
        spread = f" ({values[0]:.2f}, {values[1]:.2f})"
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
    """Return a text about each seed; with ``once``, equal ones once, between semicolons."""
    texts = [write(one) for one in seeds]
    return ("; ".join(dict.fromkeys(texts)) if once else ", ".join(texts)) or NOTHING


def _scene(row: Row) -> str:
    """Return the task and the size of its scene, from the title of the table."""
    return ", ".join(TABLES[row.table][1].split(", ")[:2])


def scene_title(name: str) -> str:
    """Return the task and the size of its scene of the row with this name."""
    return _scene(ROWS[name])


def _machine(hardware: str) -> str:
    """Return a description of hardware without the precision of the training."""
    return ", ".join(part for part in hardware.split(", ") if part not in ("bfloat16", "float32"))


def _departures(record: Record | None) -> list[str]:
    """Return the differences from the paper's RAM; none for classifiers of whole scenes."""
    return departures(record.settings) if record is not None and "network" in record.settings else []


def _letters(records: Mapping[str, Record]) -> dict[str, str]:
    """Return the letter that stands for each difference from the paper, in all tables of the page."""
    found = dict.fromkeys(text for name in ROWS for text in _departures(records.get(name)))
    return {text: chr(ord("a") + number) for number, text in enumerate(found)}


def _notes(rows: Sequence[Row], records: Mapping[str, Record], marks: Mapping[str, str]) -> list[str]:
    """Return the footnote of a table: each difference from the paper once, and the notes of the rows."""
    used = {text for row in rows for text in _departures(records.get(row.name))}
    legend = "; ".join(f"<sup>{mark}</sup> {text}" for text, mark in marks.items() if text in used)
    notes = [row.reported.note for row in rows if row.reported.note]
    return [f"Differs from the paper: {legend}."] * bool(used) + [f"{note[0].upper()}{note[1:]}." for note in notes]


def _outdated(rows: Sequence[Row], records: Mapping[str, Record]) -> list[str]:
    """Name the rows that were trained with other settings than the current ones, and these settings."""
    groups: dict[str, list[str]] = {}
    for row in rows:
        record = records.get(row.name)
        if record is not None and (found := differing_settings(record.settings, plain_settings(row))):
            groups.setdefault("; ".join(found), []).append(row.label)
    return [f"{'; '.join(labels)}: trained with earlier settings, {found}." for found, labels in groups.items()]


def _untrained(rows: Sequence[Row], shown: Sequence[Row]) -> list[str]:
    """Name the rows of a table that are left out, because they have neither results nor reported figures."""
    labels = [row.label for row in rows if row not in shown]
    return [f"Not trained yet: {'; '.join(labels)}."] if labels else []


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
        if row.name in PACKAGED and row.name in records and row.env_id in pretrained_ids():
            seed, best = load_pretrained(row.env_id).progress["seed"], records[row.name].best_seed
            why = "the best in validation" if seed == best else f"although seed {best} is the best in validation"
            sentences.append(f"The agent of the package is seed {seed} of {row.label}, {why}.")
    return sentences
