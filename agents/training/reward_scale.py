"""Reward scaling: rewards divided by the running standard deviation of the discounted return."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from agents.ram.normalisation import CLIP, EPSILON, RunningNorm
from agents.training.fast import distributed
from agents.training.optimisation import counted
from agents.training.vector_rollout import Segment


class RewardScale:
    """Scales rewards so that returns have a variance of about 1, whatever the unit of the rewards.

    Args:
        num_envs: B.
        discount: gamma.
        state: What :meth:`state` returned; None to start from nothing.
    """

    def __init__(self, num_envs: int, discount: float, state: Mapping[str, float] | None = None) -> None:
        self._discount = discount
        self._return = torch.zeros(num_envs)
        self._statistics = RunningNorm(1)
        for name, value in (state or {}).items():
            self._statistics.get_buffer(name).fill_(value)

    @torch.no_grad()
    def __call__(self, reward: Tensor, segment: Segment) -> Tensor:
        """Add the rewards of a segment to the statistics, and return them scaled, float32 (T, B), in [-10, 10]."""
        returns = []
        so_far = self._return.to(reward.device)
        for now, over in zip(reward, segment.over, strict=True):
            so_far = self._discount * so_far + now
            returns.append(so_far)
            so_far = torch.where(over, 0.0, so_far)
        self._return = so_far
        values = torch.stack(returns)
        (steps,) = counted(segment.taken)
        mean = distributed.average(steps.mean(values))
        variance = distributed.average(steps.mean((values - mean).square()))
        count = steps.number.float() * distributed.share()[1]
        self._statistics.update(mean.cpu().reshape(1), variance.cpu().reshape(1), count.cpu())
        deviation = (self._statistics.variance + EPSILON).sqrt().to(reward.device)
        return (reward / deviation).clamp(-CLIP, CLIP)

    def state(self) -> dict[str, Any]:
        """Return the statistics as plain values: "mean", "variance" and "count"."""
        return {name: float(value) for name, value in self._statistics.named_buffers()}
