"""Players: a RAM policy, deterministic or sampled, and one that acts at random."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ram_envs.scenes.randomness import draw_words, uniform

if TYPE_CHECKING:
    from agents.ram.policy import RAMPolicy
    from ram_envs.tasks import Task

_FAR = 2**40  # from the numbers of episodes, which key the environment's own draws


class PolicyPlayer:
    """A RAM policy in an environment with dictionary actions and observations, NumPy or torch.

    What it samples is keyed by the seeds of the rows, so that no row depends on its batch.

    Args:
        policy: The policy; its device does the computing.
        answer_key: Key of the answer in the action.
        seeds: int64 (B,), the seeds of the rows; not needed if nothing is sampled.
        greedy: Take the mean location instead of sampling it. Random locations are sampled in any case.
        greedy_answer: Take the most likely answer instead of sampling it.
    """

    def __init__(
        self,
        policy: RAMPolicy,
        answer_key: str,
        seeds: Tensor | None = None,
        *,
        greedy: bool = True,
        greedy_answer: bool = True,
    ) -> None:
        self._policy, self._answer_key, self._seeds = policy, answer_key, seeds
        self._greedy, self._greedy_answer = greedy and not policy.settings.random_locations, greedy_answer

    def start(self, num_envs: int) -> None:
        """Empty the core."""
        self._state, self._step = self._policy.initial_state(num_envs), 0

    @torch.inference_mode()
    def act(self, observation: Mapping[str, Any]) -> dict[str, Any]:
        """Choose the next location, float32 (B, 2), and the answer, int64 (B,)."""
        device = self._policy.location_std.device
        tensors = {key: torch.as_tensor(value, device=device) for key, value in observation.items()}
        h, self._state = self._policy.encode_step(tensors, self._state)
        heads = self._policy.heads(h)
        noise, scores = None, heads.action_logits
        if not (self._greedy and self._greedy_answer):
            assert self._seeds is not None, "what is sampled needs seeds"
            normal, gumbel = row_noise(self._seeds, self._step, scores.shape[1])
            noise = None if self._greedy else normal
            scores = scores if self._greedy_answer else scores + gumbel
        self._step += 1
        action = {"fixation": self._policy.fixation(heads.location_mean, noise), self._answer_key: scores.argmax(1)}
        if isinstance(observation["location"], np.ndarray):
            return {key: value.cpu().numpy() for key, value in action.items()}
        return action


class RandomPlayer:
    """Draws location and answer uniformly, in an environment with dictionary actions on NumPy.

    Args:
        task: The task that is played.
        seed: Random seed.
    """

    def __init__(self, task: Task, seed: int = 0) -> None:
        self._task = task
        self._generator = np.random.default_rng(seed)

    def start(self, num_envs: int) -> None:
        """Remember the number of rows."""
        self._num_envs = num_envs

    def act(self, observation: Any) -> dict[str, NDArray[Any]]:
        """Draw actions."""
        fixation = self._generator.uniform(-1, 1, (self._num_envs, 2)).astype(np.float32)
        answer = self._generator.integers(self._task.num_actions, size=self._num_envs)
        return {"fixation": fixation, self._task.action_key: answer}


def row_noise(seeds: Tensor, step: int, num_answers: int) -> tuple[Tensor, Tensor]:
    """Draw the noise of one step's sampled action, keyed by the seeds of the rows.

    Args:
        seeds: int64 (B,), the seeds of the rows.
        step: Number of the step, from 0.
        num_answers: Number of answers.

    Returns:
        Standard normal numbers, float32 (B, 2), for the location; standard Gumbel numbers, float32 (B, num_answers),
        whose sum with the logits has its maximum at a sample of the softmax.
    """
    words = draw_words(seeds, torch.full_like(seeds, _FAR + step), 2 + num_answers)
    exponential = (-torch.log1p(-uniform(words))).clamp_min(torch.finfo(torch.float32).tiny)
    radius, angle = torch.sqrt(2 * exponential[:, 0]), 2 * math.pi * uniform(words[:, 1])  # Box and Muller
    normal = torch.stack([radius * angle.cos(), radius * angle.sin()], 1)
    return normal.float(), -exponential[:, 2:].log().float()
