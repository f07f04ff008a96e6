"""Speed-up of `ram benchmark` with a second worker: `python benchmarks/overhead.py` (a few minutes on two cores).

One worker, then two workers train the RAM agent in eight short runs of one thread each, always in new processes. The
target for two workers is at most 0.6 of the time of one; 0.5 means no overhead.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from measure import figure, write_json

from agents.benchmark.items import item_of
from agents.benchmark.processes import run_here
from agents.benchmark.reading import read_plan
from agents.benchmark.references import REFERENCES
from agents.benchmark.results import Results
from agents.pictures.markdown import markdown_table


def seconds(workers: int, frames: int) -> float:
    """Do eight runs and write their results; return the duration in seconds."""
    plan = {
        "environments": ["RAM-CatchGame-v0", "RAM-Digits-v0"],
        "algorithms": ["ram"],
        "seeds": [0, 1, 2, 3],
        "frames": frames,
        "evaluation": {"episodes": 500, "curve_points": 2, "curve_episodes": 100},
    }
    jobs = [job for job in read_plan(item_of(plan)).jobs() if job.algorithm not in REFERENCES]
    with TemporaryDirectory() as folder:
        results = Results(Path(folder))
        started = time.perf_counter()
        for outcome in run_here(jobs, workers):
            if outcome.result is None:
                raise RuntimeError(f"{outcome.job.title} failed: {outcome.log}")
            results.write(outcome.job, outcome.result)
        return time.perf_counter() - started


def main() -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one turn of shorter runs, for a first look")
    parser.add_argument("--frames", type=int, default=50_000, help="budget of each run")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/overhead.json"))
    options = parser.parse_args()
    repeats, frames = (1, 10_000) if options.quick else (options.repeats, options.frames)
    one, two = [], []
    for _ in range(repeats):
        one.append(seconds(1, frames))
        two.append(seconds(2, frames))
    found = {
        "one worker, s": figure(one),
        "two workers, s": figure(two),
        "share of the time": figure([b / a for a, b in zip(one, two, strict=True)]),
    }
    print(markdown_table(["8 runs", "median (least to greatest)"], [[name, value] for name, value in found.items()]))
    write_json(options.out, {"frames": frames, "seconds": found})


if __name__ == "__main__":
    main()
