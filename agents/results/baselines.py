"""Trains and judges the classifiers of whole scenes, on the same scenes, in the same folders as RAM.

A run's folder holds what :mod:`agents.training.run` says, and a run stops, goes on and diverges in the same way.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn import functional as F

from agents.ram.checkpoint import restore_optimizer
from agents.results.classifiers import Classifier, ClassifierSettings, load_classifier, save_classifier
from agents.results.evaluation import Evaluation, wilson_interval, with_split
from agents.results.figures import plot_learning_curve
from agents.training.device import resolve_device, resolve_precision
from agents.training.optimisation import rate_factor
from agents.training.rollout import ImageOrder, episode_seed, seed_generator
from agents.training.run import METRICS, Plan, Progress, Run, check_new
from agents.training.trainer import CURVE, TrainingResult
from ram_envs import make_tensor
from ram_envs.arguments import check_integer
from ram_envs.tasks import Classification


class ClassifierRun(Run):
    """A run whose checkpoints hold a classifier."""

    def write_checkpoint(self) -> None:
        """Write the checkpoint; see :meth:`Run.write_checkpoint`."""
        classifier = cast(Classifier, self.policy)
        save_classifier(self.folder, classifier, self.env_id, self.progress._asdict(), self.optimizer)


def train_classifier(
    env_id: str,
    settings: ClassifierSettings,
    out: str | os.PathLike[str],
    *,
    seed: int = 0,
    device: str = "auto",
    progress_bar: bool = True,
) -> TrainingResult:
    """Train a classifier on the scenes of an environment, from the start.

    Args:
        env_id: Id of the environment: one of classification.
        settings: How.
        out: The run's folder; made if it is not there.
        seed: What everything random follows from, in [0, 2**29).
        device: "auto", "cpu" or "cuda".
        progress_bar: Whether to show one.

    Raises:
        ValueError: If an argument or a setting is not valid.
        TrainingError: If the folder holds a run or cannot be written, or training diverges.
        CheckpointError: If a checkpoint cannot be written.
    """
    folder, where = Path(out), resolve_device(device)
    check_integer("seed", seed, 0, 2**29 - 1)
    check_new(folder)
    settings = replace(settings, precision=resolve_precision(settings.precision, where))
    task = _task(env_id, settings.environment.to_dict(), where)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        classifier = Classifier(settings, task.scene_shape, task.num_classes).to(where)
    return _train(folder, env_id, task, classifier, {}, Progress(seed), progress_bar)


def resume_classifier(
    out: str | os.PathLike[str], *, device: str = "auto", progress_bar: bool = True
) -> TrainingResult:
    """Go on with a run from its last checkpoint: on the CPU as if it had never stopped, weight for weight.

    Args:
        out: The run's folder.
        device: "auto", "cpu" or "cuda".
        progress_bar: Whether to show one.

    Raises:
        CheckpointError: If there is no checkpoint, or it is broken or of another kind.
        ValueError: If the device is not at hand.
        TrainingError: If the folder cannot be written, or training diverges.
    """
    folder, where = Path(out), resolve_device(device)
    checkpoint = load_classifier(folder, where)
    task = _task(checkpoint.env_id, checkpoint.classifier.settings.environment.to_dict(), where)
    return _train(
        folder,
        checkpoint.env_id,
        task,
        checkpoint.classifier,
        checkpoint.optimizer,
        Progress.restore(checkpoint.progress),
        progress_bar,
    )


def _train(
    folder: Path,
    env_id: str,
    task: Classification,
    classifier: Classifier,
    optimizer_state: dict[str, Tensor],
    progress: Progress,
    progress_bar: bool,
) -> TrainingResult:
    settings = classifier.settings
    device = classifier.logits.weight.device
    optimizer = torch.optim.AdamW(
        classifier.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
    )
    restore_optimizer(classifier, optimizer, optimizer_state)
    batch = settings.num_envs
    iterations = math.ceil(settings.epochs * task.num_images / batch)
    plan = Plan(iterations, batch, "error_percent", settings.log_every, settings.checkpoint_every)
    env_settings = settings.environment.to_dict()
    # A run never looks into the policy that it is given, but to save it, which ClassifierRun does.
    module = cast(Any, classifier)
    arguments = (folder, module, optimizer, env_id, env_settings, settings.to_dict(), plan, progress, progress_bar)
    seed, order = progress.seed, ImageOrder(task.num_images, progress.seed, device)
    generator = torch.Generator(device)
    rows = torch.arange(batch, device=device)
    with ClassifierRun(*arguments) as run:
        for iteration in run.iterations():
            for group in optimizer.param_groups:
                group["lr"] = settings.learning_rate * rate_factor("cosine", settings.warmup, iteration, iterations)
            scenes, label = _scenes(
                task, episode_seed(seed, iteration, batch) + rows, order.batch(iteration * batch, batch)
            )
            generator = seed_generator(generator, seed, iteration)
            with torch.autocast(device.type, torch.bfloat16, enabled=settings.precision == "bfloat16"):
                logits = classifier(scenes, generator)
            loss = F.cross_entropy(logits, label)
            optimizer.zero_grad()
            loss.backward()
            gradient_norm = torch.nn.utils.get_total_norm(
                [parameter.grad for parameter in classifier.parameters() if parameter.grad is not None]
            )
            optimizer.step()
            error = (logits.argmax(1) != label).float().mean()
            run.log(
                {"error_percent": 100 * error, "losses/classification": loss, "losses/gradient_norm": gradient_norm}
            )
    if run.stopped_by is not None:
        return TrainingResult(folder, run.progress, run.stopped_by)
    plot_learning_curve(folder / METRICS, folder / CURVE)
    return TrainingResult(folder, run.progress, None, folder / CURVE)


@torch.inference_mode()
def evaluate_classifier(
    classifier: Classifier,
    env_id: str,
    env_settings: Mapping[str, Any],
    *,
    split: str | None = None,
    seed: int = 0,
    num_envs: int = 1000,
) -> Evaluation:
    """Show every image of a split once, in the scenes that :func:`agents.results.evaluation.evaluate` shows.

    Args:
        classifier: The classifier; its device does the computing.
        env_id: The environment.
        env_settings: Its arguments.
        split: The images; "test" if None.
        seed: Image i is shown in the scene of episode 0 of row seed + i.
        num_envs: How many are shown side by side.

    Raises:
        ValueError: If an argument is not valid, or the scenes are not of the shape that the classifier was made for.
    """
    start = time.perf_counter()
    check_integer("seed", seed, 0, 2**62)
    check_integer("num_envs", num_envs, 1)
    settings = with_split(env_id, env_settings, split)
    device = classifier.logits.weight.device
    task = _task(env_id, settings, device)
    if task.scene_shape != classifier.scene_shape:
        raise ValueError(
            f"the classifier was made for scenes of (height, width, channels) {classifier.scene_shape}, and {env_id} "
            f"has {task.scene_shape} here: use it with the settings that it was trained on"
        )
    errors = 0
    for first in range(0, task.num_images, num_envs):
        index = torch.arange(first, min(first + num_envs, task.num_images), device=device)
        scenes, label = _scenes(task, seed + index, index)
        errors += int((classifier(scenes).argmax(1) != label).sum())
    low, high = wilson_interval(errors, task.num_images)
    return Evaluation(
        env_id=env_id,
        figure="error_percent",
        value=100 * errors / task.num_images,
        interval_low=100 * low,
        interval_high=100 * high,
        episodes=task.num_images,
        mean_glimpses=0.0,
        split=settings["split"],
        seed=seed,
        greedy=True,
        greedy_action=True,
        seconds=time.perf_counter() - start,
    )


def _task(env_id: str, env_settings: Mapping[str, Any], device: torch.device) -> Classification:
    """Return the rules of an environment of classification, with its images.

    Raises:
        ValueError: If it is none.
    """
    task = make_tensor(env_id, 1, device, **env_settings).task
    if not isinstance(task, Classification):
        raise ValueError(f"{env_id} has no labels: classifiers need an environment of classification")
    return task


def _scenes(task: Classification, seed: Tensor, image_index: Tensor) -> tuple[Tensor, Tensor]:
    """Return the scenes, uint8 (B, C, H, W), and labels, int64 (B,), of episode 0 of rows, all int64 (B,)."""
    state = task.initial(seed, torch.zeros_like(seed), image_index)
    return state.scenes, state.label
