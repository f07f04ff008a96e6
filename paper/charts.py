"""The charts, made from the results files alone."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from agents.pictures.style import BLUE, GREY, LIGHT_BLUE, LIGHT_GREY, ORANGE, SEED_COLOURS, new_figure, tidy
from paper.records import Record
from paper.row import BEYOND, TABLES, Row
from paper.rows import ROWS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

OURS, OURS_RANDOM, PAPER, PAPER_RANDOM, PUBLIC = BLUE, LIGHT_BLUE, GREY, LIGHT_GREY, ORANGE

Records = Mapping[str, Record]


def error_by_glimpses(records: Records) -> Figure | None:
    """Draw the test error against the number of glimpses with the reported figures, one panel per table."""
    tables = {table: [row for row in learned_rows() if row.table == table] for table in TABLES}
    tables = {table: rows for table, rows in tables.items() if any(row.name in records for row in rows)}
    if not tables:
        return None
    figure = new_figure(2.9 * len(tables) + 0.4, 3.5)
    for ax, (table, rows) in zip(figure.subplots(1, len(tables), squeeze=False)[0], tables.items(), strict=True):
        tidy(ax)
        ax.set_title(TABLES[table][1].replace(", ", "\n", 1), fontsize=9)
        ax.set_xlabel("glimpses")
        _reported_line(ax, rows, "neurips", PAPER, "paper (NeurIPS)", "s--")
        _reported_line(ax, rows, "public", PUBLIC, "best public", "D:", zorder=3, markerfacecolor="none", markersize=8)
        anywhere, inside = ([row for row in rows if row.first_inside == chosen] for chosen in (False, True))
        _our_line(ax, anywhere, records, "ours (bars: minimum and maximum over seeds)", "o-")
        _our_line(ax, inside, records, "ours, first glimpse inside", "o--", face="white")
        ax.set_xticks(list(dict.fromkeys(row.num_glimpses for row in rows)))
        ax.set_ylim(0, 1.08 * ax.get_ylim()[1])
    figure.axes[0].set_ylabel("test error (%)")
    legend_below(figure)
    return figure


def catch_by_frames(records: Records) -> Figure | None:
    """Draw the share of balls caught in training against the frames, one line per seed."""
    record = records.get("catch")
    if record is None:
        return None
    from matplotlib.ticker import EngFormatter

    figure = new_figure(6.6, 3.9)
    ax = figure.add_subplot()
    tidy(ax)
    for number, (seed, result) in enumerate(sorted(record.seeds.items())):
        colour = SEED_COLOURS[number % len(SEED_COLOURS)]
        caught = [100 * value for value in result.curve["values"]]
        ax.plot(result.curve["frames"], caught, color=colour, linewidth=1.6, label=f"seed {seed}")
    goal = ROWS["catch"].reported.neurips
    assert goal is not None
    ax.axhline(goal, color=PAPER, linestyle="--", linewidth=1.3)
    ax.text(
        0.99,
        goal - 1.5,
        f"paper: {goal:.0f} % after about 20 M frames",
        color="0.4",
        ha="right",
        va="top",
        fontsize=9,
        transform=ax.get_yaxis_transform(),
    )
    ax.set_title(f"{TABLES['catch'][1]}, sampled actions", fontsize=10)
    ax.set_ylim(0, 100)
    ax.set_xlim(left=0)
    ax.xaxis.set_major_formatter(EngFormatter(sep=" "))
    ax.set_xlabel("frames")
    ax.set_ylabel("balls caught in training (%)")
    ax.legend(frameon=False, loc="lower right")
    return figure


def learned_and_random(records: Records) -> Figure | None:
    """Draw the test error with learned and with random locations, ours and the paper's."""
    pairs = [pair for pair in random_pairs() if all(row.name in records for row in pair)]
    if not pairs:
        return None
    figure = new_figure(2.4 * len(pairs) + 1.8, 3.9)
    ax = figure.add_subplot()
    tidy(ax)
    width = 0.2
    bars = (
        ("ours, learned", OURS, lambda pair: statistics.fmean(records[pair[0].name].values)),
        ("ours, random", OURS_RANDOM, lambda pair: statistics.fmean(records[pair[1].name].values)),
        ("paper, learned", PAPER, lambda pair: pair[0].reported.neurips),
        ("paper, random", PAPER_RANDOM, lambda pair: pair[1].reported.neurips),
    )
    for number, (label, colour, value) in enumerate(bars):
        heights = [value(pair) or 0.0 for pair in pairs]
        drawn = ax.bar([n + (number - 1.5) * width for n in range(len(pairs))], heights, width * 0.92, color=colour)
        drawn.set_label(label)
        ax.bar_label(drawn, [f"{height:.2f}" if height else "" for height in heights], fontsize=8, padding=2)
    titles = [
        f"{TABLES[learned.table][1].split(',')[0]} {learned.scene_size}\n{learned.num_glimpses} glimpses"
        for learned, _ in pairs
    ]
    ax.set_xticks(range(len(pairs)), titles, fontsize=9)
    ax.tick_params(axis="x", length=0)
    ax.grid(False, axis="x")
    ax.set_ylabel("test error (%)")
    legend_below(figure)
    return figure


