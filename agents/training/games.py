"""The loop that trains players: recurrent PPO (Schulman et al. 2017), or plain REINFORCE (Williams 1992)."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from agents.ram.policy import SequenceEvaluation
from agents.training import distributed
from agents.training.graph import Graph
from agents.training.losses import (
    Targets,
    advantages,
    discounted_returns,
    normalised,
    ppo_loss,
    reinforce_loss,
)
from agents.training.optimisation import autocast, follow_schedule, update
from agents.training.rollout import Episodes, collect_episodes, episode_seed, seed_generator
from agents.training.run import Run
from agents.training.settings import GameSettings
from ram_envs.envs.tensor import TensorEnv


def train_game(run: Run, env: TensorEnv, settings: GameSettings) -> None:
    """Train until the run is over.

    A minibatch is some of the rows, each from its first to its last step, so that every sequence starts with the empty
    core.
    """
    policy, optimizer, seed = run.policy, run.optimizer, run.progress.seed
    generator = torch.Generator(env.device)
    mine = distributed.rows(settings.num_envs)

    def learn(row_seed: Tensor) -> dict[str, Tensor]:
        """Play an episode in every row, of these seeds, int64 (B,), and learn from them."""
        observation, _ = env.reset(seed=row_seed)
        with torch.no_grad(), autocast(settings, env.device):
            episodes = collect_episodes(env, policy, observation, generator)
            played = policy.evaluate_heads(policy.heads(episodes.h), episodes.fixation, episodes.task_action)
        targets = _targets(episodes, played, settings)

        statistics = []
        for rows in _minibatches(env, settings, generator):
            part = Targets(*(value[:, rows] for value in targets))
            with autocast(settings, env.device):
                evaluation = policy.evaluate_sequence(
                    {key: value[:, rows] for key, value in episodes.observation.items()},
                    policy.initial_state(len(rows)),
                    episodes.fixation[:, rows],
                    episodes.task_action[:, rows],
                )
            weights = {
                "location_weight": settings.location_weight,
                "entropy_weight": settings.entropy_weight,
                "baseline_weight": settings.baseline_weight,
            }
            if settings.algorithm == "ppo":
                loss = ppo_loss(evaluation, part, clip_range=settings.clip_range, **weights)
            else:
                loss = reinforce_loss(evaluation, part, **weights)
            gradient_norm = update(policy, optimizer, loss.total, settings.max_grad_norm)
            statistics.append(torch.stack([*(value.detach() for value in loss[1:]), gradient_norm]))

        names = [f"losses/{name}" for name in (*loss._fields[1:], "gradient_norm")]
        return {
            "success_rate": episodes.success.float().mean(),
            "episode_return": episodes.reward.sum(0).mean(),
            "episode_length": episodes.mask.sum(0).float().mean(),
            **dict(zip(names, torch.stack(statistics).mean(0), strict=True)),
        }

    rows, graph = torch.arange(mine.start, mine.stop, device=env.device), Graph(learn, generator)
    for iteration in run.iterations():
        follow_schedule(run, settings, iteration)
        seed_generator(generator, seed, iteration)
        run.log(graph(episode_seed(seed, iteration, settings.num_envs) + rows))


def _targets(episodes: Episodes, played: SequenceEvaluation, settings: GameSettings) -> Targets:
    """Judge what was done: by the advantage, with the returns for the baseline."""
    reward, terminated, value = episodes.reward, episodes.terminated, played.value
    if settings.algorithm == "ppo":
        advantage = advantages(reward, value, terminated, settings.discount, settings.gae_lambda)
        returns = advantage + value
    else:
        returns = discounted_returns(reward, terminated, settings.discount)
        advantage = returns - value
    return Targets(
        location_log_prob=played.location_log_prob,
        action_log_prob=played.action_log_prob,
        advantage=normalised(advantage, episodes.mask) if settings.normalise_advantage else advantage,
        returns=returns,
        action_mask=episodes.mask,
        location_mask=episodes.mask & ~terminated,
    )


def _minibatches(env: TensorEnv, settings: GameSettings, generator: torch.Generator) -> Iterator[Tensor]:
    """Yield this process's rows of each update, int64: alone (B / minibatches,); for REINFORCE all of them, once."""
    if settings.algorithm == "reinforce":
        yield torch.arange(env.num_envs, device=env.device)
        return
    for _ in range(settings.update_epochs):
        order = torch.randperm(settings.num_envs, generator=generator, device=env.device)
        for chosen in order.chunk(settings.minibatches):
            yield distributed.own(chosen, settings.num_envs)
