"""The numbers in docs/anything.md are those of the results files."""

import json
import statistics
from pathlib import Path

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
