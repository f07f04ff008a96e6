"""Early stopping by a threshold, with the agents of the package: error against the mean number of glimpses.

Nothing is trained for it. The temperature is fitted on the last 5,000 training images; the packaged agents were trained
on these, in scenes that they never saw again where the scenes are composed (not on plain MNIST).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from agents.evaluation.stopping import beliefs, fit_temperature, stop_curve
from agents.pictures.markdown import markdown_table
from agents.pictures.style import BLUE, GREY, ORANGE, new_figure, tidy
from agents.pretrained import load_pretrained
from paper.rows import IMAGE_HEADLINES, ROWS, TABLES, VALIDATION_TEST
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
DT_RAM = ((3.6, 1.46), (5.2, 1.12))
"""Mean glimpses and error in percent on MNIST of a stop that was trained (arXiv:1703.10332, recalled from memory)."""


def measure_stopping() -> dict[str, Any]:
    """Measure the curves of the packaged agents on all test images.

    Returns:
        Plain values by the name of the row: temperature, error after each glimpse, and for each threshold error and
        mean glimpses, as they are and calibrated.
    """
    found: dict[str, Any] = {}
    for name in IMAGE_HEADLINES:
        agent = load_pretrained(ROWS[name].env_id)
        of = (agent.policy, agent.env_id, agent.env_settings)
        temperature = fit_temperature(beliefs(*of, split=VALIDATION_TEST))
        test = beliefs(*of)
        wrong = (test.logits.argmax(-1) != test.target).float().mean(1)
        found[name] = {
            "env_id": agent.env_id,
            "episodes": len(test.target),
            "temperature": round(temperature, 4),
            "error_by_glimpse": [round(100 * value, 4) for value in wrong.tolist()],
            "plain": [list(point) for point in stop_curve(test, THRESHOLDS)],
            "calibrated": [list(point) for point in stop_curve(test, THRESHOLDS, temperature)],
        }
    return found


def stopping_table(measured: Mapping[str, Any]) -> str:
    """Return the table: mean glimpses and error for some thresholds, and the fewest with nearly the full error."""
    lines = []
    for name, one in measured.items():
        full = one["error_by_glimpse"][-1]
        cells = [f"{glimpses:.2f}: {error:.2f}" for threshold, error, glimpses in one["plain"] if threshold in SHOWN]
        near = [glimpses for _, error, glimpses in one["plain"] if error <= full + NEAR]
        count = len(one["error_by_glimpse"])
        least = f"{min(near):.2f} ({100 * min(near) / count:.0f} %)" if near else "–"
        lines.append((scene_title(name), *cells, f"{count}: {full:.2f}", least, f"{one['temperature']:.2f}"))
    shown = [f"{threshold:g}" for threshold in SHOWN]
    head = ("task", *shown, "all glimpses", f"within {NEAR:g} points", "temperature")
    return markdown_table(head, lines, numeric=True)


def stopping_chart(measured: Mapping[str, Any]) -> Figure:
    """Draw the error against the mean number of glimpses, one panel per task."""
    figure = new_figure(2.9 * len(measured) + 0.4, 3.4)
    for ax, (name, one) in zip(figure.subplots(1, len(measured), squeeze=False)[0], measured.items(), strict=True):
        tidy(ax)
        ax.set_title(TABLES[ROWS[name].table][1].replace(", ", "\n", 1), fontsize=9)
        errors = one["error_by_glimpse"]
        ax.plot(range(1, len(errors) + 1), errors, "s--", color=GREY, markersize=4, label="the same number for all")
        points = [(glimpses, error) for _, error, glimpses in one["plain"]]
        ax.plot(*zip(*points, strict=True), "o-", color=BLUE, markersize=4, label="stop at a probability")
        if name.startswith("mnist"):
            ax.plot(*zip(*DT_RAM, strict=True), "D", color=ORANGE, markersize=5, label="DT-RAM, trained to stop")
        ax.set_yscale("log")
        ax.set_yticks(TICKS, [f"{tick:g}" for tick in TICKS])
        ax.minorticks_off()
        ax.set_ylim(0.9 * min(errors), 1.1 * max(errors))
        ax.set_xlabel("mean glimpses")
    figure.axes[0].set_ylabel("test error (%)")
    figure.axes[0].legend(frameon=False, fontsize=8)
    return figure
