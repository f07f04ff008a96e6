"""A RAM policy that plays in a world, for evaluation and pictures."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from agents.environments.adapter import Choice
from agents.environments.world import Observation
from agents.ram.networks import State
from agents.ram.policy import RAMPolicy


class WorldPlayer:
    """Chooses actions in B rows, whose episodes may end and start at any step.

    Args:
        policy: The policy; its device does the computing.
        num_envs: B.
        greedy: Take the mean location instead of sampling it. Random locations are sampled in any case.
        greedy_action: Take the most likely task action, and the mean of its numbers, instead of sampling it.
        seed: Random seed of what is sampled.
    """

    def __init__(
        self, policy: RAMPolicy, num_envs: int, *, greedy: bool = True, greedy_action: bool = True, seed: int = 0
    ) -> None:
        self._policy, self._greedy, self._greedy_action = policy, greedy, greedy_action
        self._device = policy.location_std.device
        self._generator = torch.Generator(self._device).manual_seed(seed)
        self._state = policy.initial_state(num_envs)

    @torch.inference_mode()
    def act(self, observation: Observation, starts: NDArray[np.bool_]) -> Choice:
        """Choose the next actions.

        Args:
            observation: What the policy sees; see :meth:`agents.environments.adapter.Adapter.observe`.
            starts: bool (B,), whether an episode starts with the observation.
        """
        state = self._policy.forget(self._state, torch.as_tensor(starts, device=self._device))
        choice, self._state = choose(
            self._policy, observation, state, self._generator, self._greedy, self._greedy_action
        )
        return choice


@torch.inference_mode()
def choose(
    policy: RAMPolicy,
    observation: Observation,
    state: State,
    generator: torch.Generator,
    greedy: bool = True,
    greedy_action: bool = True,
) -> tuple[Choice, State]:
    """Choose from what the policy sees in B rows; see :class:`WorldPlayer`. Returns the core's next state too."""
    device = policy.location_std.device
    h, state = policy.encode_step(
        {key: torch.as_tensor(part, device=device) for key, part in observation.items()}, state
    )
    heads = policy.heads(h)
    noise = policy.noise(len(h), generator, greedy_location=greedy, greedy_action=greedy_action)
    decision = policy.decision(heads, noise)
    chosen = (decision.fixation, decision.task_action, heads.action_logits)
    return Choice(*(values.cpu().numpy() for values in chosen)), state
