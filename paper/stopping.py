"""Early stopping by a threshold: error against the mean number of glimpses.

The agents of the package were not trained for it, the row ``mnist-6-early`` was. The temperature is fitted on the last
5,000 training images; the agents were trained on these, in scenes that they never saw again where the scenes are
composed (not on plain MNIST).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from agents.evaluation.stopping import beliefs, fit_temperature, stop_curve
from agents.pictures.markdown import markdown_table
from agents.pictures.style import BLUE, GREEN, GREY, ORANGE, new_figure, tidy
from agents.pretrained import load_pretrained
from agents.ram.policy import RAMPolicy
from paper.charts import legend_below
from paper.records import read_record, record_file
from paper.row import BRANCHES_LABEL, EARLY_LABEL, STOPPED, TABLES, VALIDATION_TEST
from paper.rows import IMAGE_HEADLINES, ROWS
from paper.tables import scene_title

if TYPE_CHECKING:
    from matplotlib.figure import Figure

THRESHOLDS = (0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999)
SHOWN = (0.9, 0.95, 0.98, 0.99, 0.995)
"""The thresholds in the table."""
TICKS = (1, 2, 5, 10, 20, 50)
"""Errors in percent that the picture labels."""
NEAR = 0.05
"""The table names the fewest glimpses with at most so many percentage points above the error of full episodes."""
_VARIANTS = {EARLY_LABEL: (ORANGE, "^"), BRANCHES_LABEL: (GREEN, "v")}
"""Colours and markers in the picture."""
DT_RAM = ((3.6, 1.46), (5.2, 1.12))
"""Mean glimpses and error in percent on MNIST of a stop that was trained (arXiv:1703.10332, recalled from memory)."""


def measure_stopping() -> dict[str, Any]:
    """Return the curves of the packaged agents by the name of the row."""
    found: dict[str, Any] = {}
    for name in IMAGE_HEADLINES:
        agent = load_pretrained(ROWS[name].env_id)
        found[name] = {
            "env_id": agent.env_id,
            **curve_of(agent.policy, agent.env_id, agent.env_settings, VALIDATION_TEST),
        }
    return found


def curve_of(policy: RAMPolicy, env_id: str, env_settings: Mapping[str, Any], fit_on: str) -> dict[str, Any]:
    """Measure an agent on all test images; the temperature is fitted on the images of the split ``fit_on``.

    Returns:
        Plain values: episodes, temperature, error after each glimpse, and for each threshold error and mean glimpses,
        as they are and calibrated.
    """
    of = (policy, env_id, env_settings)
    temperature = fit_temperature(beliefs(*of, split=fit_on))
    test = beliefs(*of)
    wrong = (test.logits.argmax(-1) != test.target).float().mean(1)
    return {
        "episodes": len(test.target),
        "temperature": round(temperature, 4),
        "error_by_glimpse": [round(100 * value, 4) for value in wrong.tolist()],
        "plain": [list(point) for point in stop_curve(test, THRESHOLDS)],
        "calibrated": [list(point) for point in stop_curve(test, THRESHOLDS, temperature)],
    }


def curves_of_rows(results: Path) -> dict[str, Any]:
    """Return the curves of the rows ``STOPPED``, means over their random seeds.

    Raises:
        ResultError: If a results file cannot be read.
    """
    found: dict[str, Any] = {}
    for name in STOPPED:
        record = read_record(record_file(results, name))
        curves = [one.stopping for one in record.seeds.values() if one.stopping] if record is not None else []
        if curves:
            one = {"env_id": ROWS[name].env_id, "episodes": curves[0]["episodes"]}
            for key in ("temperature", "error_by_glimpse"):
                one[key] = np.mean([curve[key] for curve in curves], axis=0).tolist()
            for key in ("plain", "calibrated"):
                points = np.array([curve[key] for curve in curves])  # (random seeds, thresholds, 3)
                one[key] = np.column_stack([points[0, :, 0], points[:, :, 1:].mean(axis=0)]).tolist()
            found[name] = one
    return found


def stopping_table(measured: Mapping[str, Any]) -> str:
    """Return the table: mean glimpses and error for some thresholds, and the fewest with nearly the full error."""
    lines = []
    for name, one in measured.items():
        full = one["error_by_glimpse"][-1]
        at = {threshold: f"{glimpses:.2f}: {error:.2f}" for threshold, error, glimpses in one["plain"]}
        cells = [at.get(threshold, "–") for threshold in SHOWN]
        near = [glimpses for _, error, glimpses in one["plain"] if error <= full + NEAR]
        count = len(one["error_by_glimpse"])
        least = f"{min(near):.2f} ({100 * min(near) / count:.0f} %)" if near else "–"
        title = f"{scene_title(name)}, {STOPPED[name]}" if name in STOPPED else scene_title(name)
        lines.append((title, *cells, f"{count}: {full:.2f}", least, f"{one['temperature']:.2f}"))
    shown = [f"{threshold:g}" for threshold in SHOWN]
    head = ("task", *shown, "all glimpses", f"within {NEAR:g} points", "temperature")
    return markdown_table(head, lines, numeric=True)


def stopping_chart(measured: Mapping[str, Any]) -> Figure:
    """Draw the error against the mean number of glimpses, one panel per task."""
    panels = {name: one for name, one in measured.items() if name not in STOPPED}
    figure = new_figure(2.9 * len(panels) + 0.4, 3.4)
    for ax, (name, one) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True):
        tidy(ax)
        ax.set_title(TABLES[ROWS[name].table][1].replace(", ", "\n", 1), fontsize=9)
        errors = one["error_by_glimpse"]
        ax.plot(range(1, len(errors) + 1), errors, "s--", color=GREY, markersize=4, label="the same number for all")
        ax.plot(*_points(one), "o-", color=BLUE, markersize=4, label="stop at a probability")
        for other, label in STOPPED.items():
            if other in measured and ROWS[other].table == ROWS[name].table:
                color, marker = _VARIANTS[label]
                ax.plot(*_points(measured[other]), f"{marker}-", color=color, markersize=4, label=f"the same, {label}")
                errors = [*errors, *measured[other]["error_by_glimpse"]]
        if name.startswith("mnist"):
            ax.plot(*zip(*DT_RAM, strict=True), "D", color="black", markersize=5, label="DT-RAM, trained to stop")
        ax.set_yscale("log")
        ax.set_yticks(TICKS, [f"{tick:g}" for tick in TICKS])
        ax.minorticks_off()
        ax.set_ylim(0.9 * min(errors), 1.1 * max(errors))
        ax.set_xlabel("mean glimpses")
    figure.axes[0].set_ylabel("test error (%)")
    legend_below(figure)
    return figure


def _points(one: Mapping[str, Any]) -> tuple[list[float], list[float]]:
    """Return mean glimpses and errors of all thresholds."""
    return [glimpses for *_, glimpses in one["plain"]], [error for _, error, _ in one["plain"]]
