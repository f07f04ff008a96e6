"""What `ram train` does around a training: run folders, several seeds, and the results at the end."""

from __future__ import annotations

import csv
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import gymnasium

from agents.cli.parser import UsageError
from agents.environments.make import is_task
from agents.evaluation.evaluate import evaluate
from agents.files import fresh_folder
from agents.pictures.results import draw_results
from agents.ram.checkpoint import FILE_NAME, load_checkpoint
from agents.training import MAX_SEED, trainer
from agents.training.fast.device import resolve_device
from agents.training.fast.distributed import first
from agents.training.presets import fit_to_images
from agents.training.run import METRICS, check_new
from agents.training.settings import HybridSettings, TaskSettings
from ram_envs import make_task
from ram_envs.arguments import check_integer
from ram_envs.errors import UserError
from ram_envs.tasks import FIGURES

if TYPE_CHECKING:
    from agents.cli.train import Request
    from agents.training.settings import TrainingSettings
    from agents.training.trainer import TrainingResult

EXIT_STATUS = {"SIGINT": 130, "SIGTERM": 143}


def train(request: Request) -> int:
    """Train each seed in its folder, and return the exit status."""
    options = request.options
    if options.seeds < 1:
        raise UsageError(f"--seeds={options.seeds} is out of range: expected at least 1")
    # Mistakes are found before a folder is made; the images that this loads are kept for the training.
    env_id, settings = request.environment.id, fitting_settings(request)
    seeds = range(options.seed, options.seed + options.seeds)
    for seed in (seeds[0], seeds[-1]):
        check_integer("seed", seed, 0, MAX_SEED)
    folder = options.out or new_folder(Path("runs"), request)
    places = {seed: folder if options.seeds == 1 else folder / f"seed{seed}" for seed in seeds}
    for place in places.values():
        check_new(place)
    for seed, place in places.items():
        say(f"training on {env_id}, seed {seed}: {place}")
        try:
            result = trainer.train(
                env_id, settings, place, seed=seed, device=options.device, init_from=options.init_from
            )
        except Exception:
            if options.out is None:
                with suppress(OSError):  # it holds something, which stays
                    folder.rmdir()
            raise
        status = finish(result, options.device)
        if status:
            if left := [later for later in seeds if later > seed]:
                say(f"  not started     seeds {', '.join(map(str, left))}")
            return status
    if options.seeds > 1:
        say(f"compare the seeds: ram plot {folder}")
    return 0


def fitting_settings(request: Request) -> TrainingSettings:
    """Return the settings of a request with a batch size and a length for its images, and print what was changed.

    Raises:
        RAMError: If the settings do not fit the environment.
        UserError: If the environment cannot be made.
    """
    settings, env_id = request.settings, request.environment.id
    if not isinstance(settings, TaskSettings):
        return settings
    task = make_task(env_id, **settings.environment)
    settings.check_task(env_id, task)
    if isinstance(settings, HybridSettings):
        ignored, counted = ("frames", "epochs") if task.num_images is not None else ("epochs", "frames")
        if ignored in request.given:
            scenes = "draws scenes without end" if task.num_images is None else "has a fixed set of images"
            raise UsageError(
                f"--{ignored}={getattr(settings, ignored)} has no effect on {env_id}, which {scenes}: expected "
                f"--{counted}"
            )
    fitting = fit_to_images(settings, task.num_images, request.given)
    if fitting != settings:
        assert isinstance(fitting, HybridSettings)
        say(
            f"{task.num_images:,} training images are fewer than the preset is for: using --num-envs "
            f"{fitting.num_envs} --epochs {fitting.epochs} ({fitting.iterations(task):,} updates)"
        )
    return fitting


def resume(folder: Path, env_id: str | None, dataset: str | os.PathLike[str] | None, device: str) -> int:
    """Continue the run in a folder, which may be given by its checkpoint, and return the exit status.

    Raises:
        UsageError: If it is another file, or the folder holds the runs of several seeds.
    """
    if folder.is_file():
        if folder.name != FILE_NAME:
            raise UsageError(f"{folder} is a file: give the run folder, as in `ram train --resume runs/mine`")
        folder = folder.parent
    runs = sorted(file.parent.name for file in folder.glob(f"*/{METRICS}"))
    if runs and not (folder / METRICS).exists():
        raise UsageError(
            f"{folder} holds several runs ({', '.join(runs)}): resume one of them, such as {folder / runs[0]}"
        )
    return finish(trainer.resume(folder, env_id=env_id, dataset=dataset, device=device), device)


def new_folder(parent: Path, request: Request) -> Path:
    """Make a new folder named after environment, seed and time; two runs never share one.

    Raises:
        OSError: If it cannot be made.
    """
    env_id = request.environment.id.replace(":", "-").replace("/", "-")
    name = f"{env_id}-seed{request.options.seed}-{time.strftime('%Y%m%d-%H%M%S')}"
    # Of several processes, all train in the first one's folder.
    return fresh_folder(parent, name) if first() else parent / name


def finish(result: TrainingResult, device: str) -> int:
    """Draw and evaluate a complete run, or say how to continue an interrupted one; return the exit status."""
    folder, progress = result.folder, result.progress
    if result.stopped_by is not None:
        say(f"stopped by {result.stopped_by} after {progress.frames:,} frames; a checkpoint was saved")
        say(f"  continue        ram train --resume {folder}")
        return EXIT_STATUS[result.stopped_by]
    say(f"trained for {progress.frames:,} frames in {progress.time_s:.0f} s")
    if first():
        pictures = draw_results(folder)
        say(f"  learning curve  {pictures.curve}")
        say(f"  animation       {pictures.animation or 'none: the environment cannot be rendered as an image'}")
        say(f"  {figures(folder, device)}")
        say(f"  evaluate again  ram evaluate {folder}")
    return 0


def figures(folder: Path, device: str) -> str:
    """Return the figure of merit of a run: at the end of training, and in deterministic evaluation.

    Images without a test split are no error at the end of a training: then the training figure stands alone.
    """
    checkpoint = load_checkpoint(folder, device=resolve_device(device))
    with open(folder / METRICS, newline="", encoding="utf-8") as file:
        last = [*csv.DictReader(file)][-1]
    if is_task(checkpoint.env_id):
        figure = make_task(checkpoint.env_id, **checkpoint.env_settings).figure
    else:
        figure = next(figure for name, figure in FIGURES.items() if name in last)
    text = f"{figure.label}: {figure.write(float(last[figure.name]))} with sampled actions in training"
    try:
        result = evaluate(checkpoint.policy, checkpoint.env_id, checkpoint.env_settings)
    except (UserError, OSError, gymnasium.error.Error) as error:  # images without a test split, for instance
        return f"{text}; not evaluated: {error}"
    low, high = figure.shown(result.interval_low), figure.shown(result.interval_high)
    interval = f"[{low:.{figure.digits}f}, {high:.{figure.digits}f}]"
    images = f" on the {result.split} split" if result.split else ""
    return f"{text}; {figure.write(result.value)} {interval} deterministic, {result.episodes:,} episodes{images}"


def say(line: str) -> None:
    """Print a line at once, in the first of several processes."""
    if first():
        print(line, flush=True)
