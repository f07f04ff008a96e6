"""Returns, advantages and rewards of locations: what the losses weigh the decisions with.

All take sequences of T steps of B rows, time first.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from agents.training.fast import distributed


class Steps(NamedTuple):
    """The steps over which a mean is taken.

    Attributes:
        mask: bool (T, B), whether the step counts; or its weight, float32 (T, B).
        number: (), the number of steps, or the sum of the weights, to divide by. If several processes have some of the
            rows each, it is the mean of their numbers: then the mean of their results is the mean over all steps.
    """

    mask: Tensor
    number: Tensor

    def mean(self, values: Tensor) -> Tensor:
        """Return the mean of values, float (T, B), over the steps that count; 0 if there are none."""
        return (torch.where(self.mask > 0, values, 0.0) * self.mask).sum() / self.number.clamp_min(1e-9)


def of_right_answer(values: Tensor, target: Tensor) -> Tensor:
    """Return the value of the right answer at every step, float (T, B).

    Args:
        values: float (T, B, n), such as log-probabilities.
        target: int64 (T, B), the right answer.
    """
    return values.gather(-1, target[..., None]).squeeze(-1)


def confidence_gains(probs: Tensor, target: Tensor, over: Tensor, discount: float) -> Tensor:
    """Return how much the probability of the right answer rose because of each location.

    With p_t the probability that the action network gives the right answer after glimpse t, location l_t, where glimpse
    t + 1 is taken, gets G_t = p_{t+1} - p_t + discount * G_{t+1}. With a discount of 1 that is p_T - p_t; with a
    smaller one the next glimpse counts most. Useful only if the action network is trained at every step.
    Log-probabilities in place of probabilities have no bound: a few bad guesses then dominate, and runs with a ReLU
    core diverged.

    Where the right answer changes, as in a sequence, both probabilities are those of the one that is right after
    glimpse t + 1.

    Args:
        probs: float32 (T, B, n), the probabilities of the answers, or another measure of the confidence that an
            answer is right; without gradient.
        target: int64 (T, B), the right answer before each step.
        over: bool (T, B), whether the episode is over after the step.
        discount: In [0, 1].

    Returns:
        float32 (T, B); 0 for the last step of an episode, after which there is no further glimpse.
    """
    after, before = (of_right_answer(part, target[1:]) for part in (probs[1:], probs[:-1]))
    gains = torch.zeros_like(probs[..., 0])
    later = torch.zeros_like(gains[0])
    for t in reversed(range(len(after))):
        later = torch.where(over[t], 0.0, after[t] - before[t] + discount * later)
        gains[t] = later
    return gains


def discounted_returns(reward: Tensor, over: Tensor, discount: float) -> Tensor:
    """Return the discounted return from every step: R_t = r_t + discount * R_{t+1}, and nothing after the end.

    Args:
        reward: float32 (T, B).
        over: bool (T, B), whether the episode is over after the step, as it is by step T.
        discount: gamma.

    Returns:
        float32 (T, B).
    """
    return advantages(reward, torch.zeros_like(reward), over, discount, 1.0)


def advantages(reward: Tensor, value: Tensor, over: Tensor, discount: float, gae_lambda: float) -> Tensor:
    """Return generalised advantage estimates (Schulman et al. 2016, equation 16).

    With delta_t = r_t + discount * b_{t+1} - b_t, A_t = delta_t + discount * gae_lambda * A_{t+1}; both b and A are 0
    after the end of an episode.

    Args:
        reward: float32 (T, B).
        value: float32 (T, B), the baseline b_t before each step.
        over: bool (T, B), whether the episode is over after the step, as it is by step T.
        discount: gamma.
        gae_lambda: lambda; 1 gives the return minus the baseline.

    Returns:
        float32 (T, B); undefined for steps after the end of an episode.
    """
    goes_on = discount * (~over).to(value.dtype)
    next_value = torch.cat([value[1:], torch.zeros_like(value[:1])])
    delta = reward + goes_on * next_value - value
    decay = gae_lambda * goes_on
    result, later = torch.empty_like(value), torch.zeros_like(value[0])
    for t in reversed(range(value.shape[0])):
        later = torch.addcmul(delta[t], decay[t], later)
        result[t] = later
    return result


def segment_advantages(
    reward: Tensor,
    value: Tensor,
    next_value: Tensor,
    terminated: Tensor,
    over: Tensor,
    discount: float,
    gae_lambda: float,
) -> Tensor:
    """Return generalised advantage estimates of segments, in which episodes end and start.

    A terminated episode is worth nothing after its end. A truncated one would have gone on, so its last step bootstraps
    from the value of the final observation. The end of the segment bootstraps in the same way.

    Args:
        reward: float32 (T, B).
        value: float32 (T, B), the baseline before each step.
        next_value: float32 (T, B), the baseline of the observation that the step led to, in the same episode.
        terminated: bool (T, B), whether the episode terminated with the step.
        over: bool (T, B), whether it terminated or was truncated.
        discount: gamma.
        gae_lambda: lambda.

    Returns:
        float32 (T, B).
    """
    delta = reward + discount * torch.where(terminated, 0.0, next_value) - value
    decay = discount * gae_lambda * (~over).to(value.dtype)
    result, later = torch.empty_like(value), torch.zeros_like(value[0])
    for t in reversed(range(value.shape[0])):
        later = torch.addcmul(delta[t], decay[t], later)
        result[t] = later
    return result


def normalised(advantage: Tensor, steps: Steps) -> Tensor:
    """Shift and scale advantages, float32 (T, B), to mean 0 and standard deviation 1 over the steps of all rows."""
    mean = distributed.average(steps.mean(advantage))
    variance = distributed.average(steps.mean((advantage - mean).square()))
    return (advantage - mean) / (variance.sqrt() + 1e-8)
