"""Processor time of the presets of Catch to reach scores: `python benchmarks/presets.py` (20 minutes).

Every preset trains on one thread with several random seeds. Every 60,000 frames it is evaluated deterministically in
2,000 new episodes, which is not counted. Processor time is less sensitive than wall-clock time to other programs on the
machine. Seeds of different presets alternate.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from measure import Figure, figure, write_json
from training import CATCH

from agents.evaluation.evaluate import evaluate
from agents.pictures.markdown import markdown_table
from agents.ram.policy import RAMPolicy
from agents.training.presets import settings_for
from agents.training.progress import Progress
from agents.training.trainer import train

FRAMES = 60_000
"""Frames between two evaluations, about."""
SCORES = {"quick": (85.0, 95.0), "default": (85.0,)}
"""Scores in percent of the balls caught that each preset has to reach."""


def seconds_to(preset: str, seed: int, scores: tuple[float, ...], limit: float) -> list[float | None]:
    """Train until the last score is reached.

    Args:
        preset: Training preset.
        seed: Random seed of the training; all seeds are evaluated on the same episodes.
        scores: Percent of the balls caught, in ascending order.
        limit: Seconds of training after which the run is stopped.

    Returns:
        Processor seconds of training to each score; None if it was not reached.
    """
    settings = settings_for(CATCH, preset)
    settings = replace(settings, threads=1, log_every=max(1, FRAMES // (23 * settings.num_envs)))
    values: list[tuple[float, float]] = []
    evaluating = 0.0
    start = time.process_time()

    def judge(progress: Progress, metrics: Any, policy: RAMPolicy) -> bool:
        nonlocal evaluating
        before = time.process_time()
        value = 100 * evaluate(policy, CATCH, {}, episodes=2000, seed=1_000_000).value
        values.append((before - start - evaluating, value))
        evaluating += time.process_time() - before
        return value < scores[-1] and values[-1][0] < limit

    with TemporaryDirectory() as folder:
        train(CATCH, settings, folder, seed=seed, device="cpu", progress_bar=False, callback=judge)
    return [next((seconds for seconds, value in values if value >= score), None) for score in scores]


def main() -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="stop after ten seconds of training")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--limit", type=float, default=300, help="stop a run after this many seconds of training")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/presets.json"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    seeds, limit = (1, 10.0) if options.quick else (options.seeds, options.limit)
    runs: dict[str, list[list[float | None]]] = {preset: [] for preset in SCORES}
    for seed in range(seeds):
        for preset, scores in SCORES.items():
            runs[preset].append(seconds_to(preset, seed, scores, limit))
            print(f"{preset}, seed {seed}: seconds to {scores} %: {runs[preset][-1]}", flush=True)
    found: dict[str, Figure | str] = {}
    for preset, scores in SCORES.items():
        for score, seconds in zip(scores, zip(*runs[preset], strict=True), strict=True):
            reached = [each for each in seconds if each is not None]
            missing = f"not reached by {seeds - len(reached)} of {seeds} seeds within {limit:g} s"
            found[f"{preset}, {score:g} % of the balls caught: processor seconds"] = (
                figure(reached) if len(reached) == seeds else missing
            )
    print(markdown_table(["what", "median (least to greatest)"], [list(row) for row in found.items()]))
    write_json(options.out, {"found": found})


if __name__ == "__main__":
    main()
