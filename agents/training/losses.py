"""Losses and advantages: hybrid and REINFORCE (Mnih et al. 2014, equations 2, 3), PPO (Schulman et al. 2017, eq. 7).

Every loss takes sequences of T steps of B episodes, time first, that begin where the episodes do. None lets a gradient
pass through an advantage. Which heads send a gradient on into the core is decided where the sequences are evaluated
(:meth:`agents.ram.policy.RAMPolicy.heads`), and written beside each loss.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from agents.ram.policy import SequenceEvaluation
from agents.training.distributed import average, share


class HybridLoss(NamedTuple):
    """The hybrid loss and its parts, each float32 ().

    Attributes:
        total: What to minimise.
        classification: Cross-entropy, in nats.
        location: REINFORCE's loss of the locations: its gradient is the policy gradient, its value means nothing.
        baseline: Mean squared error of the baseline.
    """

    total: Tensor
    classification: Tensor
    location: Tensor
    baseline: Tensor


class PolicyLoss(NamedTuple):
    """The loss of a game and its parts, each float32 ().

    Attributes:
        total: What to minimise.
        location: Loss of the locations.
        action: Loss of the task actions.
        baseline: Mean squared error of the baseline.
        entropy: Mean entropy of the task action, in nats.
        location_clipped: Share of the locations whose ratio was clipped; 0 for REINFORCE.
        action_clipped: Likewise of the task actions.
    """

    total: Tensor
    location: Tensor
    action: Tensor
    baseline: Tensor
    entropy: Tensor
    location_clipped: Tensor
    action_clipped: Tensor


class Targets(NamedTuple):
    """What decisions of the past are judged by; no gradient passes through any of it.

    Attributes:
        location_log_prob: float32 (T, B), as it was when the location was drawn.
        action_log_prob: float32 (T, B), likewise.
        advantage: float32 (T, B).
        returns: float32 (T, B), what the baseline is regressed on.
        action_mask: bool (T, B), whether the step was taken: False once the episode is over.
        location_mask: bool (T, B), whether the location mattered: False from the last step on, after which nobody
            looks.
    """

    location_log_prob: Tensor
    action_log_prob: Tensor
    advantage: Tensor
    returns: Tensor
    action_mask: Tensor
    location_mask: Tensor


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean of the values, float (T, B), where the mask, bool (T, B), is true; 0 if it is nowhere.

    Where several processes have a part of the rows each, it is the mean of what they return that is the mean over all.
    """
    count = average(mask.sum())
    return torch.where(mask, values, 0.0).sum() / count.clamp_min(1 / share()[1])


def hybrid_loss(
    evaluation: SequenceEvaluation,
    label: Tensor,
    returns: Tensor,
    *,
    class_loss: Literal["last", "every"] = "last",
    location_weight: float = 1.0,
    baseline_weight: float = 1.0,
    baseline: Tensor | None = None,
) -> HybridLoss:
    """The paper's loss for classification: cross-entropy for the class, REINFORCE for the locations.

    Evaluate with ``location_gradient=0``: the location network learns from REINFORCE alone, and in the paper neither
    glimpse nor core network hears of it; and, unless the core shall also learn to foretell the return, with
    ``value_gradient=False``.

    Args:
        evaluation: Of all T steps. The last step names the class; its location is never looked at, so it is left out.
        label: int64 (B,), the right class.
        returns: float32, broadcast over (T, B): what each location is judged by, and the baseline regressed on. In the
            paper the episode's return, (B,).
        class_loss: Cross-entropy at the "last" step, as in the paper, or the mean over "every" step.
        location_weight: Weight of the locations' loss.
        baseline_weight: Weight of the baseline's loss.
        baseline: float32, broadcast over (T, B): what is taken from the return to get the advantage; None for the
            policy's own baseline.
    """
    log_probs = evaluation.action_log_probs if class_loss == "every" else evaluation.action_log_probs[-1:]
    labels = label.expand(log_probs.shape[0], -1)  # (B,) -> (T or 1, B)
    classification = F.nll_loss(log_probs.flatten(0, 1), labels.flatten())

    advantage = returns - (evaluation.value if baseline is None else baseline).detach()
    advantage = advantage.expand_as(evaluation.value)
    chosen = evaluation.location_log_prob[:-1]
    location = -(advantage[:-1] * chosen).sum() / max(1, chosen.numel())
    regression = (evaluation.value - returns).square().mean()
    total = classification + location_weight * location + baseline_weight * regression
    return HybridLoss(total, classification, location, regression)


def right_class_log_prob(action_log_probs: Tensor, label: Tensor) -> Tensor:
    """Return how likely the action network holds the right class at every step, as its logarithm: float32 (T, B).

    Args:
        action_log_probs: float32 (T, B, classes). No gradient goes back to them.
        label: int64 (B,), the right class.
    """
    index = label.expand(action_log_probs.shape[0], -1)[..., None]  # (B,) -> (T, B, 1)
    return action_log_probs.detach().gather(-1, index).squeeze(-1)


def confidence_gains(prob: Tensor, discount: float) -> Tensor:
    """Return what each location taught about the class: by how much the probability of the right one rose.

    With p_t the probability that the action network gives the right class after glimpse t, location l_t, which glimpse
    t + 1 is taken at, is credited with G_t = p_{t+1} - p_t + discount * G_{t+1}. With a discount of 1 that is
    p_T - p_t, how sure the final answer is less what was known before; with less, a location is credited above all with
    what it shows at once. Worth having only where the action network is trained at every step. Logarithms in place of
    the probabilities have no bound: a few bad guesses then outweigh all else, and runs with a ReLU core diverged.

    Args:
        prob: float32 (T, B), p_t, without gradient.
        discount: From 0 to 1.

    Returns:
        float32 (T, B); the last step's, whose location is never looked at, is 0.
    """
    gains, later = torch.zeros_like(prob), torch.zeros_like(prob[0])
    for t in reversed(range(prob.shape[0] - 1)):
        later = prob[t + 1] - prob[t] + discount * later
        gains[t] = later
    return gains


