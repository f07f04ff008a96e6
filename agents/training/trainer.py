"""Two ways to train, one loop each: the paper's hybrid for classification, recurrent PPO or REINFORCE for games.

Both play whole episodes side by side in the tensor environment and learn from them at once. Nothing in a loop waits for
the device: statistics are read together, every `log_every` iterations.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from agents.ram.checkpoint import CheckpointError, load_checkpoint, restore_optimizer
from agents.ram.policy import RAMPolicy
from agents.ram.settings import RAMSettings
from agents.results.figures import animate, plot_learning_curve
from agents.training.device import resolve_device, resolve_precision
from agents.training.losses import (
    Targets,
    advantages,
    discounted_returns,
    hybrid_loss,
    normalised,
    ppo_loss,
    reinforce_loss,
)
from agents.training.rollout import Episodes, ImageOrder, collect_episodes, episode_seed, seed_generator
from agents.training.run import METRICS, Plan, Progress, Run, check_new
from agents.training.settings import GameSettings, HybridSettings, settings_from_dict
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
        curve: The learning curve, PNG; None if it is not complete.
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
) -> TrainingResult:
    """Train a policy from the start.

    Args:
        env_id: Id of the environment, one of ``ram_envs.ENVIRONMENTS``.
        settings: How; the type says which way. :func:`agents.training.presets.settings_for` has some.
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
    if not 0 <= seed < 2**29:
        raise ValueError(f"seed={seed} is out of range: expected an integer from 0 to {2**29 - 1}")
    check_new(folder)
    settings = replace(settings, precision=resolve_precision(settings.precision, where))
    env = _make_env(env_id, settings, where)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        policy = RAMPolicy(RAMSettings.for_environment(env, settings.network)).to(where)
    return _train(folder, env_id, settings, env, policy, {}, Progress(seed), progress_bar)


def resume(
    out: str | os.PathLike[str], *, env_id: str | None = None, device: str = "auto", progress_bar: bool = True
) -> TrainingResult:
    """Go on with a run from its last checkpoint: on the CPU as if it had never stopped, weight for weight.

    Args:
        out: The run's folder.
        env_id: The environment that it is expected to be of; None for any.
        device: "auto", "cpu" or "cuda".
        progress_bar: Whether to show one.

    Raises:
        CheckpointError: If there is no checkpoint, or it is broken, of another environment or without its training's
            state.
        ValueError: If the device is not at hand.
        TrainingError: If the folder cannot be written, or training diverges.
    """
    folder, where = Path(out), resolve_device(device)
    checkpoint = load_checkpoint(folder, env_id, where)
    try:
        progress = Progress(**checkpoint.progress)
        settings = settings_from_dict(checkpoint.training)
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"{folder} holds a checkpoint to use, but not to go on from: {error}") from error
    env = _make_env(checkpoint.env_id, settings, where)
    return _train(
        folder, checkpoint.env_id, settings, env, checkpoint.policy, checkpoint.optimizer, progress, progress_bar
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
) -> TrainingResult:
    """Run the loop that the settings are of, then draw what it led to."""
    optimizer = torch.optim.AdamW(
        policy.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
    )
    restore_optimizer(policy, optimizer, optimizer_state)
    plan = _plan(env, settings)
    env_settings = settings.environment.to_dict()
    with Run(folder, policy, optimizer, env_id, env_settings, settings.to_dict(), plan, progress, progress_bar) as run:
        if isinstance(settings, HybridSettings):
            _train_hybrid(run, env, settings)
        else:
            _train_game(run, env, settings)
    if run.stopped_by is not None:
        return TrainingResult(folder, run.progress, run.stopped_by)
    plot_learning_curve(folder / METRICS, folder / CURVE)
    animate(policy, env_id, env_settings, folder / ANIMATION)
    return TrainingResult(folder, run.progress, None, folder / CURVE, folder / ANIMATION)


