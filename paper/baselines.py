"""Trains and evaluates the classifiers of whole scenes, on the same scenes and with the same run folders as RAM."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from agents.evaluation.evaluate import Evaluation, figure_of
from agents.evaluation.splits import with_split
from agents.ram.checkpoint import restore_optimizer
from agents.training import MAX_SEED
from agents.training.fast.device import resolve_device, resolve_precision
from agents.training.optimisation import rate_factor
from agents.training.rollout import ImageOrder, episode_seed, seed_generator
from agents.training.run import Plan, Progress, Run, check_new
from agents.training.trainer import TrainingResult
from paper.classifier_checkpoint import ClassifierCheckpoint, load_classifier, save_classifier
from paper.classifiers import Classifier, ClassifierSettings
from ram_envs import make_task
from ram_envs.arguments import check_integer
from ram_envs.errors import InvalidArgument
from ram_envs.tasks import Classification


class ClassifierRun(Run):
    """A run whose checkpoints hold a classifier."""

    def write_checkpoint(self) -> None:
        """Write a checkpoint; see :meth:`Run.write_checkpoint`."""
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
    """Train a classifier on the scenes of an environment; see :func:`agents.training.trainer.train`."""
    folder, torch_device = Path(out), resolve_device(device)
    check_integer("seed", seed, 0, MAX_SEED)
    check_new(folder)
    settings = replace(settings, precision=resolve_precision(settings.precision, torch_device))
    task = _task(env_id, settings.environment)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        classifier = Classifier(settings, task.scene_shape, task.answer.size).to(torch_device)
    return _train(folder, ClassifierCheckpoint(classifier, env_id, Progress(seed)._asdict(), {}), progress_bar)


def resume_classifier(
    out: str | os.PathLike[str], *, device: str = "auto", progress_bar: bool = True
) -> TrainingResult:
    """Resume a run from its last checkpoint; see :func:`agents.training.trainer.resume`."""
    return _train(Path(out), load_classifier(out, resolve_device(device)), progress_bar)


def _train(folder: Path, start: ClassifierCheckpoint, progress_bar: bool) -> TrainingResult:
    classifier, progress = start.classifier.train(), Progress.restore(start.progress)
    settings, device = classifier.settings, classifier.logits.weight.device
    task = _task(start.env_id, settings.environment)
    optimizer = torch.optim.AdamW(
        classifier.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
    )
    restore_optimizer(classifier, optimizer, start.optimizer)
    batch = settings.num_envs
    iterations = math.ceil(settings.epochs * task.num_images / batch)
    plan = Plan(iterations, batch, task.figure, settings.log_every, settings.checkpoint_every)
    module = cast(Any, classifier)  # a run uses the policy only to save it, which ClassifierRun overrides
    arguments = (folder, module, optimizer, start.env_id, settings.environment, settings.to_dict(), plan, progress)
    seed, order = progress.seed, ImageOrder(task.num_images, progress.seed, device)
    generator = torch.Generator(device)
    rows = torch.arange(batch, device=device)
    with ClassifierRun(*arguments, progress_bar) as run:
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
                {
                    task.figure.name: task.figure.stored_factor * error,
                    "losses/classification": loss,
                    "losses/gradient_norm": gradient_norm,
                }
            )
    return TrainingResult(folder, run.progress, run.stopped_by)


def evaluate_classifier(
    classifier: Classifier,
    env_id: str,
    env_settings: Mapping[str, Any],
    *,
    split: str | None = None,
    seed: int = 0,
    num_envs: int = 1000,
) -> Evaluation:
    """Evaluate a classifier on the scenes of :func:`agents.evaluation.evaluate.evaluate`, each image once.

    Raises:
        InvalidArgument: If an argument is not valid, or the classifier was made for scenes of another shape.
    """
    start = time.perf_counter()
    settings = with_split(env_id, env_settings, split)
    task, right = right_answers(classifier, env_id, settings, seed=seed, num_envs=num_envs)
    value, low, high = figure_of(task.figure, right)
    return Evaluation(
        env_id=env_id,
        figure=task.figure.name,
        value=value,
        interval_low=low,
        interval_high=high,
        episodes=len(right),
        mean_glimpses=0.0,
        split=settings["split"],
        seed=seed,
        greedy=True,
        greedy_action=True,
        seconds=time.perf_counter() - start,
    )


@torch.inference_mode()
def right_answers(
    classifier: Classifier, env_id: str, env_settings: Mapping[str, Any], *, seed: int = 0, num_envs: int = 1000
) -> tuple[Classification, NDArray[np.bool_]]:
    """Return the task, and whether the classifier is right, bool (N,): image i is in the scene of seed + i.

    Raises:
        InvalidArgument: If an argument is not valid, or the classifier was made for scenes of another shape.
    """
    check_integer("seed", seed, 0, 2**62)
    check_integer("num_envs", num_envs, 1)
    device = classifier.logits.weight.device
    classifier.eval()
    task = _task(env_id, env_settings)
    if task.scene_shape != classifier.scene_shape:
        raise InvalidArgument(
            f"the classifier was made for scenes of (height, width, channels) {classifier.scene_shape}, and {env_id} "
            f"has {task.scene_shape} here: use the settings that it was trained with"
        )
    right = []
    for first in range(0, task.num_images, num_envs):
        index = torch.arange(first, min(first + num_envs, task.num_images), device=device)
        scenes, label = _scenes(task, seed + index, index)
        right.append((classifier(scenes).argmax(1) == label).cpu().numpy())
    return task, np.concatenate(right)


def _task(env_id: str, env_settings: Mapping[str, Any]) -> Classification:
    """Return the task of an environment of classification.

    Raises:
        InvalidArgument: If it shows no labelled images.
    """
    task = make_task(env_id, **env_settings)
    if not task.supervised or task.num_images is None:
        raise InvalidArgument(f"{env_id} has no labels: classifiers need an environment of classification")
    return cast(Classification, task)


def _scenes(task: Classification, seed: Tensor, image_index: Tensor) -> tuple[Tensor, Tensor]:
    """Return the scenes, uint8 (B, C, H, W), and labels, int64 (B,), of episode 0 of some seeds, int64 (B,)."""
    state = task.initial(seed, torch.zeros_like(seed), image_index)
    return cast(Tensor, task.scene(state)), cast(Tensor, task.target(state))
