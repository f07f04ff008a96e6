"""What `ram train` does around a training: run folders, several seeds, and the results at the end."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agents.cli.parser import UsageError
from agents.evaluation.evaluate import evaluate
from agents.pictures.animation import animate
from agents.pictures.curves import plot_learning_curve
from agents.ram.checkpoint import load_checkpoint
from agents.training import trainer
from agents.training.device import resolve_device
from agents.training.distributed import first
from agents.training.run import METRICS

if TYPE_CHECKING:
    from agents.cli.train import Request
    from agents.training.trainer import TrainingResult

CURVE, ANIMATION = "curve.png", "animation.gif"
EXIT_STATUS = {"SIGINT": 130, "SIGTERM": 143}


def train(request: Request) -> int:
    """Train each seed in its folder, and return the exit status."""
    options = request.options
    if options.seeds < 1:
        raise UsageError(f"--seeds={options.seeds} is out of range: expected at least 1")
    folder = options.out or new_folder(Path("runs"), request)
    seeds = range(options.seed, options.seed + options.seeds)
    for seed in seeds:
        place = folder if options.seeds == 1 else folder / f"seed{seed}"
        say(f"training on {request.environment.id}, seed {seed}: {place}")
        result = trainer.train(request.environment.id, request.settings, place, seed=seed, device=options.device)
        status = finish(result, options.device)
        if status:
            if left := [later for later in seeds if later > seed]:
                say(f"  not started     seeds {', '.join(map(str, left))}")
            return status
    if options.seeds > 1:
        say(f"all seeds       ram plot {folder}")
    return 0


def resume(folder: Path, env_id: str | None, device: str) -> int:
    """Continue a run, and return the exit status.

    Raises:
        UsageError: If the folder holds the runs of several seeds.
    """
    runs = sorted(file.parent.name for file in folder.glob(f"*/{METRICS}"))
    if runs and not (folder / METRICS).exists():
        raise UsageError(f"{folder} holds several runs ({', '.join(runs)}): resume one of them, such as {folder / runs[0]}")
    return finish(trainer.resume(folder, env_id=env_id, device=device), device)


def new_folder(parent: Path, request: Request) -> Path:
    """Make a new folder named after environment, seed and time; two runs never share one.

    Raises:
        OSError: If it cannot be made.
    """
    env_id = request.environment.id.replace(":", "-").replace("/", "-")
    name = f"{env_id}-seed{request.options.seed}-{time.strftime('%Y%m%d-%H%M%S')}"
    if not first():  # of several processes, which all train in the first one's folder
        return parent / name
    for number in itertools.count(2):
        folder = parent / name
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            name = f"{name.partition('_')[0]}_{number}"
            continue
        return folder
    raise AssertionError


def finish(result: TrainingResult, device: str) -> int:
    """Draw and evaluate a complete run, or say how to continue an interrupted one; return the exit status."""
    folder, progress = result.folder, result.progress
    if result.stopped_by is not None:
        say(f"stopped by {result.stopped_by} after {progress.frames:,} frames; a checkpoint was saved")
        say(f"  continue        ram train --resume {folder}")
        return EXIT_STATUS[result.stopped_by]
    if not first():
        return 0
    say(f"trained for {progress.frames:,} frames in {progress.time_s:.0f} s")
    plot_learning_curve(folder / METRICS, folder / CURVE)
    say(f"  learning curve  {folder / CURVE}")
    checkpoint = load_checkpoint(folder, device=resolve_device(device))
    animate(checkpoint.policy, checkpoint.env_id, checkpoint.env_settings, folder / ANIMATION)
    say(f"  animation       {folder / ANIMATION}")
    say(f"  evaluate        ram evaluate {folder}")
    return 0


def say(line: str) -> None:
    """Print a line at once, in the first of several processes."""
    if first():
        print(line, flush=True)
