"""The numbers in docs/anything.md are those of the results files."""

import json
import re
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


def test_the_blocks_about_the_wrapper_run():
    text = (DOCS / "anything.md").read_text(encoding="utf-8")
    section = text.split("## The wrapper\n")[1].split("\n## ")[0]
    blocks = re.findall(r"^```python\n(.*?)^```$", section, flags=re.MULTILINE | re.DOTALL)
    assert len(blocks) == 2
    names = {}
    exec(blocks[0], names)
    assert set(names["observation"]) == {"glimpse", "location", "observation"}
    names["env"].close()
    exec(blocks[1], names)
    assert names["envs"].num_envs == 4
    names["env"].close()
    names["envs"].close()
