"""Trains a policy from the start, or resumes a run that was stopped.

There are four training loops, and the settings know theirs. Two play whole episodes of the suite's tasks in the
tensor environment: :mod:`agents.training.hybrid` for supervised tasks, :mod:`agents.training.games` for games. Two
train in any vector environment: :mod:`agents.training.segments` with PPO, :mod:`agents.training.answers` with the
hybrid loss. In the first two nothing waits for the device: statistics are read every `log_every` iterations.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import agents.with_torch  # noqa: F401

# isort: split
import gymnasium
import torch
from gymnasium.vector import VectorEnv
from torch import Tensor

from agents.environments.make import portable_id
from agents.errors import SettingsError, invalid_settings
from agents.evaluation.fit import check_fit
from agents.evaluation.splits import with_dataset
from agents.ram.checkpoint import Checkpoint, CheckpointError, load_checkpoint, restore_optimizer
from agents.ram.policy import RAMPolicy
from agents.ram.tensor_file import REMEDY
from agents.ram.validation import UNREGISTERED
from agents.training import MAX_SEED
from agents.training.fast import distributed
from agents.training.fast.device import resolve_device, resolve_precision
from agents.training.fine_tuning import InitialWeights, initialise_from
from agents.training.optimisation import make_optimizer
from agents.training.run import Callback, Plan, Progress, Run, check_new
from agents.training.settings import TrainingSettings, settings_from_dict
from agents.training.training_env import Source, TrainingEnv
from agents.untrusted import one_line
from ram_envs.arguments import check_integer
from ram_envs.scenes.datasets import DatasetSource

RANDOM_WEIGHTS = "none"
"""The ``init_from`` of :func:`train` for random weights."""


class TrainingResult(NamedTuple):
    """The result of :func:`train` or :func:`resume`.

    Attributes:
        folder: Folder of the run, with its checkpoint and its metrics.
        progress: Iterations, frames and seconds so far.
        stopped_by: Name of the signal that stopped the run, such as "SIGINT", or "callback"; None if it is complete.
    """

    folder: Path
    progress: Progress
    stopped_by: str | None = None


def train(
    env: Source,
    settings: TrainingSettings,
    out: str | os.PathLike[str],
    *,
    dataset: DatasetSource | None = None,
    seed: int = 0,
    device: str = "auto",
    progress_bar: bool = True,
    callback: Callback | None = None,
    init_from: str | os.PathLike[str] | None = None,
) -> TrainingResult:
    """Train a policy from the start, or fine-tune one.

    Args:
        env: Id of the environment, as in ``gymnasium.make``; formats that it names, as in "-Flat", do not matter. With
            ``SegmentSettings`` and ``AnswerSettings`` the id of any registered environment, such as
            "ale_py:ALE/Pong-v5"; or a Gymnasium vector environment of ``settings.num_envs`` rows, or a function that
            makes one environment. These two are not stored, and have to be given again to resume or to evaluate.
        settings: Training settings; their type is the training method. See
            :func:`agents.training.presets.settings_for`.
        out: Folder of the run; created if it does not exist.
        dataset: The images, for environments that show some: a name, a path, or arrays as in
            :func:`ram_envs.scenes.datasets.load_dataset`. None for those of ``settings.environment``. The checkpoint
            stores the name or the absolute path; arrays are not stored and have to be given again for an evaluation.
        seed: Random seed, in [0, 2**29).
        device: "auto", "cpu" or "cuda".
        progress_bar: Whether to show a progress bar.
        callback: Called as ``callback(progress, metrics, policy)`` at every line of the logs, every
            ``settings.log_every`` iterations: :class:`agents.training.run.Progress`; the columns of metrics.csv by
            name; and the policy, to evaluate, not to change. If it returns False, a checkpoint is saved and the run
            stops; :func:`resume` continues it. With several processes it is called in the first one only. An error
            that it raises ends the run.
        init_from: Fine-tune: start from the weights of this checkpoint, a run folder, a file or "pretrained:ENV_ID".
            Larger networks start as the same function. Tensors that do not fit (other classes, another sensor, smaller
            networks) are initialised at random, as without it, and named in a
            :class:`agents.training.fine_tuning.FineTuningWarning`. "none" starts from random weights even if
            ``settings.init_from`` names a checkpoint; None does as the settings say.

    Raises:
        SettingsError: If an argument or a setting is not valid.
        TrainingError: If the folder holds a run or cannot be written, or training diverges.
        CheckpointError: If a checkpoint cannot be written, or ``init_from`` cannot be used.
    """
    folder, torch_device = Path(out), resolve_device(device)
    _check_callback(callback)
    with invalid_settings():
        seed = check_integer("seed", seed, 0, MAX_SEED)
    env_id = portable_id(env) if isinstance(env, str) else UNREGISTERED
    distributed.join(torch_device)
    # Decided in one process, so that all compute in the same precision, and stored with the settings.
    precision = distributed.once(lambda: resolve_precision(settings.precision, torch_device))
    environment = with_dataset(env_id, settings.environment, dataset)
    settings = replace(settings, precision=precision, environment=environment)
    if init_from is not None:
        name = os.fspath(init_from)
        settings = replace(settings, init_from=None if name == RANDOM_WEIGHTS else name)
    folder = distributed.once(lambda: check_new(folder))
    place = settings.open(env_id if isinstance(env, str) else env, torch_device)
    # The orthogonal initialisation rounds differently with other numbers of threads, but a seed must always mean the
    # same weights.
    with torch.random.fork_rng(devices=[]), _threads(settings.threads):
        torch.manual_seed(seed)
        policy = RAMPolicy(place.policy).to(torch_device)
    policy.answer_names = place.answer_names
    initial = None
    if settings.init_from is not None:
        # What a preset leaves random is no surprise.
        initial = initialise_from(policy, settings.init_from, warn=init_from is not None and distributed.first())
    return _train(folder, env_id, settings, place, policy, {}, Progress(seed), progress_bar, callback, initial)


def resume(
    out: str | os.PathLike[str],
    *,
    env_id: str | None = None,
    env: VectorEnv | Callable[[], gymnasium.Env] | None = None,
    dataset: DatasetSource | None = None,
    device: str = "auto",
    progress_bar: bool = True,
    callback: Callback | None = None,
) -> TrainingResult:
    """Resume a run from its last checkpoint; on the CPU the weights are those of a run that never stopped.

    With ``SegmentSettings`` they are not: environments cannot be restored, so they start new episodes, with seeds that
    follow from the run's seed and the iteration (:mod:`agents.training.segments`).

    Args:
        out: Folder of the run.
        env_id: Environment that the run must be of; None for any.
        env: The environment of a run that was not started with an id; see :func:`train`.
        dataset: The images of the run, if they have moved or were arrays; see :func:`train`.
        device: "auto", "cpu" or "cuda".
        progress_bar: Whether to show a progress bar.
        callback: See :func:`train`.

    Raises:
        CheckpointError: If there is no checkpoint, or it is broken, of another environment or without training state.
        SettingsError: If the device is not available.
        TrainingError: If the folder cannot be written, or training diverges.
    """
    folder, torch_device = Path(out), resolve_device(device)
    _check_callback(callback)
    distributed.join(torch_device)
    checkpoint = load_checkpoint(folder, env_id and portable_id(env_id), torch_device)
    if (env is None) == (checkpoint.env_id == UNREGISTERED):
        raise SettingsError(
            f"{folder} was trained on {checkpoint.env_id}: leave out env"
            if env is not None
            else f"{folder} was trained on an environment without an id: pass it again, as env"
        )
    try:
        progress = Progress.restore(checkpoint.progress)
        if progress.iteration > 0 and not checkpoint.optimizer:
            raise ValueError("it was saved without the state of the optimizer")
        settings = settings_from_dict(checkpoint.training)
    except (TypeError, ValueError) as error:
        raise CheckpointError(
            f"{folder} holds a checkpoint to use, but not to resume from: {one_line(error)}"
        ) from error
    settings = replace(settings, environment=with_dataset(checkpoint.env_id, settings.environment, dataset))
    place = _resumed_env(folder, checkpoint, checkpoint.env_id if env is None else env, settings, torch_device)
    policy, state = checkpoint.policy, checkpoint.optimizer
    return _train(folder, checkpoint.env_id, settings, place, policy, state, progress, progress_bar, callback)


def _resumed_env(
    folder: Path, checkpoint: Checkpoint, source: Source, settings: TrainingSettings, device: torch.device
) -> TrainingEnv:
    """Make the environment of a checkpoint, and check that the policy fits it.

    Raises:
        CheckpointError: If that is not possible.
        InvalidArgument: If the images are of other classes than those of the training, or are not of its colours.
    """
    try:
        place = settings.open(source, device)
    except (ValueError, TypeError, ArithmeticError, OSError, RuntimeError, MemoryError, gymnasium.error.Error) as error:
        raise CheckpointError(
            f"{folder}: the environment {checkpoint.env_id} of its checkpoint cannot be made: {one_line(error)}"
        ) from error
    if "dataset" in settings.environment:  # the images may have changed: this says how
        check_fit(checkpoint.policy, place.env.task, checkpoint.env_id)
    if place.policy != checkpoint.policy.settings:
        raise CheckpointError(
            f"{folder}: the policy of its checkpoint does not fit its environment and settings: {REMEDY}"
        )
    return place


def _train(
    folder: Path,
    env_id: str,
    settings: TrainingSettings,
    place: TrainingEnv,
    policy: RAMPolicy,
    optimizer_state: dict[str, Tensor],
    progress: Progress,
    progress_bar: bool,
    callback: Callback | None,
    initial: InitialWeights | None = None,
) -> TrainingResult:
    """Run the training loop."""
    settings = replace(settings, environment=place.environment)
    optimizer = make_optimizer(policy, settings)
    restore_optimizer(policy, optimizer, optimizer_state)
    plan = Plan(
        place.iterations,
        place.frames_per_iteration,
        place.figure,
        settings.log_every,
        settings.checkpoint_every,
        settings.after_resume,
    )
    env_settings = settings.environment
    arguments = (folder, policy, optimizer, env_id, env_settings, settings.to_dict(), plan, progress, progress_bar)
    with closing(place), _threads(settings.threads), Run(*arguments, callback) as run:
        if initial is not None:
            distributed.once(lambda: initial.write(folder))
        settings.train(run, place.env)
    return TrainingResult(folder, run.progress, run.stopped_by)


def _check_callback(callback: Callback | None) -> None:
    """Check that a callback can be called.

    Raises:
        SettingsError: If it cannot.
    """
    if callback is not None and not callable(callback):
        raise SettingsError(
            f"callback={callback!r} is not valid: expected a function of (progress, metrics, policy), or None"
        )


@contextmanager
def _threads(number: int) -> Iterator[None]:
    """Compute with this many CPU threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)
