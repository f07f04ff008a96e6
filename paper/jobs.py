"""One run of a row: train or resume it, then evaluate it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from agents.errors import RAMError
from agents.evaluation.evaluate import evaluate
from agents.experiments.machine import device_name, versions
from agents.experiments.queue import lock
from agents.locks import acquire
from agents.ram.checkpoint import FILE_NAME, load_checkpoint
from agents.ram.policy import RAMPolicy
from agents.training import trainer
from agents.training.fast.device import resolve_device
from agents.training.run import METRICS, SETTINGS
from agents.training.trainer import TrainingResult
from agents.untrusted import one_line, read_json
from paper.baselines import evaluate_classifier, resume_classifier, train_classifier
from paper.classifier_checkpoint import load_classifier
from paper.classifiers import Classifier, ClassifierSettings
from paper.distance import TWO_DIGITS, measure_classifier
from paper.records import SeedResult, differing_settings, plain_settings, read_curve
from paper.row import STOPPED, VALIDATION_TEST, Row
from paper.stopping import curve_of
from ram_envs import make_task

TEST_SEED, VALIDATION_SEED = 0, 1_000_000
"""Random seeds of the first test scene and of the first validation scene; training uses 2**32 and above."""


class ReproduceError(RAMError, ValueError):
    """A run cannot be reproduced here; the message names the reason and the fix."""


class RunInUse(RAMError, RuntimeError):
    """Another process trains the run that this one starts from."""


class Job(NamedTuple):
    """One run: a row and a random seed."""

    row: Row
    seed: int

    @property
    def name(self) -> str:
        """Name of its folder."""
        return f"{self.row.name}-seed{self.seed}"

    @property
    def start(self) -> Job | None:
        """The run that it starts from; None if it starts from elsewhere."""
        return None if self.row.after is None else Job(self.row.after, self.seed)


def train(job: Job, folder: Path, device: str, progress_bar: bool) -> TrainingResult:
    """Train a run, or resume it if its folder has a checkpoint; first the run that it starts from, beside its folder.

    Raises:
        RunInUse: If another process trains the run that it starts from.
        TrainingError: If the folder cannot be written, or training diverges.
        CheckpointError: If a checkpoint cannot be read or written.
        SettingsError: If a setting does not fit the environment.
    """
    options: dict[str, Any] = {"device": device, "progress_bar": progress_bar}
    settings, begun = job.row.settings, (folder / FILE_NAME).exists()
    if job.start is not None and not begun:
        place = folder.parent / job.start.name
        in_use = lock(folder.parent, job.start.name)
        if not acquire(in_use):
            raise RunInUse(f"another process trains {place}: wait until it ends")
        try:
            trained = train(job.start, place, device, progress_bar)
        finally:
            in_use.release()
        if trained.stopped_by is not None:
            return trained
        options["init_from"] = place
    if isinstance(settings, ClassifierSettings):
        if begun:
            return resume_classifier(folder, **options)
        return train_classifier(job.row.env_id, settings, folder, seed=job.seed, **options)
    if begun:
        return trainer.resume(folder, env_id=job.row.env_id, **options)
    return trainer.train(job.row.env_id, settings, folder, seed=job.seed, **options)


def evaluate_run(job: Job, folder: Path, trained: TrainingResult, device: str, validate: bool) -> SeedResult:
    """Evaluate a complete run, on the validation images instead of the test set with ``validate``.

    Raises:
        ReproduceError: If its metrics cannot be read.
        CheckpointError: If its checkpoint cannot be read.
    """
    torch_device, row = resolve_device(device), job.row
    curve = _curve(folder, row.figure.name)  # first: the evaluation may take minutes
    settings, arguments = row.settings, (row.env_id, row.test_environment)
    images = None if row.is_game else VALIDATION_TEST
    where: dict[str, Any] = {"split": images, "seed": VALIDATION_SEED} if validate else {"seed": TEST_SEED}
    sampled = validation = stopping = distance = None
    module: Classifier | RAMPolicy
    if isinstance(settings, ClassifierSettings):
        module = classifier = load_classifier(folder, torch_device).classifier
        threads = None
        greedy = evaluate_classifier(classifier, *arguments, **where)
        if row.table in TWO_DIGITS and not validate:
            distance = measure_classifier(classifier, *arguments)
    else:
        module = policy = load_checkpoint(folder, device=torch_device).policy
        threads = settings.threads
        greedy = evaluate(policy, *arguments, **where)
        sampled = evaluate(policy, *arguments, **where, greedy=False, greedy_action=not row.is_game)
        if not validate:
            validation = evaluate(policy, *arguments, split=images, seed=VALIDATION_SEED)
            stopping = curve_of(policy, *arguments, VALIDATION_TEST) if row.name in STOPPED else None
    precision = read_json(folder / SETTINGS)["training"]["precision"]  # no longer "auto"
    return SeedResult(
        seed=job.seed,
        greedy=greedy.to_dict(),
        sampled=None if sampled is None else sampled.to_dict(),
        validation=None if validation is None else validation.to_dict(),
        frames=trained.progress.frames,
        seconds=round(trained.progress.time_s, 3),
        parameters=sum(parameter.numel() for parameter in module.parameters()),
        hardware=f"{device_name(torch_device.type, threads)}, {precision}",
        versions=versions(),
        curve=curve,
        stopping=stopping,
        distance=distance,
    )


def _curve(folder: Path, figure: str) -> dict[str, list[float]]:
    try:
        return read_curve(folder / METRICS, figure)
    except (OSError, ValueError) as error:
        raise ReproduceError(
            f"{folder / METRICS} cannot be read ({one_line(error)}): restore it, or move {folder} away to train again"
        ) from error


def check_data(rows: Iterable[Row]) -> None:
    """Load the images of some rows, so that missing ones are reported before anything runs."""
    splits = {}
    for row in rows:
        for split in ({},) if row.is_game else ({}, {"split": "test"}):
            arguments = {**row.settings.environment, **split}
            splits[row.env_id, repr(arguments)] = arguments
    for (env_id, _), arguments in splits.items():
        make_task(env_id, **arguments)


def missing_starts(job: Job, out: Path) -> list[Job]:
    """Return the runs that are trained or resumed before a run because it starts from them, in this order.

    Args:
        job: The run.
        out: Folder of its folder, and of those of the runs.

    Raises:
        CheckpointError: If the checkpoint of one cannot be read.
        ReproduceError: If the folder of one holds another run.
    """
    if job.start is None or (out / job.name / FILE_NAME).exists():
        return []
    complete = _is_complete(job.start, out / job.start.name)
    return [] if complete else [*missing_starts(job.start, out), job.start]


def _is_complete(job: Job, folder: Path) -> bool:
    _check_folder(folder, job)
    if not (folder / FILE_NAME).exists():
        return False
    settings = job.row.settings
    assert not isinstance(settings, ClassifierSettings), "no row starts from a classifier"
    iteration: int = load_checkpoint(folder, job.row.env_id).progress["iteration"]
    return iteration >= settings.iterations(make_task(job.row.env_id, **settings.environment))


def check_folders(job: Job, out: Path) -> None:
    """Refuse to resume a run that is another one, and to start from one.

    Args:
        job: The run.
        out: Folder of its folder, and of that of the run that it starts from.

    Raises:
        ReproduceError: If the folder of either holds a run with another seed, environment or settings, or a
            checkpoint without settings.
    """
    folder = out / job.name
    _check_folder(folder, job)
    if job.start is not None and not (folder / FILE_NAME).exists():
        check_folders(job.start, out)


def _check_folder(folder: Path, job: Job) -> None:
    file, row = folder / SETTINGS, job.row
    if not file.exists():
        if (folder / FILE_NAME).exists():
            raise ReproduceError(
                f"{folder} holds a checkpoint without {SETTINGS}: expected the settings of seed {job.seed} of "
                f"{row.name} beside it; restore them, or move {folder} away"
            )
        return
    try:
        content, wanted = read_json(file), plain_settings(row)
        found = content["training"]
        if job.start is not None and Path(found["init_from"] or "").name == job.start.name:
            wanted["init_from"] = found["init_from"]  # the folder of the other row's run
        expected = {"seed": job.seed, "env_id": row.env_id}
        differing = [
            f"{name}={content[name]} instead of {value}" for name, value in expected.items() if content[name] != value
        ]
        differing += differing_settings(found, wanted)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ReproduceError(f"{file} cannot be read ({one_line(error)}): move {folder} away") from error
    if differing:
        raise ReproduceError(
            f"{folder} holds a run of {row.name} with {'; '.join(differing)}: move it away, or use another --out"
        )
