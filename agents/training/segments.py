"""Recurrent PPO in any vector environment (Schulman et al. 2017), on segments of fixed length.

To follow an iteration read :func:`train_segments`, then :mod:`agents.training.vector_rollout`,
:mod:`agents.training.returns` and :mod:`agents.training.losses`. Episodes may end and start inside a segment; the
core's state is carried from one segment to the next.

A resumed run has the weights, the optimizer and all statistics of its checkpoint, but the environments cannot be
restored: they start new episodes, with seeds that follow from the run's seed and the iteration. So it is not the run
that never stopped, except in what it has learned so far.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from agents.environments.world import World
from agents.training.fast import distributed
from agents.training.losses import Targets, ppo_loss
from agents.training.optimisation import autocast, counted, follow_schedule, minibatches, observe, update
from agents.training.returns import normalised, segment_advantages
from agents.training.reward_scale import RewardScale
from agents.training.rollout import seed_generator
from agents.training.run import Run
from agents.training.vector_rollout import Rollout, Segment, reset_seed
from agents.training.vector_settings import SegmentSettings


def train_segments(run: Run, worlds: Sequence[World], settings: SegmentSettings) -> None:
    """Train until the run is over.

    A minibatch consists of whole rows, from the first to the last step of the segment.
    """
    policy, optimizer, seed = run.policy, run.optimizer, run.progress.seed
    device = policy.location_std.device
    generator = torch.Generator(device)
    rollout = Rollout(worlds, policy, generator, settings.num_envs, distributed.rows(settings.num_envs).start)
    scale = None
    if settings.normalise_rewards:
        scale = RewardScale(rollout.num_envs, settings.discount, run.progress.rewards)
    rollout.reset(reset_seed(seed, run.progress.iteration))

    for iteration in run.iterations():
        follow_schedule(run, settings, iteration)
        seed_generator(generator, seed, iteration)
        with autocast(settings, device):
            segment = rollout.collect(settings.segment_length)
        reward = settings.reward_gain * segment.reward
        if scale is not None:
            reward = scale(reward, segment)
            run.progress = run.progress._replace(rewards=scale.state())
        targets = _targets(segment, reward, settings)

        statistics = []
        for chosen, part in minibatches(targets, _minibatches(settings, generator)):
            with autocast(settings, device):
                evaluation = policy.evaluate_sequence(
                    {key: value[:, chosen] for key, value in segment.observation.items()},
                    tuple(state[chosen] for state in segment.state),
                    segment.fixation[:, chosen],
                    segment.task_action[:, chosen],
                    starts=segment.starts[:, chosen],
                )
            loss = ppo_loss(
                evaluation,
                part,
                clip_range=settings.clip_range,
                location_weight=settings.location_weight,
                entropy_weight=settings.entropy_weight,
                baseline_weight=settings.baseline_weight,
            )
            gradient_norm = update(policy, optimizer, loss.total, settings.max_grad_norm)
            statistics.append(torch.stack([*(value.detach() for value in loss[1:]), gradient_norm]))

        observe(policy, segment.observation)
        names = [f"losses/{name}" for name in (*loss._fields[1:], "gradient_norm")]
        run.log(
            {
                **rollout.record.statistics(run.plan.figure),
                **dict(zip(names, torch.stack(statistics).mean(0), strict=True)),
            }
        )


def _targets(segment: Segment, reward: Tensor, settings: SegmentSettings) -> Targets:
    """Return advantages and the baseline's targets of a segment."""
    advantage = segment_advantages(
        reward,
        segment.value,
        segment.next_value,
        segment.terminated,
        segment.over,
        settings.discount,
        settings.gae_lambda,
    )
    action_steps, location_steps = counted(segment.taken, segment.taken & ~segment.terminated)
    return Targets(
        location_log_prob=segment.location_log_prob,
        action_log_prob=segment.action_log_prob,
        advantage=normalised(advantage, action_steps) if settings.normalise_advantage else advantage,
        returns=advantage + segment.value,
        action_steps=action_steps,
        location_steps=location_steps,
    )


def _minibatches(settings: SegmentSettings, generator: torch.Generator) -> Iterator[Tensor]:
    """Yield this process's rows of each update, int64 (B / minibatches,)."""
    for _ in range(settings.update_epochs):
        order = torch.randperm(settings.num_envs, generator=generator, device=generator.device)
        for chosen in order.chunk(settings.minibatches):
            yield distributed.own(chosen, settings.num_envs)
