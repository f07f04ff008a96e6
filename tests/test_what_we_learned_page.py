"""The figures in docs/what-we-learned.md are those of the results files."""

import json
import statistics
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"


def section(number):
    page = (DOCS / "what-we-learned.md").read_text(encoding="utf-8")
    return " ".join(page.split(f"## {number}. ")[1].split("\n## ")[0].split())


def read(name):
    return json.loads((DOCS / "results" / f"{name}.json").read_text(encoding="utf-8"))


def seeds_of(row):
    """The figure of each seed in percent: rows of classification have percentages, those of Catch rates."""
    figures = [seed["greedy"] for seed in read(row)["seeds"].values()]
    return [figure["value"] * (100 if figure["figure"] == "success_rate" else 1) for figure in figures]


@pytest.mark.parametrize(
    ("number", "row"),
    [
        (1, "ablation-cluttered-8-reference"),
        (1, "ablation-cluttered-8-location-reward"),
        (1, "ablation-cluttered-8-class-loss"),
        (2, "ablation-catch-reference"),
        (2, "ablation-catch-scale-gain"),
        (2, "ablation-catch-core"),
        (3, "cluttered-8"),
        (3, "cluttered100-8"),
    ],
)
def test_means_over_three_seeds(number, row):
    values = seeds_of(row)
    assert len(values) == 3
    assert f"{statistics.fmean(values):.2f} ± {statistics.stdev(values):.2f} %" in section(number)


def test_random_locations():
    random = [seeds_of(row) for row in ("cluttered-random-8", "cluttered100-random-8")]
    assert all(len(values) == 1 for values in random)
    assert f"{random[0][0]:.2f} % and {random[1][0]:.2f} % (one seed)" in section(3)
    factors = [
        found[0] / statistics.fmean(seeds_of(row))
        for found, row in zip(random, ("cluttered-8", "cluttered100-8"), strict=True)
    ]
    assert [round(factor) for factor in factors] == [4, 8]


def test_early_stopping():
    row = read("stopping")["rows"]["cluttered-8"]
    error, glimpses = next((error, mean) for threshold, error, mean in row["plain"] if threshold == 0.98)
    text = section(4)
    assert f"takes {glimpses:.2f} glimpses on average instead of 8" in text
    assert f"an error of {error:.2f} instead of {row['error_by_glimpse'][-1]:.2f} %" in text


def test_other_scenes():
    rows = read("robustness")["rows"]
    small = "digits scaled from 28 to 20 pixels"
    text = section(5)
    for row in ("translated-8", "cluttered-8"):
        assert f"from {rows[row]['as in training'][0]:.2f} to {rows[row][small][0]:.2f} %" in text
    assert f"of Translated MNIST: {rows['translated-8']['noise of up to 10 %'][0]:.2f} %" in text
