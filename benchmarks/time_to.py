"""Training time to reach a score: `python benchmarks/time_to.py` (needs MNIST, or `--task catch`).

With two processes: `torchrun --nproc-per-node 2 benchmarks/time_to.py`, each with half the rows of the preset.

A run with the preset "quick" is evaluated deterministically at regular intervals, which does not count as training
time, and ends at the first evaluation that reaches the paper's score: 85 % caught in 2,000 new episodes of Catch, or
1.12 % error on the test set of MNIST (one rollout per image). The learning-rate schedule has the length of the preset
or of `--length`, which affects the time. A run that does not reach the score is reported as such.
"""

from __future__ import annotations

import argparse
import signal
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from unittest.mock import patch

import torch
from measure import Figure, check_mnist, figure, write_json

import agents.training.trainer as trainer
from agents.evaluation.evaluate import evaluate
from agents.pictures.markdown import markdown_table
from agents.training.fast import distributed
from agents.training.presets import settings_for
from agents.training.run import Run
from agents.training.settings import GameSettings
from ram_envs.tasks import FIGURES


class Task(NamedTuple):
    """A score to reach.

    Attributes:
        env_id: The environment.
        preset: Training preset.
        title: Name of the score in the tables.
        bar: The score in percent.
        episodes: Episodes of an evaluation; None for every test image.
        every: Iterations between two evaluations.
    """

    env_id: str
    preset: str
    title: str
    bar: float
    episodes: int | None
    every: int


TASKS = {
    "catch": Task("RAM-CatchGame-v0", "quick", "85 % of the balls caught", 85.0, 2000, 10),
    "mnist": Task("RAM-MNIST-v0", "quick", "1.12 % error on MNIST with 6 glimpses", 1.12, None, 59),
}


def time_to(task: Task, seed: int, length: int | None, threads: int, limit: float) -> dict[str, Any]:
    """Train until the score is reached.

    Args:
        task: The score.
        seed: Random seed of the training; all seeds are evaluated on the same episodes.
        length: Frames or epochs of the run; None for the length of the preset.
        threads: Number of threads.
        limit: Seconds of training after which the run is stopped.

    Returns:
        "seconds" and "frames" of training, None if the score was not reached, and "judgements", all evaluations.
    """
    judgements: list[dict[str, float]] = []

    class Judged(Run):
        """A run that is evaluated at every checkpoint and ends when the score is reached."""

        decided = False

        def save(self) -> None:
            super().save()
            if self.progress.iteration == 0 or self.decided:
                return
            start = time.perf_counter()
            found = evaluate(self.policy, task.env_id, self.env_settings, episodes=task.episodes, seed=1_000_000)
            value = FIGURES[found.figure].shown(found.value)
            judgements.append({"seconds": self.progress.time_s, "frames": self.progress.frames, "value": value})
            if passes(value) or self.progress.time_s > limit:
                self.decided = True
                signal.raise_signal(signal.SIGTERM)  # the run ends as it does for a user, after the next iteration
            distributed.largest(0)  # waits for the evaluations of all processes while no time is counted
            self._started += time.perf_counter() - start  # evaluations do not count as training time

    preset = settings_for(task.env_id, task.preset)
    game = isinstance(preset, GameSettings)

    def passes(value: float) -> bool:
        return value >= task.bar if game else value <= task.bar

    changes = {} if length is None else {"frames" if game else "epochs": length}
    settings = replace(preset, threads=threads, checkpoint_every=task.every, **changes)
    with TemporaryDirectory() as folder, patch.object(trainer, "Run", Judged):
        ended = trainer.train(task.env_id, settings, folder, seed=seed, device="cpu", progress_bar=False)
    if ended.stopped_by == "SIGINT":
        raise KeyboardInterrupt
    passing = [found for found in judgements if passes(found["value"])]
    return {
        "seconds": passing[0]["seconds"] if passing else None,
        "frames": passing[0]["frames"] if passing else None,
        "judgements": judgements,
    }


def main() -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="stop after ten seconds of training")
    parser.add_argument("--task", choices=TASKS, nargs="+", default=list(TASKS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--length", type=int, help="frames or epochs of the run, with one --task")
    parser.add_argument("--limit", type=float, default=3600, help="stop after this many seconds of training")
    parser.add_argument(
        "--out", type=Path, default=Path("benchmarks/results"), help="folder of the JSON files, one per task"
    )
    options = parser.parse_args()
    if options.length is not None and len(options.task) > 1:
        parser.error("--length is frames for Catch and epochs for MNIST: give one --task with it")
    if "mnist" in options.task:
        check_mnist()
    distributed.join(torch.device("cpu"))
    seeds, limit = (1, 10.0) if options.quick else (options.seeds, options.limit)

    table: list[list[Any]] = []
    for name in options.task:
        task = TASKS[name]
        runs = [time_to(task, seed, options.length, options.threads, limit) for seed in range(seeds)]
        seconds = [run["seconds"] for run in runs]
        found: Figure | str
        if None in seconds:
            values = ", ".join(f"{run['judgements'][-1]['value']:.2f}" for run in runs)
            found = f"not reached by {seconds.count(None)} of {seeds} seeds (last: {values} %)"
        else:
            found = figure(seconds)
        table.append([task.title, found])
        if distributed.first():
            how = {"processes": distributed.share()[1], "threads_of_training": options.threads}
            write_json(options.out / f"time_to_{name}.json", {**how, task.title: {"seconds": found, "runs": runs}})
    if distributed.first():
        print(markdown_table(["to", "seconds of training: median (least to greatest)"], table))


if __name__ == "__main__":
    main()
