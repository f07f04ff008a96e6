"""Trains a policy from the start, or goes on with a run that was stopped.

There are two ways to train, one loop each: :mod:`agents.training.hybrid` for classification,
:mod:`agents.training.games` for games. Both play whole episodes side by side in the tensor environment and learn from
them at once, and nothing in them waits for the device: statistics are read together, every `log_every` iterations.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import gymnasium
import torch
from torch import Tensor

from agents.ram.checkpoint import Checkpoint, CheckpointError, load_checkpoint, restore_optimizer
from agents.ram.policy import RAMPolicy
from agents.ram.settings import RAMSettings
from agents.ram.tensor_file import REMEDY
from agents.results.figures import animate, plot_learning_curve
from agents.training import distributed
from agents.training.device import resolve_device, resolve_precision
from agents.training.games import train_game
from agents.training.hybrid import train_hybrid
from agents.training.optimisation import make_optimizer
from agents.training.run import METRICS, Plan, Progress, Run, check_new
from agents.training.settings import GameSettings, HybridSettings, settings_from_dict
from agents.untrusted import one_line
from ram_envs import make_tensor
from ram_envs.envs.tensor import TensorEnv
from ram_envs.tasks.classification import Classification

CURVE, ANIMATION = "curve.png", "animation.gif"


class TrainingResult(NamedTuple):
    """What a call of :func:`train` or :func:`resume` leaves.

    Attributes:
        folder: The run's folder.
        progress: How far it got.
        stopped_by: Name of the signal that ended it before its time, such as "SIGINT"; None if it is complete.
        curve: The learning curve, PNG; None if it is not complete or nothing was to be drawn.
        animation: The trained agent, GIF; None likewise.
    """

    folder: Path
    progress: Progress
    stopped_by: str | None = None
    curve: Path | None = None
    animation: Path | None = None


def train(
    env_id: str,
    settings: HybridSettings | GameSettings,
    out: str | os.PathLike[str],
    *,
    seed: int = 0,
    device: str = "auto",
    progress_bar: bool = True,
    draw: bool = True,
) -> TrainingResult:
    """Train a policy from the start.

    Args:
        env_id: Id of the environment, one of ``ram_envs.ENVIRONMENTS``.
        settings: How; the type says which way. :func:`agents.training.presets.settings_for` has some.
        out: The run's folder; made if it is not there.
        seed: What everything random follows from, in [0, 2**29).
        device: "auto", "cpu" or "cuda".
        progress_bar: Whether to show one.
        draw: Whether to draw the learning curve and the animation at the end.

    Raises:
        ValueError: If an argument or a setting is not valid.
        TrainingError: If the folder holds a run or cannot be written, or training diverges.
        CheckpointError: If a checkpoint cannot be written.
    """
    folder, where = Path(out), resolve_device(device)
    if not 0 <= seed < 2**29:
        raise ValueError(f"seed={seed} is out of range: expected an integer from 0 to {2**29 - 1}")
    settings = replace(settings, precision=resolve_precision(settings.precision, where))
    distributed.join(where)
    folder = distributed.once(lambda: check_new(folder))
    env = _make_env(env_id, settings, where)
    # An orthogonal start is rounded otherwise by other numbers of threads, and a seed is to mean the same under all.
    with torch.random.fork_rng(devices=[]), _threads(settings.threads):
        torch.manual_seed(seed)
        policy = RAMPolicy(RAMSettings.for_environment(env, settings.network)).to(where)
    run = _train(folder, env_id, settings, env, policy, {}, Progress(seed), progress_bar)
    return _result(run, draw)


def resume(
    out: str | os.PathLike[str],
    *,
    env_id: str | None = None,
    device: str = "auto",
    progress_bar: bool = True,
    draw: bool = True,
) -> TrainingResult:
    """Go on with a run from its last checkpoint: on the CPU as if it had never stopped, weight for weight.

    Args:
        out: The run's folder.
        env_id: The environment that it is expected to be of; None for any.
        device: "auto", "cpu" or "cuda".
        progress_bar: Whether to show one.
        draw: Whether to draw the learning curve and the animation at the end.

    Raises:
        CheckpointError: If there is no checkpoint, or it is broken, of another environment or without its training's
            state.
        ValueError: If the device is not at hand.
        TrainingError: If the folder cannot be written, or training diverges.
    """
    folder, where = Path(out), resolve_device(device)
    distributed.join(where)
    checkpoint = load_checkpoint(folder, env_id, where)
    try:
        progress = Progress.restore(checkpoint.progress)
        if progress.iteration > 0 and not checkpoint.optimizer:
            raise ValueError("it was saved without the state of the optimizer")
        settings = settings_from_dict(checkpoint.training)
    except (TypeError, ValueError) as error:
        raise CheckpointError(
            f"{folder} holds a checkpoint to use, but not to resume from: {one_line(error)}"
        ) from error
    env = _resumed_env(folder, checkpoint, settings, where)
    run = _train(
        folder, checkpoint.env_id, settings, env, checkpoint.policy, checkpoint.optimizer, progress, progress_bar
    )
    return _result(run, draw)


def _resumed_env(
    folder: Path, checkpoint: Checkpoint, settings: HybridSettings | GameSettings, device: torch.device
) -> TensorEnv:
    """Make the environment of a checkpoint, and check that the policy fits it.

    Raises:
        CheckpointError: If that is not possible.
    """
    try:
        env = _make_env(checkpoint.env_id, settings, device)
        expected = RAMSettings.for_environment(env, settings.network)
    except (ValueError, TypeError, ArithmeticError, OSError, RuntimeError, MemoryError, gymnasium.error.Error) as error:
        raise CheckpointError(
            f"{folder}: the environment {checkpoint.env_id} of its checkpoint cannot be made: {one_line(error)}"
        ) from error
    if expected != checkpoint.policy.settings:
        raise CheckpointError(
            f"{folder}: the policy of its checkpoint does not fit its environment and settings: {REMEDY}"
        )
    return env


def _train(
    folder: Path,
    env_id: str,
    settings: HybridSettings | GameSettings,
    env: TensorEnv,
    policy: RAMPolicy,
    optimizer_state: dict[str, Tensor],
    progress: Progress,
    progress_bar: bool,
) -> Run:
    """Run the loop that the settings are of."""
    optimizer = make_optimizer(policy, settings)
    restore_optimizer(policy, optimizer, optimizer_state)
    plan = _plan(env, settings)
    env_settings = settings.environment.to_dict()
    arguments = (folder, policy, optimizer, env_id, env_settings, settings.to_dict(), plan, progress, progress_bar)
    with _threads(settings.threads), Run(*arguments) as run:
        if isinstance(settings, HybridSettings):
            train_hybrid(run, env, settings)
        else:
            train_game(run, env, settings)
    return run


@contextmanager
def _threads(number: int) -> Iterator[None]:
    """Compute on this many threads of the CPU."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _result(run: Run, draw: bool) -> TrainingResult:
    """Draw what a run led to, if it is complete, and say where it is."""
    folder = run.folder
    if run.stopped_by is not None or not draw:
        return TrainingResult(folder, run.progress, run.stopped_by)
    if distributed.first():
        plot_learning_curve(folder / METRICS, folder / CURVE)
        animate(run.policy, run.env_id, run.env_settings, folder / ANIMATION)
    return TrainingResult(folder, run.progress, None, folder / CURVE, folder / ANIMATION)


