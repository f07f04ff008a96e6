"""The training loop of games: recurrent PPO (Schulman et al. 2017), or plain REINFORCE (Williams 1992).

To follow an iteration read :func:`train_game`, then :mod:`agents.training.rollout`, :mod:`agents.training.losses` and
:mod:`agents.training.optimisation`. ``Graph`` and ``distributed`` do not change the results.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from agents.ram.decisions import SequenceEvaluation
from agents.training.fast import distributed
from agents.training.fast.graph import Graph
from agents.training.losses import Targets, ppo_loss, reinforce_loss
from agents.training.optimisation import autocast, counted, follow_schedule, minibatches, observe, update
from agents.training.returns import advantages, discounted_returns, normalised
from agents.training.rollout import Episodes, collect_episodes, episode_seed, seed_generator
from agents.training.run import Run
from agents.training.settings import GameSettings
from ram_envs.envs.tensor import TensorEnv


def train_game(run: Run, env: TensorEnv, settings: GameSettings) -> None:
    """Train until the run is over.

    A minibatch consists of whole rows, from the first to the last step, so every sequence starts with an empty core.
    """
    policy, optimizer, seed = run.policy, run.optimizer, run.progress.seed
    generator = torch.Generator(env.device)
    rows, figure = distributed.rows(settings.num_envs), env.task.figure

    def learn(row_seed: Tensor) -> dict[str, Tensor]:
        """Play one episode in every row and learn from them.

        Args:
            row_seed: int64 (B,), the seed of each row.
        """
        observation, _ = env.reset(seed=row_seed)
        with torch.no_grad(), autocast(settings, env.device):
            episodes = collect_episodes(env, policy, observation, generator, batch=settings.num_envs, rows=rows)
            played = policy.evaluate_heads(policy.heads(episodes.h), episodes.fixation, episodes.task_action)
        targets = _targets(episodes, played, settings)

        statistics = []
        for chosen, part in minibatches(targets, _minibatches(env, settings, generator)):
            with autocast(settings, env.device):
                evaluation = policy.evaluate_sequence(
                    {key: value[:, chosen] for key, value in episodes.observation.items()},
                    policy.initial_state(len(chosen)),
                    episodes.fixation[:, chosen],
                    episodes.task_action[:, chosen],
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

        observe(policy, episodes.observation)
        names = [f"losses/{name}" for name in (*loss._fields[1:], "gradient_norm")]
        return {
            figure.name: episodes.figure(figure),
            "episode_return": episodes.reward.sum(0).mean(),
            "episode_length": episodes.mask.sum(0).float().mean(),
            **dict(zip(names, torch.stack(statistics).mean(0), strict=True)),
        }

    row_number, iterate = torch.arange(rows.start, rows.stop, device=env.device), Graph(learn, generator)
    for iteration in run.iterations():
        follow_schedule(run, settings, iteration)
        seed_generator(generator, seed, iteration)
        run.log(iterate(episode_seed(seed, iteration, settings.num_envs) + row_number))


def _targets(episodes: Episodes, played: SequenceEvaluation, settings: GameSettings) -> Targets:
    """Return advantages and the baseline's targets of the whole batch."""
    reward, over, value = episodes.reward, episodes.over, played.value
    if settings.algorithm == "ppo":
        advantage = advantages(reward, value, over, settings.discount, settings.gae_lambda)
        returns = advantage + value
    else:
        returns = discounted_returns(reward, over, settings.discount)
        advantage = returns - value
    action_steps, location_steps = counted(episodes.mask, episodes.location_mask)
    return Targets(
        location_log_prob=played.location_log_prob,
        action_log_prob=played.action_log_prob,
        advantage=normalised(advantage, action_steps) if settings.normalise_advantage else advantage,
        returns=returns,
        action_steps=action_steps,
        location_steps=location_steps,
    )


def _minibatches(env: TensorEnv, settings: GameSettings, generator: torch.Generator) -> Iterator[Tensor]:
    """Yield the rows of each update, int64: (B / minibatches,) for PPO; for REINFORCE all rows, once."""
    if settings.algorithm == "reinforce":
        yield torch.arange(env.num_envs, device=env.device)
        return
    for _ in range(settings.update_epochs):
        order = torch.randperm(settings.num_envs, generator=generator, device=env.device)
        for chosen in order.chunk(settings.minibatches):
            yield distributed.own(chosen, settings.num_envs)
