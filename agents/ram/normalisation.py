"""Normalisation of observations by their running mean and variance, kept with the weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn

CLIP = 10.0
"""Largest absolute value of a normalised number."""
EPSILON = 1e-8
"""Added to variances."""


class RunningNorm(nn.Module):
    """Shift and scale each number to mean 0 and variance 1 over all observations so far, clipped to [-10, 10].

    The statistics change only by :meth:`update`, so evaluation has those of the training. Without any observations,
    numbers are only clipped.

    Args:
        size: Numbers in an observation, n.

    Attributes:
        mean: float32 (n,).
        variance: float32 (n,).
        count: float32 (), number of observations.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("variance", torch.ones(size))
        self.register_buffer("count", torch.zeros(()))
        self.mean: Tensor
        self.variance: Tensor
        self.count: Tensor

    def forward(self, values: Tensor) -> Tensor:
        """Normalise values, float (..., n)."""
        return ((values - self.mean) * (self.variance + EPSILON).rsqrt()).clamp(-CLIP, CLIP)

    @torch.no_grad()
    def update(self, mean: Tensor, variance: Tensor, count: Tensor) -> None:
        """Add observations to the statistics, in place.

        Args:
            mean: float32 (n,), mean of the new observations.
            variance: float32 (n,), their variance, without Bessel's correction.
            count: float32 (), their number.
        """
        total = self.count + count
        share = count / total.clamp_min(1.0)
        delta = mean - self.mean
        # Chan et al. 1983: the variance of two groups together.
        self.variance.lerp_(variance, share).add_(delta.square() * share * (1 - share))
        self.mean.add_(delta * share)
        self.count.copy_(total)
