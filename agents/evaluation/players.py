"""Players: a RAM policy, deterministic or sampled, and those of :mod:`agents.evaluation.references`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from torch import Tensor

from agents.evaluation.references import OraclePlayer, RandomPlayer
from ram_envs.scenes.randomness import draw_words, uniform

if TYPE_CHECKING:
    from agents.ram.networks import State
    from agents.ram.policy import RAMPolicy

__all__ = ["FORMATS", "AnswerRule", "OraclePlayer", "PolicyPlayer", "RandomPlayer", "choose", "row_noise"]

FORMATS = {"action_format": "dict", "observation_format": "dict"}
"""The formats that a RAM policy acts in."""
_FAR = 2**40  # from the numbers of episodes, which key the environment's own draws


class AnswerRule(Protocol):
    """Chooses answers; :class:`agents.evaluation.stopping.StopRule` is one."""

    def answer(self, logits: Tensor, scores: Tensor, step: int) -> Tensor:
        """Return the answers, int64 (B,), at step 0, 1, ...

        Args:
            logits: float32 (B, n), what the policy believes.
            scores: float32 (B, n), the logits, with noise where answers are sampled: the largest one is the answer.
            step: Number of the step.
        """


class PolicyPlayer:
    """A RAM policy in an environment with dictionary actions and observations, NumPy or torch.

    What it samples is keyed by the seeds of the rows, so that no row depends on its batch.

    Args:
        policy: The policy; its device does the computing.
        answer_key: Key of the answer in the action.
        seeds: int64 (B,), the seeds of the rows; not needed if nothing is sampled.
        greedy: Take the mean location instead of sampling it. Random locations are sampled in any case.
        greedy_answer: Take the most likely answer instead of sampling it.
        stop_rule: Decides when to answer, from the logits; None for the policy's own decision.
    """

    def __init__(
        self,
        policy: RAMPolicy,
        answer_key: str,
        seeds: Tensor | None = None,
        *,
        greedy: bool = True,
        greedy_answer: bool = True,
        stop_rule: AnswerRule | None = None,
    ) -> None:
        self._stop_rule = stop_rule
        self._policy, self._answer_key, self._seeds = policy, answer_key, seeds
        self._greedy, self._greedy_answer = greedy and not policy.settings.random_locations, greedy_answer

    def start(self, num_envs: int) -> None:
        """Empty the core."""
        self._state, self._step = self._policy.initial_state(num_envs), 0

    @torch.inference_mode()
    def act(self, observation: Mapping[str, Any]) -> dict[str, Any]:
        """Choose the next location, float32 (B, gaze_size), and the answer, int64 (B,)."""
        device = self._policy.location_std.device
        tensors = {key: torch.as_tensor(value, device=device) for key, value in observation.items()}
        normal = gumbel = None
        if not (self._greedy and self._greedy_answer):
            assert self._seeds is not None, "what is sampled needs seeds"
            settings = self._policy.settings
            normal, gumbel = row_noise(self._seeds, self._step, settings.gaze_size, settings.num_actions)
        fixation, answer, self._state = choose(
            self._policy,
            tensors,
            self._state,
            None if self._greedy else normal,
            None if self._greedy_answer else gumbel,
            *(() if self._stop_rule is None else (partial(self._stop_rule.answer, step=self._step),)),
        )
        self._step += 1
        action = {"fixation": fixation, self._answer_key: answer}
        if isinstance(observation["location"], np.ndarray):
            return {key: value.cpu().numpy() for key, value in action.items()}
        return action


def _best(logits: Tensor, scores: Tensor) -> Tensor:
    return scores.argmax(1)


def choose(
    policy: RAMPolicy,
    observation: Mapping[str, Tensor],
    state: State,
    normal: Tensor | None,
    gumbel: Tensor | None,
    answer: Callable[[Tensor, Tensor], Tensor] = _best,
) -> tuple[Tensor, Tensor, State]:
    """Choose the next location and the answer, with the noise of :func:`row_noise`; None chooses deterministically.

    Args:
        policy: The policy.
        observation: "glimpse" float32 (B, glimpse_size) and "location" float32 (B, gaze_size), on its device.
        state: State of its core.
        normal: float32 (B, gaze_size), or None for the mean location.
        gumbel: float32 (B, num_actions), or None for the most likely answer.
        answer: Chooses the answers, int64 (B,), from the logits and from their sums with the noise, if any.

    Returns:
        The location, float32 (B, gaze_size); the answer, int64 (B,); and the state of the core after this step.
    """
    h, state = policy.encode_step(observation, state)
    heads = policy.heads(h)
    scores = heads.action_logits if gumbel is None else heads.action_logits + gumbel
    return policy.fixation(heads.location_mean, normal), answer(heads.action_logits, scores), state


def row_noise(seeds: Tensor, step: int, gaze_size: int, num_answers: int) -> tuple[Tensor, Tensor]:
    """Draw the noise of one step's sampled action, keyed by the seeds of the rows.

    Args:
        seeds: int64 (B,), the seeds of the rows.
        step: Number of the step, from 0.
        gaze_size: Numbers in a location.
        num_answers: Number of answers.

    Returns:
        For the location, standard normal numbers, float32 (B, gaze_size); for the answer, standard Gumbel numbers,
        float32 (B, num_answers), whose sum with the logits has its maximum at a sample of the softmax.
    """
    pairs = 2 * ((gaze_size + 1) // 2)  # Box and Muller turn two words into two normal numbers
    words = draw_words(seeds, torch.full_like(seeds, _FAR + step), pairs + num_answers)
    exponential = (-torch.log1p(-uniform(words))).clamp_min(torch.finfo(torch.float32).tiny)
    radius, angle = torch.sqrt(2 * exponential[:, 0:pairs:2]), 2 * math.pi * uniform(words[:, 1:pairs:2])
    normal = torch.stack([radius * angle.cos(), radius * angle.sin()], 2).flatten(1)[:, :gaze_size]
    return normal.float(), -exponential[:, pairs:].log().float()