def _make_env(env_id: str, settings: HybridSettings | GameSettings, device: torch.device) -> TensorEnv:
    """Make the environment to train in, and check that the settings go with it."""
    copies = settings.rollouts_per_image if isinstance(settings, HybridSettings) else 1
    mine = distributed.rows(settings.num_envs, multiple_of=copies)
    env = make_tensor(
        env_id,
        mine.stop - mine.start,
        device,
        action_format="dict",
        check_actions=False,
        **settings.environment.to_dict(),
    )
    if isinstance(settings, HybridSettings):
        if not isinstance(env.task, Classification):
            raise ValueError(f"{env_id} has no labels: train it with GameSettings, not with HybridSettings")
        if env.task.stop == "learned":
            raise ValueError(
                "stop='learned' decides when to stop by reinforcement learning: train it with GameSettings, not with "
                "HybridSettings"
            )
    return env


def _plan(env: TensorEnv, settings: HybridSettings | GameSettings) -> Plan:
    """Return how many iterations the settings come to."""
    frames_per_iteration = settings.num_envs * env.task.max_episode_steps
    if isinstance(settings, HybridSettings):
        assert isinstance(env.task, Classification)
        shown = settings.epochs * env.task.num_images * settings.rollouts_per_image
        iterations, figure = math.ceil(shown / settings.num_envs), "error_percent"
    else:
        iterations, figure = math.ceil(settings.frames / frames_per_iteration), "success_rate"
    return Plan(iterations, frames_per_iteration, figure, settings.log_every, settings.checkpoint_every)