def discounted_returns(reward: Tensor, terminated: Tensor, discount: float) -> Tensor:
    """Return what is still to come at every step: R_t = r_t + discount * R_{t+1}, and nothing after the end.

    Args:
        reward: float32 (T, B).
        terminated: bool (T, B), whether the step ended the episode; every episode ends by step T.
        discount: gamma.

    Returns:
        float32 (T, B).
    """
    return advantages(reward, torch.zeros_like(reward), terminated, discount, 1.0)


def advantages(reward: Tensor, value: Tensor, terminated: Tensor, discount: float, gae_lambda: float) -> Tensor:
    """Generalised advantage estimation (Schulman et al. 2016, equation 16).

    With delta_t = r_t + discount * b_{t+1} - b_t, it is A_t = delta_t + discount * gae_lambda * A_{t+1}, where what
    lies beyond the end of an episode is 0.

    Args:
        reward: float32 (T, B).
        value: float32 (T, B), the baseline b_t before each step.
        terminated: bool (T, B), whether the step ended the episode; every episode ends by step T.
        discount: gamma.
        gae_lambda: lambda, 1 for the return less the baseline.

    Returns:
        float32 (T, B); without meaning at steps after an episode's end.
    """
    goes_on = discount * (~terminated).to(value.dtype)
    next_value = torch.cat([value[1:], torch.zeros_like(value[:1])])
    delta = reward + goes_on * next_value - value
    decay = gae_lambda * goes_on
    result, later = torch.empty_like(value), torch.zeros_like(value[0])
    for t in reversed(range(value.shape[0])):
        later = torch.addcmul(delta[t], decay[t], later)
        result[t] = later
    return result


def normalised(advantage: Tensor, mask: Tensor) -> Tensor:
    """Shift and scale advantages, float32 (T, B), to mean 0 and deviation 1 where the mask, bool (T, B), is true."""
    mean = average(masked_mean(advantage, mask))
    variance = average(masked_mean((advantage - mean).square(), mask))
    return (advantage - mean) / (variance.sqrt() + 1e-8)


def ppo_loss(
    evaluation: SequenceEvaluation,
    targets: Targets,
    *,
    clip_range: float,
    location_weight: float = 1.0,
    entropy_weight: float = 0.0,
    baseline_weight: float = 0.5,
) -> PolicyLoss:
    """PPO's clipped loss, with the ratio of the task action and that of the location clipped apart.

    Two ratios, because a location is continuous and moves its density much faster than a move does: clipped together,
    one would stop the other from learning. Evaluate with all gradients: core and glimpse network learn from everything.
    """
    action, action_clipped = _clipped_loss(
        evaluation.action_log_prob, targets.action_log_prob, targets.advantage, targets.action_mask, clip_range
    )
    location, location_clipped = _clipped_loss(
        evaluation.location_log_prob, targets.location_log_prob, targets.advantage, targets.location_mask, clip_range
    )
    losses = _Losses(location, action, location_clipped, action_clipped)
    return _policy_loss(evaluation, targets, losses, location_weight, entropy_weight, baseline_weight)


def reinforce_loss(
    evaluation: SequenceEvaluation,
    targets: Targets,
    *,
    location_weight: float = 1.0,
    entropy_weight: float = 0.0,
    baseline_weight: float = 0.5,
) -> PolicyLoss:
    """REINFORCE with a baseline for task actions and locations alike; evaluate with all gradients."""
    advantage = targets.advantage.detach()
    action = masked_mean(-advantage * evaluation.action_log_prob, targets.action_mask)
    location = masked_mean(-advantage * evaluation.location_log_prob, targets.location_mask)
    none = torch.zeros_like(action).detach()
    losses = _Losses(location, action, none, none)
    return _policy_loss(evaluation, targets, losses, location_weight, entropy_weight, baseline_weight)


def _clipped_loss(
    log_prob: Tensor, old_log_prob: Tensor, advantage: Tensor, mask: Tensor, clip_range: float
) -> tuple[Tensor, Tensor]:
    """Return PPO's loss of one kind of decision, and the share of ratios beyond the clip range."""
    ratio = (log_prob - old_log_prob.detach()).exp()
    advantage = advantage.detach()
    clipped = ratio.clamp(1 - clip_range, 1 + clip_range)
    loss = masked_mean(-torch.minimum(ratio * advantage, clipped * advantage), mask)
    share = masked_mean(((ratio.detach() - 1).abs() > clip_range).to(ratio.dtype), mask)
    return loss, share


class _Losses(NamedTuple):
    """The losses of the two kinds of decision, and the shares of ratios that were clipped, each float32 ()."""

    location: Tensor
    action: Tensor
    location_clipped: Tensor
    action_clipped: Tensor


def _policy_loss(
    evaluation: SequenceEvaluation,
    targets: Targets,
    losses: _Losses,
    location_weight: float,
    entropy_weight: float,
    baseline_weight: float,
) -> PolicyLoss:
    """Weigh the losses of the decisions, and add baseline and entropy."""
    baseline = masked_mean((evaluation.value - targets.returns.detach()).square(), targets.action_mask)
    entropy = masked_mean(evaluation.action_entropy, targets.action_mask)
    total = losses.action + location_weight * losses.location + baseline_weight * baseline - entropy_weight * entropy
    return PolicyLoss(
        total,
        losses.location,
        losses.action,
        baseline,
        entropy.detach(),
        losses.location_clipped,
        losses.action_clipped,
    )