def _train_hybrid(run: Run, env: TensorEnv, settings: HybridSettings) -> None:
    """Train a classifier (Mnih et al. 2014, section 3.1): cross-entropy for the class, REINFORCE for the locations.

    The episodes are collected with the gradient of the glimpse and the core network, so that nothing is computed twice.
    """
    policy, optimizer, seed = run.policy, run.optimizer, run.progress.seed
    generator = torch.Generator(env.device)
    order = ImageOrder(_classification(env).num_images, seed, env.device)
    copies = settings.rollouts_per_image
    num_images = env.num_envs // copies

    for iteration in run.iterations():
        _follow_schedule(run, settings, iteration)
        image_index = order.batch(iteration * num_images, num_images).repeat_interleave(copies)
        observation, _ = env.reset(
            seed=episode_seed(seed, iteration, env.num_envs), options={"image_index": image_index}
        )
        with _autocast(settings, env.device):
            generator = seed_generator(generator, seed, iteration)
            episodes = collect_episodes(env, policy, observation, generator, greedy_action=True)

        heads = policy.heads(episodes.h, location_gradient=False, value_gradient=settings.baseline_gradient)
        evaluation = policy.evaluate_heads(heads, episodes.decision.fixation, episodes.decision.task_action)
        returns = episodes.reward.sum(0)
        loss = hybrid_loss(
            evaluation,
            episodes.info["label"],
            returns,
            class_loss=settings.class_loss,
            location_weight=settings.location_weight,
            baseline_weight=settings.baseline_weight,
            baseline=_mean_of_the_others(returns, copies) if copies > 1 else None,
        )
        gradient_norm = _update(policy, optimizer, loss.total, settings.max_grad_norm)
        run.log(
            {
                "error_percent": 100 * (1 - episodes.success.float().mean()),
                "losses/classification": loss.classification,
                "losses/location": loss.location,
                "losses/baseline": loss.baseline,
                "losses/gradient_norm": gradient_norm,
            }
        )


def _train_game(run: Run, env: TensorEnv, settings: GameSettings) -> None:
    """Train a player: recurrent PPO (Schulman et al. 2017) or REINFORCE, on whole episodes.

    A minibatch is some of the rows, each from its first to its last step, so that every sequence starts with the empty
    core.
    """
    policy, optimizer, seed = run.policy, run.optimizer, run.progress.seed
    generator = torch.Generator(env.device)

    for iteration in run.iterations():
        _follow_schedule(run, settings, iteration)
        generator = seed_generator(generator, seed, iteration)
        observation, _ = env.reset(seed=episode_seed(seed, iteration, env.num_envs))
        with torch.no_grad(), _autocast(settings, env.device):
            episodes = collect_episodes(env, policy, observation, generator)
        targets = _targets(episodes, settings)

        statistics = []
        for rows in _minibatches(env, settings, generator):
            part = Targets(*(value[:, rows] for value in targets))
            with _autocast(settings, env.device):
                evaluation = policy.evaluate_sequence(
                    {key: value[:, rows] for key, value in episodes.observation.items()},
                    policy.initial_state(len(rows)),
                    episodes.decision.fixation[:, rows],
                    episodes.decision.task_action[:, rows],
                )
            weights = {"entropy_weight": settings.entropy_weight, "baseline_weight": settings.baseline_weight}
            if settings.algorithm == "ppo":
                loss = ppo_loss(evaluation, part, clip_range=settings.clip_range, **weights)
            else:
                loss = reinforce_loss(evaluation, part, **weights)
            gradient_norm = _update(policy, optimizer, loss.total, settings.max_grad_norm)
            statistics.append(torch.stack([*(value.detach() for value in loss[1:]), gradient_norm]))

        names = [f"losses/{name}" for name in (*loss._fields[1:], "gradient_norm")]
        run.log(
            {
                "success_rate": episodes.success.float().mean(),
                "episode_return": episodes.reward.sum(0).mean(),
                "episode_length": episodes.mask.sum(0).float().mean(),
                **dict(zip(names, torch.stack(statistics).mean(0), strict=True)),
            }
        )


