"""One run of a row: trained or gone on with, then judged."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from agents.errors import RAMError
from agents.evaluation.evaluate import Evaluation, evaluate
from agents.experiments.machine import device_name, versions
from agents.ram.checkpoint import FILE_NAME, load_checkpoint
from agents.training import trainer
from agents.training.fast.device import resolve_device
from agents.training.run import METRICS, SETTINGS
from agents.training.trainer import TrainingResult
from paper.baselines import evaluate_classifier, resume_classifier, train_classifier
from paper.classifiers import ClassifierSettings, load_classifier
from paper.records import SeedResult, differing_settings, plain_settings, read_curve
from paper.rows import VALIDATION_TEST, Row
from ram_envs import make_tensor

TEST_SEED, VALIDATION_SEED = 0, 1_000_000
"""Seeds of the first test scene and of the first validation scene; those of training are 2**32 and more."""


class ReproduceError(RAMError, ValueError):
    """What was asked for cannot be reproduced here; the message says why and what to do."""


class Job(NamedTuple):
    """One run: a row and a seed."""

    row: Row
    seed: int

    @property
    def name(self) -> str:
        """What its folder is called."""
        return f"{self.row.name}-seed{self.seed}"


def train(job: Job, folder: Path, device: str, progress_bar: bool) -> TrainingResult:
    """Begin a run, or go on with it.

    Args:
        job: Which.
        folder: Of the run.
        device: "auto", "cpu" or "cuda".
        progress_bar: Whether to show one.

    Raises:
        TrainingError: If the folder cannot be written, or training diverges.
        CheckpointError: If the checkpoint to go on from is broken, or one cannot be written.
    """
    options: dict[str, Any] = {"device": device, "progress_bar": progress_bar}
    settings = job.row.settings
    if isinstance(settings, ClassifierSettings):
        if (folder / FILE_NAME).exists():
            return resume_classifier(folder, **options)
        return train_classifier(job.row.env_id, settings, folder, seed=job.seed, **options)
    if (folder / FILE_NAME).exists():
        return trainer.resume(folder, env_id=job.row.env_id, **options)
    return trainer.train(job.row.env_id, settings, folder, seed=job.seed, **options)


def judge(job: Job, folder: Path, trained: TrainingResult, device: str, validate: bool) -> SeedResult:
    """Evaluate a complete run.

    Args:
        job: What it is a run of.
        folder: Of the run.
        trained: What the training left.
        device: "auto", "cpu" or "cuda".
        validate: Whether to judge by the validation images and not by the test set.
    """
    where, row = resolve_device(device), job.row
    game = row.is_game
    env_settings = row.settings.environment
    split = VALIDATION_TEST if validate and not game else None
    seed = VALIDATION_SEED if validate else TEST_SEED
    threads = None if isinstance(row.settings, ClassifierSettings) else row.settings.threads
    precision = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))["training"]["precision"]  # no more "auto"
    sampled: Evaluation | None = None
    validation: Evaluation | None = None
    if isinstance(row.settings, ClassifierSettings):
        classifier = load_classifier(folder, where).classifier
        greedy = evaluate_classifier(classifier, row.env_id, env_settings, split=split, seed=seed)
        parameters = sum(parameter.numel() for parameter in classifier.parameters())
    else:
        policy = load_checkpoint(folder, device=where).policy
        greedy = evaluate(policy, row.env_id, env_settings, split=split, seed=seed)
        sampled = evaluate(
            policy, row.env_id, env_settings, split=split, seed=seed, greedy=False, greedy_action=not game
        )
        if not validate:
            others = None if game else VALIDATION_TEST
            validation = evaluate(policy, row.env_id, env_settings, split=others, seed=VALIDATION_SEED)
        parameters = sum(parameter.numel() for parameter in policy.parameters())
    return SeedResult(
        seed=job.seed,
        greedy=greedy.to_dict(),
        sampled=None if sampled is None else sampled.to_dict(),
        validation=None if validation is None else validation.to_dict(),
        frames=trained.progress.frames,
        seconds=round(trained.progress.time_s, 3),
        parameters=parameters,
        hardware=f"{device_name(where.type, threads)}, {precision}",
        versions=versions(),
        curve=read_curve(folder / METRICS, greedy.figure),
    )


def check_data(rows: Iterable[Row]) -> None:
    """Load the images that the rows are trained and judged on, so that what is missing is said before anything runs."""
    seen = []
    for row in rows:
        arguments = row.settings.environment
        if (row.env_id, arguments) in seen:
            continue
        seen.append((row.env_id, arguments))
        make_tensor(row.env_id, 1, **arguments)
        if not row.is_game:
            make_tensor(row.env_id, 1, **{**arguments, "split": "test"})


def check_folder(folder: Path, row: Row) -> None:
    """Refuse to go on with a run that has other settings.

    Raises:
        ReproduceError: If it has.
    """
    file = folder / SETTINGS
    if not file.exists():
        return
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        differing = differing_settings(content["training"], plain_settings(row))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ReproduceError(f"{file} cannot be read ({error}): move {folder} away") from error
    if differing:
        raise ReproduceError(
            f"{folder} holds a run of {row.name} with {'; '.join(differing)}: move it away, or give another folder "
            "with --out"
        )
