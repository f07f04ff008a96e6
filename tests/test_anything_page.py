"""The numbers in docs/anything.md are those of the results files."""

import json
import statistics
from pathlib import Path

from agents.evaluation.intervals import wilson_interval

DOCS = Path(__file__).parents[1] / "docs"


def test_the_table_of_hearing_is_that_of_the_results_file():
    text = (DOCS / "anything.md").read_text(encoding="utf-8")
    content = json.loads((DOCS / "results/hearing.json").read_text(encoding="utf-8"))
    for label, key in (("without hearing", "deaf"), ("with hearing", "hearing")):
        values = [100 * content[key][str(seed)]["value"] for seed in range(3)]
        assert all(content[key][str(seed)]["episodes"] == 10_000 for seed in range(3))
        cells = [
            *(f"{value:.2f}" for value in values),
            f"{statistics.fmean(values):.1f} ± {statistics.stdev(values):.1f}",
        ]
        assert f"| {label} | {' | '.join(cells)} |" in text
    assert "--hidden-rows 0 15 --frames 4000000 --seeds 3" in content["command"]


def test_the_table_of_circle_square_is_that_of_the_results_file():
    text = (DOCS / "anything.md").read_text(encoding="utf-8")
    content = json.loads((DOCS / "results/circle-square.json").read_text(encoding="utf-8"))
    rows = [("CircleSquare-v0", seed, found) for seed, found in content["seeds"].items()]
    rows += [(name, 0, found) for name, found in content["others"].items()]
    assert len(rows) == 6
    for name, seed, found in rows:
        assert found["env_id"] == f"ap_gym:{name}" and found["episodes"] == 5_000
        value, low, high = (f"{100 * found[key]:.2f}" for key in ("value", "interval_low", "interval_high"))
        assert f"| `{name}` | {seed} | {value} [{low}, {high}] |" in text
    assert all(found["value"] >= 0.995 for found in content["seeds"].values())


def test_the_tables_of_pong_are_those_of_the_results_file():
    text = (DOCS / "anything.md").read_text(encoding="utf-8")
    content = json.loads((DOCS / "results/pong.json").read_text(encoding="utf-8"))
    sides = {12: "12, 24, 48", 6: "6, 12, 24", 4: "4, 8, 16", 84: "84"}
    for run in content["runs"].values():
        evaluation, reached = run["evaluation"], f"{at(run['curve'], 1_000_000):.1f}"
        score = "stopped before its end"
        if evaluation is not None:
            assert evaluation["episodes"] == 30 and evaluation["greedy"]
            value, low, high = (evaluation[key] for key in ("value", "interval_low", "interval_high"))
            score = f"{value:.1f} [{low:.1f}, {high:.1f}]"
        row = [run["gaze"], sides[run["patch_size"]], f"{run['steps'] / 1e6:.1f} M", reached, score]
        assert f"| {' | '.join(row)} |" in text.replace("−", "-")
    for attempt in content["attempts"]:
        assert f"| {attempt['settings']} | {at(attempt['curve'], 1_000_000):.1f} |" in text.replace("−", "-")


def test_the_table_of_the_memory_task_is_that_of_the_results_file():
    text = (DOCS / "anything.md").read_text(encoding="utf-8")
    content = json.loads((DOCS / "results/minigrid-memory.json").read_text(encoding="utf-8"))
    assert len(content["runs"]) == 3
    for run in content["runs"]:
        evaluation = run["evaluation"]
        assert evaluation["episodes"] == 1_000 and evaluation["greedy"]
        share = evaluation["value"]  # of episodes that succeed, so the interval is Wilson's
        value, low, high = (f"{number:.3f}" for number in (share, *wilson_interval(round(1_000 * share), 1_000)))
        cells = run["environment"], run["agent"], f"{run['steps'] / 1e6:.1f} M", f"{value} [{low}, {high}]"
        assert f"| {' | '.join(cells)} |" in text
    assert content["runs"][0]["evaluation"]["interval_low"] > 0.5  # the ceiling without memory


def at(curve, steps):
    """The mean return at the first point of a curve from this number of steps on."""
    return next(value for reached, value in curve if reached >= steps)
