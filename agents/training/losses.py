"""Losses and advantages: hybrid and REINFORCE (Mnih et al. 2014, equations 2, 3), PPO (Schulman et al. 2017, eq. 7).

Every loss takes whole episodes as sequences of T steps of B rows, time first. No gradient flows through an advantage.
Which heads send a gradient into the core is decided where the sequences are evaluated
(:meth:`agents.ram.policy.RAMPolicy.heads`) and documented with each loss.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from agents.ram.decisions import SequenceEvaluation
from agents.training.returns import Steps, normalised

SELF_IMITATION = 0.2
"""Weight of explored locations in the hybrid loss. They are far from the mean, where the gradient of the Gaussian's
log-density is large; with 1, pairs of digits were learned more slowly."""


class HybridLoss(NamedTuple):
    """The hybrid loss and its parts, each float32 ().

    Attributes:
        total: The loss to minimise.
        classification: Cross-entropy, in nats.
        location: REINFORCE loss of the locations: its gradient is the policy gradient, its value has no meaning.
        baseline: Mean squared error of the baseline.
    """

    total: Tensor
    classification: Tensor
    location: Tensor
    baseline: Tensor


class PolicyLoss(NamedTuple):
    """The loss of a game and its parts, each float32 ().

    Attributes:
        total: The loss to minimise.
        location: Loss of the locations.
        action: Loss of the task actions.
        baseline: Mean squared error of the baseline.
        entropy: Mean entropy of the task action, in nats.
        location_clipped: Fraction of the locations whose ratio was clipped; 0 for REINFORCE.
        action_clipped: Fraction of the task actions whose ratio was clipped; 0 for REINFORCE.
    """

    total: Tensor
    location: Tensor
    action: Tensor
    baseline: Tensor
    entropy: Tensor
    location_clipped: Tensor
    action_clipped: Tensor


class Answers(NamedTuple):
    """Supervision of the task actions and of the locations; no gradient flows through it.

    Attributes:
        target: int64 (T, B), the right answer before each step.
        returns: float32, broadcast over (T, B): the reward of each location, and the baseline's target. In the paper
            the return of the episode, (B,).
        baseline: float32, broadcast over (T, B), subtracted from the returns; None for the policy's own baseline.
        answer_steps: Steps whose answer is trained.
        location_steps: Steps whose location is trained: all but the last one of an episode, after which there is no
            further glimpse.
        steps: Steps that were taken.
    """

    target: Tensor
    returns: Tensor
    baseline: Tensor | None
    answer_steps: Steps
    location_steps: Steps
    steps: Steps


class Targets(NamedTuple):
    """Targets of PPO and REINFORCE for decisions of the past; no gradient flows through them.

    Attributes:
        location_log_prob: float32 (T, B), at the time the location was sampled.
        action_log_prob: float32 (T, B), at the time the task action was sampled.
        advantage: float32 (T, B).
        returns: float32 (T, B), target of the baseline.
        action_steps: Steps that were taken.
        location_steps: Steps whose location matters: all but the last one of an episode, after which there is no
            further glimpse.
    """

    location_log_prob: Tensor
    action_log_prob: Tensor
    advantage: Tensor
    returns: Tensor
    action_steps: Steps
    location_steps: Steps


def hybrid_loss(
    evaluation: SequenceEvaluation,
    answers: Answers,
    *,
    location_weight: float = 1.0,
    baseline_weight: float = 1.0,
    normalise_advantage: bool = False,
    explored: Tensor | None = None,
) -> HybridLoss:
    """Return the paper's loss for classification: cross-entropy for the answer, REINFORCE for the locations.

    Evaluate with ``location_gradient=0``, so that the location network learns from REINFORCE alone and neither glimpse
    nor core network does (the paper); and with ``value_gradient=False``, unless the core shall also learn to predict
    the return.

    Args:
        evaluation: Evaluation of all T steps.
        answers: Right answers and returns.
        location_weight: Weight of the locations' loss.
        baseline_weight: Weight of the baseline's loss.
        normalise_advantage: Whether the locations' advantages are normalised to mean 0 and standard deviation 1.
        explored: bool, broadcast over (T, B), locations that the policy did not choose itself. It learns from one only
            if its return was better than expected, with the weight ``SELF_IMITATION`` (Oh et al. 2018,
            arXiv:1806.05635, equation 2). None if there are none.
    """
    log_prob = evaluation.action_log_probs.gather(-1, answers.target[..., None]).squeeze(-1)  # (T, B, n) -> (T, B)
    classification = answers.answer_steps.mean(-log_prob)

    baseline = evaluation.value if answers.baseline is None else answers.baseline
    advantage = answers.returns - baseline.detach()
    if normalise_advantage:
        advantage = normalised(advantage, answers.location_steps)
    if explored is not None:
        advantage = torch.where(explored, SELF_IMITATION * advantage.clamp_min(0), advantage)
    location = answers.location_steps.mean(-advantage * evaluation.location_log_prob)
    regression = answers.steps.mean((evaluation.value - answers.returns).square())
    total = classification + location_weight * location + baseline_weight * regression
    return HybridLoss(total, classification, location, regression)


def ppo_loss(
    evaluation: SequenceEvaluation,
    targets: Targets,
    *,
    clip_range: float,
    location_weight: float = 1.0,
    entropy_weight: float = 0.0,
    baseline_weight: float = 0.5,
) -> PolicyLoss:
    """Return PPO's clipped loss, with separate clipping of the task action's ratio and the location's.

    A location is continuous, and its density changes much faster than a move's: with one common ratio, each would stop
    the other from learning. Evaluate with all gradients: core and glimpse network learn from everything.
    """
    action, action_clipped = _clipped_loss(
        evaluation.action_log_prob, targets.action_log_prob, targets.advantage, targets.action_steps, clip_range
    )
    location, location_clipped = _clipped_loss(
        evaluation.location_log_prob, targets.location_log_prob, targets.advantage, targets.location_steps, clip_range
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
    """Return the loss of REINFORCE with a baseline, for task actions and locations; evaluate with all gradients."""
    advantage = targets.advantage.detach()
    action = targets.action_steps.mean(-advantage * evaluation.action_log_prob)
    location = targets.location_steps.mean(-advantage * evaluation.location_log_prob)
    none = torch.zeros_like(action).detach()
    losses = _Losses(location, action, none, none)
    return _policy_loss(evaluation, targets, losses, location_weight, entropy_weight, baseline_weight)


def _clipped_loss(
    log_prob: Tensor, old_log_prob: Tensor, advantage: Tensor, steps: Steps, clip_range: float
) -> tuple[Tensor, Tensor]:
    """Return PPO's loss of one part of the decision, and the fraction of ratios beyond the clip range."""
    ratio = (log_prob - old_log_prob.detach()).exp()
    advantage = advantage.detach()
    clipped = ratio.clamp(1 - clip_range, 1 + clip_range)
    loss = steps.mean(-torch.minimum(ratio * advantage, clipped * advantage))
    fraction = steps.mean(((ratio.detach() - 1).abs() > clip_range).to(ratio.dtype))
    return loss, fraction


class _Losses(NamedTuple):
    """The losses of locations and task actions, and the fractions of clipped ratios, each float32 ()."""

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
    """Return the weighted sum of the decisions' losses, the baseline's and the entropy."""
    baseline = targets.action_steps.mean((evaluation.value - targets.returns.detach()).square())
    entropy = targets.action_steps.mean(evaluation.action_entropy)
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
