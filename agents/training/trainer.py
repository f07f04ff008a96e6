"""Trains a policy from the start, or resumes a run that was stopped.

There are two training loops: :mod:`agents.training.hybrid` for supervised tasks, :mod:`agents.training.games` for
games; the settings know theirs. Both play whole episodes in the tensor environment and learn from them at once, and
nothing in them waits for the device: statistics are read every `log_every` iterations.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from agents.errors import SettingsError
from agents.evaluation.fit import check_fit
from agents.evaluation.splits import with_dataset
from agents.ram.checkpoint import FILE_NAME, CheckpointError, load_checkpoint, restore_optimizer
from agents.ram.policy import RAMPolicy
from agents.ram.settings import RAMSettings
from agents.training.fast import distributed
from agents.training.fast.device import resolve_device, resolve_precision
from agents.training.optimisation import make_optimizer
from agents.training.run import Plan, Progress, Run, check_new, claim
from agents.training.settings import GameSettings, HybridSettings, settings_from_dict
from ram_envs import make_tensor, parse_id
from ram_envs.envs.tensor import TensorEnv
from ram_envs.scenes.datasets import DatasetSource


class TrainingResult(NamedTuple):
    """The result of :func:`train` or :func:`resume`.

    Attributes:
        folder: Folder of the run, with its checkpoint and its metrics.
        progress: Iterations, frames and seconds so far.
        stopped_by: Name of the signal that stopped the run, such as "SIGINT"; None if the run is complete.
    """

    folder: Path
    progress: Progress
    stopped_by: str | None = None


def train(
    env_id: str,
    settings: HybridSettings | GameSettings,
    out: str | os.PathLike[str],
    *,
    dataset: DatasetSource | None = None,
    seed: int = 0,
    device: str = "auto",
    progress_bar: bool = True,
) -> TrainingResult:
    """Train a policy from the start.

    Args:
        env_id: Id of the environment, as in ``gymnasium.make``; formats that it names, as in "-Flat", do not matter.
        settings: Training settings; their type is the training method. See
            :func:`agents.training.presets.settings_for`.
        out: Folder of the run; created if it does not exist.
        dataset: The images, for environments that show some: a name, a path, or arrays as in
            :func:`ram_envs.scenes.datasets.load_dataset`. None for those of ``settings.environment``. The checkpoint
            stores the name or the absolute path; arrays are not stored and have to be given again for an evaluation.
        seed: Random seed, in [0, 2**29).
        device: "auto", "cpu" or "cuda".
        progress_bar: Whether to show a progress bar.

    Raises:
        SettingsError: If an argument or a setting is not valid.
        TrainingError: If the folder holds a run or cannot be written, or training diverges.
        CheckpointError: If a checkpoint cannot be written.
    """
    folder, torch_device = Path(out), resolve_device(device)
    if not 0 <= seed < 2**29:
        raise SettingsError(f"seed={seed} is out of range: expected an integer from 0 to {2**29 - 1}")
    env_id = parse_id(env_id).portable
    distributed.join(torch_device)
    # Decided in one process, so that all compute in the same precision, and stored with the settings.
    precision = distributed.once(lambda: resolve_precision(settings.precision, torch_device))
    environment = with_dataset(env_id, settings.environment, dataset)
    settings = replace(settings, precision=precision, environment=environment)
    folder = distributed.once(lambda: check_new(folder))
    env = _make_env(env_id, settings, torch_device)
    # The orthogonal initialisation rounds differently with other numbers of threads, but a seed must always mean the
    # same weights.
    with torch.random.fork_rng(devices=[]), _threads(settings.threads):
        torch.manual_seed(seed)
        policy = RAMPolicy(RAMSettings.for_environment(env, settings.network)).to(torch_device)
    policy.answer_names = env.task.answer.names
    return _train(folder, env_id, settings, env, policy, {}, Progress(seed), progress_bar, new=True)


def resume(
    out: str | os.PathLike[str],
    *,
    env_id: str | None = None,
    dataset: DatasetSource | None = None,
    device: str = "auto",
    progress_bar: bool = True,
) -> TrainingResult:
    """Resume a run from its last checkpoint; on the CPU the weights are those of a run that never stopped.

    Args:
        out: Folder of the run, or the checkpoint in it.
        env_id: Environment that the run must be of; None for any.
        dataset: The images of the run, if they have moved or were arrays; see :func:`train`.
        device: "auto", "cpu" or "cuda".
        progress_bar: Whether to show a progress bar.

    Raises:
        CheckpointError: If there is no checkpoint, or it is broken, of another environment or without training state.
        SettingsError: If the device is not available.
        TrainingError: If the folder cannot be written, or training diverges.
    """
    folder, torch_device = Path(out), resolve_device(device)
    if folder.name == FILE_NAME and folder.is_file():
        folder = folder.parent
    distributed.join(torch_device)
    checkpoint = load_checkpoint(folder, env_id and parse_id(env_id).portable, torch_device)
    try:
        progress = Progress(**checkpoint.progress)
        settings = settings_from_dict(checkpoint.training)
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"{folder} holds a checkpoint to use, but not to resume from: {error}") from error
    if progress.iteration and not checkpoint.optimizer:
        raise CheckpointError(f"{folder} holds an exported agent, which can be used, but not resumed: resume its run")
    settings = replace(settings, environment=with_dataset(checkpoint.env_id, settings.environment, dataset))
    env = _make_env(checkpoint.env_id, settings, torch_device)
    check_fit(checkpoint.policy, env.task, checkpoint.env_id)
    return _train(
        folder,
        checkpoint.env_id,
        settings,
        env,
        checkpoint.policy,
        checkpoint.optimizer,
        progress,
        progress_bar,
        new=False,
    )


def _train(
    folder: Path,
    env_id: str,
    settings: HybridSettings | GameSettings,
    env: TensorEnv,
    policy: RAMPolicy,
    optimizer_state: dict[str, Tensor],
    progress: Progress,
    progress_bar: bool,
    new: bool,
) -> TrainingResult:
    """Run the training loop."""
    settings = replace(settings, environment=env.task.portable(settings.environment))
    optimizer = make_optimizer(policy, settings)
    restore_optimizer(policy, optimizer, optimizer_state)
    plan = Plan(
        settings.iterations(env.task),
        settings.frames_per_iteration(env.task),
        env.task.figure,
        settings.log_every,
        settings.checkpoint_every,
    )
    env_settings = settings.environment
    arguments = (folder, policy, optimizer, env_id, env_settings, settings.to_dict(), plan, progress, progress_bar)
    with _threads(settings.threads), claim(folder, new), Run(*arguments) as run:
        settings.train(run, env)
    return TrainingResult(folder, run.progress, run.stopped_by)


@contextmanager
def _threads(number: int) -> Iterator[None]:
    """Compute with this many CPU threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _make_env(env_id: str, settings: HybridSettings | GameSettings, device: torch.device) -> TensorEnv:
    """Make this process's rows of the training environment, and check that the settings fit its task."""
    rows = distributed.rows(settings.num_envs, multiple_of=settings.group_size)
    env = make_tensor(
        env_id,
        rows.stop - rows.start,
        device,
        action_format="dict",
        check_actions=False,
        **settings.environment,
    )
    settings.check_task(env_id, env.task)
    return env
