"""The inputs and outputs of the policy: what its heads compute, a decision, and the evaluation of earlier decisions."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class Heads(NamedTuple):
    """Outputs of the three networks on top of the core, float32.

    Attributes:
        location_mean: (..., gaze_size), mean of the next location.
        action_logits: (..., num_actions + numbers): logits of the choices, then means of the numbers.
        value: (...), the baseline.
    """

    location_mean: Tensor
    action_logits: Tensor
    value: Tensor


class Noise(NamedTuple):
    """The random numbers of one step of B rows; None chooses greedily.

    Attributes:
        location: float32 (B, gaze_size), standard normal; None takes the mean.
        action: float32 (B, num_actions), exponential with rate 1; None takes the most likely action.
        numbers: float32 (B, numbers), standard normal, for the numbers of the task action; None takes the means.
    """

    location: Tensor | None
    action: Tensor | None
    numbers: Tensor | None = None

    def of(self, rows: slice) -> Noise:
        """Return the noise of some of the rows."""
        return Noise(*(None if values is None else values[rows] for values in self))


class Decision(NamedTuple):
    """The decision of one step.

    Attributes:
        fixation: float32 (B, gaze_size), the next location as sampled: it may leave [-1, 1].
        task_action: int64 (B,), the move or class, in [0, num_actions). If it consists of several choices or has
            numbers: float32 (B, choices + numbers), the choices first.
        location_log_prob: float32 (B,), log-density of ``fixation``.
        action_log_prob: float32 (B,), log-probability of ``task_action``.
        value: float32 (B,), the baseline's expected return.
    """

    fixation: Tensor
    task_action: Tensor
    location_log_prob: Tensor
    action_log_prob: Tensor
    value: Tensor


class SequenceEvaluation(NamedTuple):
    """Evaluation of earlier decisions under the policy's current parameters.

    Attributes:
        location_log_prob: float32 (T, B).
        action_log_prob: float32 (T, B).
        action_entropy: float32 (T, B), entropy of the task action's distribution, in nats.
        action_log_probs: float32 (T, B, num_actions), log-probabilities of all options of all choices.
        value: float32 (T, B).
    """

    location_log_prob: Tensor
    action_log_prob: Tensor
    action_entropy: Tensor
    action_log_probs: Tensor
    value: Tensor