def _targets(episodes: Episodes, settings: GameSettings) -> Targets:
    """Judge what was done: by the advantage, with the returns for the baseline."""
    reward, terminated, value = episodes.reward, episodes.terminated, episodes.decision.value
    if settings.algorithm == "ppo":
        advantage = advantages(reward, value, terminated, settings.discount, settings.gae_lambda)
        returns = advantage + value
    else:
        returns = discounted_returns(reward, terminated, settings.discount)
        advantage = returns - value
    return Targets(
        location_log_prob=episodes.decision.location_log_prob,
        action_log_prob=episodes.decision.action_log_prob,
        advantage=normalised(advantage, episodes.mask) if settings.normalise_advantage else advantage,
        returns=returns,
        action_mask=episodes.mask,
        location_mask=episodes.mask & ~terminated,
    )


def _minibatches(env: TensorEnv, settings: GameSettings, generator: torch.Generator) -> Iterator[Tensor]:
    """Yield the rows of each update: int64 (B / minibatches,); for REINFORCE all of them, once."""
    if settings.algorithm == "reinforce":
        yield torch.arange(env.num_envs, device=env.device)
        return
    for _ in range(settings.update_epochs):
        order = torch.randperm(env.num_envs, generator=generator, device=env.device)
        yield from order.chunk(settings.minibatches)


def _mean_of_the_others(returns: Tensor, copies: int) -> Tensor:
    """Return for each episode, float32 (B,), the mean return of the other ``copies - 1`` episodes of its image."""
    groups = returns.reshape(-1, copies)
    return ((groups.sum(1, keepdim=True) - groups) / (copies - 1)).flatten()


def _update(policy: RAMPolicy, optimizer: torch.optim.Optimizer, loss: Tensor, max_grad_norm: float) -> Tensor:
    """Take one step of the optimiser; return the gradient's norm before it was clipped, float32 ()."""
    optimizer.zero_grad()
    loss.backward()
    gradient_norm = torch.nn.utils.clip_grad_norm_(policy.parameters(), max_grad_norm)
    optimizer.step()
    return gradient_norm


def _follow_schedule(run: Run, settings: HybridSettings | GameSettings, iteration: int) -> None:
    """Set the learning rate and the location's standard deviation of an iteration."""
    done = iteration / run.plan.iterations
    factor = {"constant": 1.0, "linear": 1 - done, "cosine": 0.5 * (1 + math.cos(math.pi * done))}[settings.schedule]
    if done < settings.warmup:
        factor *= (iteration + 1) / math.ceil(settings.warmup * run.plan.iterations)
    for group in run.optimizer.param_groups:
        group["lr"] = settings.learning_rate * factor
    if settings.location_std_final is not None:
        start = settings.network.location_std
        run.policy.location_std.fill_(start + (settings.location_std_final - start) * done)


def _autocast(settings: HybridSettings | GameSettings, device: torch.device) -> torch.autocast:
    return torch.autocast(device.type, torch.bfloat16, enabled=settings.precision == "bfloat16")


def _make_env(env_id: str, settings: HybridSettings | GameSettings, device: torch.device) -> TensorEnv:
    """Make the environment to train in, and check that the settings go with it."""
    env = make_tensor(
        env_id,
        settings.num_envs,
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


def _classification(env: TensorEnv) -> Classification:
    assert isinstance(env.task, Classification)
    return env.task


def _plan(env: TensorEnv, settings: HybridSettings | GameSettings) -> Plan:
    """Return how many iterations the settings come to."""
    frames_per_iteration = env.num_envs * env.task.max_episode_steps
    if isinstance(settings, HybridSettings):
        shown = settings.epochs * _classification(env).num_images * settings.rollouts_per_image
        iterations, figure = math.ceil(shown / env.num_envs), "error_percent"
    else:
        iterations, figure = math.ceil(settings.frames / frames_per_iteration), "success_rate"
    return Plan(iterations, frames_per_iteration, figure, settings.log_every, settings.checkpoint_every)
