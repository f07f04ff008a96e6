"""Distributions of the task action: one choice, or several choices and numbers together.

The action network puts out one vector: the logits of every choice, then the means of the numbers. Numbers come from a
Gaussian whose standard deviation is a parameter of its own; they are meant for [-1, 1], and the environment clips them.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

_TINY = torch.finfo(torch.float32).tiny


class ActionEvaluation(NamedTuple):
    """Evaluation of task actions.

    Attributes:
        log_prob: float32 (...), log-probability (log-density of numbers).
        entropy: float32 (...), in nats.
        log_probs: float32 (..., num_actions), log-probabilities of the options of every choice.
    """

    log_prob: Tensor
    entropy: Tensor
    log_probs: Tensor


class OneChoice(nn.Module):
    """One choice from ``num_actions`` options: the task action is int64 (...)."""

    def choose(self, outputs: Tensor, noise: Tensor | None, normal: Tensor | None = None) -> Tensor:
        """Return task actions.

        Args:
            outputs: float32 (B, num_actions), logits.
            noise: float32 (B, num_actions), exponential with rate 1; None takes the most likely option.
            normal: Not used.
        """
        return _choose(outputs, noise)

    def evaluate(self, outputs: Tensor, task_action: Tensor) -> ActionEvaluation:
        """Evaluate task actions, (...), under outputs, (..., num_actions)."""
        log_probs = outputs.log_softmax(-1)
        return ActionEvaluation(_log_prob(log_probs, task_action), _entropy(log_probs), log_probs)


class SeveralActions(nn.Module):
    """Several choices, then numbers, all independent: the task action is float32 (..., choices + numbers).

    Args:
        choices: The number of options of each choice.
        numbers: The number of numbers.
        std: Initial standard deviation of the numbers.
    """

    def __init__(self, choices: tuple[int, ...], numbers: int, std: float) -> None:
        super().__init__()
        self.choices, self.numbers = choices, numbers
        if numbers:
            self.log_std = nn.Parameter(torch.full((numbers,), math.log(std)))

    def choose(self, outputs: Tensor, noise: Tensor | None, normal: Tensor | None = None) -> Tensor:
        """Return task actions.

        Args:
            outputs: float32 (B, num_actions + numbers), logits and means.
            noise: float32 (B, num_actions), exponential with rate 1; None takes the most likely options.
            normal: float32 (B, numbers), standard normal; None takes the means.
        """
        logits, means = self._split(outputs)
        noises = [None] * len(logits) if noise is None else noise.split(self.choices, -1)
        columns = [
            _choose(part, part_noise)[..., None].to(outputs.dtype)
            for part, part_noise in zip(logits, noises, strict=True)
        ]
        if self.numbers:
            columns.append(means if normal is None else means + self.log_std.exp() * normal)
        return torch.cat(columns, -1)

    def evaluate(self, outputs: Tensor, task_action: Tensor) -> ActionEvaluation:
        """Evaluate task actions, (..., choices + numbers), under outputs, (..., num_actions + numbers)."""
        logits, means = self._split(outputs)
        parts = [part.log_softmax(-1) for part in logits]
        log_prob = entropy = outputs.new_zeros(outputs.shape[:-1])
        for column, log_probs in enumerate(parts):
            log_prob = log_prob + _log_prob(log_probs, task_action[..., column].long())
            entropy = entropy + _entropy(log_probs)
        if self.numbers:
            numbers = task_action[..., len(self.choices) :]
            distance = (numbers - means) * (-self.log_std).exp()
            constant = self.log_std.sum() + 0.5 * self.numbers * math.log(2 * math.pi)
            log_prob = log_prob - 0.5 * distance.square().sum(-1) - constant
            entropy = entropy + constant + 0.5 * self.numbers
        log_probs = torch.cat(parts, -1) if parts else outputs[..., :0]
        return ActionEvaluation(log_prob, entropy, log_probs)

    def _split(self, outputs: Tensor) -> tuple[tuple[Tensor, ...], Tensor]:
        """Split outputs into the logits of each choice and the means of the numbers."""
        *logits, means = outputs.split((*self.choices, self.numbers), -1)
        return tuple(logits), means


def make_task_actions(choices: tuple[int, ...], numbers: int, std: float) -> OneChoice | SeveralActions:
    """Return the distribution of a task action; see :class:`SeveralActions`."""
    if len(choices) == 1 and not numbers:
        return OneChoice()
    return SeveralActions(tuple(count for count in choices if count), numbers, std)


def _choose(logits: Tensor, noise: Tensor | None) -> Tensor:
    if noise is not None:
        # Gumbel's trick: the argmax of logits - log(exponential noise) is a sample of the softmax.
        logits = logits - noise.clamp_min(_TINY).log()
    return logits.argmax(-1)


def _log_prob(log_probs: Tensor, option: Tensor) -> Tensor:
    """Pick the log-probability of each option: (..., n), (...) -> (...)."""
    return log_probs.gather(-1, option[..., None]).squeeze(-1)


def _entropy(log_probs: Tensor) -> Tensor:
    return -(log_probs.exp() * log_probs).sum(-1)