def cost_by_size(cost: Mapping[str, Any] | None) -> Figure | None:
    """Draw the cost of an image against its size: multiply-adds and milliseconds."""
    if cost is None:
        return None
    figure = new_figure(8.2, 3.7)
    sizes = cost["sizes"]
    sides = [size["side"] for size in sizes]
    names = {"ram": (f"RAM, {cost['num_glimpses']} glimpses", OURS), "conv": ("convolutional, 2 layers", PUBLIC)}
    measures = {"multiply_adds": "multiply-adds per image", "milliseconds": "milliseconds per image"}
    for ax, (key, label) in zip(figure.subplots(1, 2), measures.items(), strict=True):
        tidy(ax)
        for name, (title, colour) in names.items():
            ax.plot(sides, [size[name][key] for size in sizes], "o-", color=colour, linewidth=2, label=title)
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.set_xticks(sides, [str(side) for side in sides])
        ax.minorticks_off()
        ax.set_xlabel("side of the image (pixels)")
        ax.set_ylabel(label)
    figure.suptitle(f"{cost['hardware']}, batches of {cost['batch']} images", fontsize=9, color="0.4")
    legend_below(figure)
    return figure


def learned_rows() -> list[Row]:
    """Return the classification rows of the paper's tasks with learned locations."""
    rows = [row for row in ROWS.values() if row.table not in BEYOND]
    return [row for row in rows if row.num_glimpses is not None and not (row.random or row.scripted or row.variant)]


def random_pairs() -> list[tuple[Row, Row]]:
    """Return the pairs of rows with learned and with random locations."""
    reported = [row for row in ROWS.values() if row.random and row.reported.neurips is not None]
    random = {row.name.replace("random-", ""): row for row in reported}
    return [(ROWS[name], row) for name, row in random.items() if name in ROWS]


def legend_below(figure: Figure) -> None:
    """Put one legend for all panels below them."""
    entries: dict[str, Any] = {}
    for ax in figure.axes:
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    columns = min(len(entries), int(figure.get_figwidth() // 2.5))  # inches, enough for most entries
    figure.legend(entries.values(), entries.keys(), loc="outside lower center", ncols=columns, frameon=False)


def _our_line(ax: Axes, rows: list[Row], records: Records, label: str, style: str, face: str = OURS) -> None:
    """Draw the mean over seeds of the rows with results, with bars from minimum to maximum."""
    ours = [(row.num_glimpses, records[row.name].values) for row in rows if row.name in records]
    if not ours:
        return
    means = [statistics.fmean(values) for _, values in ours]
    spread = [
        [mean - min(values) for mean, (_, values) in zip(means, ours, strict=True)],
        [max(values) - mean for mean, (_, values) in zip(means, ours, strict=True)],
    ]
    x: Any = [glimpses for glimpses, _ in ours]
    line = ax.errorbar(x, means, spread, fmt=style, color=OURS, linewidth=2, markersize=5, capsize=3, label=label)
    line.lines[0].set_markerfacecolor(face)


def _reported_line(ax: Axes, rows: list[Row], column: str, colour: str, label: str, style: str, **looks: Any) -> None:
    """Draw reported figures."""
    values = dict.fromkeys((row.num_glimpses, getattr(row.reported, column)) for row in rows)
    points = [(glimpses, value) for glimpses, value in values if value is not None]
    if points:
        looks = {"linewidth": 1.3, "markersize": 4.5, **looks}
        ax.plot(*zip(*points, strict=True), style, color=colour, label=label, **looks)
