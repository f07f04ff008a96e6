"""skrl: the policy of the paper as a model for its recurrent agents, on the vector environment.

::

    envs = wrap_env(gymnasium.make_vec("ram_envs:RAM-CatchGame-v0", num_envs=256, autoreset_mode="SameStep"))
    model = RAMModel(envs, network)
    agent = PPO_RNN(models={"policy": model, "value": model}, ...)
    save_checkpoint("runs/skrl", model.policy, "RAM-CatchGame-v0", {})  # for `ram evaluate` and `ram watch`

Importing this module raises ``gymnasium.error.DependencyNotInstalled`` if skrl is missing.
"""

# ruff: noqa: E402 (libraries are imported after the check that they are installed)
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gymnasium import spaces

from agents.extras import require

require("skrl", "torch", "skrl.models.torch")

import torch
from skrl.envs.wrappers.torch import Wrapper
from skrl.models.torch import Model
from torch import Tensor
from torch.distributions import Categorical, Normal
from torch.nn import functional as F

from agents.ram.networks import State
from agents.ram.policy import RAMPolicy
from agents.ram.settings import NetworkSettings, RAMSettings

__all__ = ["RAMModel"]


class RAMModel(Model):
    """Policy and value function of skrl's recurrent agents in one shared model.

    Actions have the format "box": the sampled location, then 1 for the sampled task action and 0 for all other ones.
    The log-probability is the sum of both parts.

    Args:
        env: A vector environment wrapped with ``skrl.envs.wrappers.torch.wrap_env``.
        network: Settings of the networks; None for those of the paper's classifier.
        sequence_length: Steps of a training sequence; the rollouts of the agent must be a multiple of it. None for the
            maximum length of an episode.
        device: Device of the model; None for the device of the environment.

    Attributes:
        policy: The :class:`agents.ram.policy.RAMPolicy`, which holds all weights.

    Raises:
        ValueError: If the environment is no task of the suite, has further senses, or its action format is not "box".
    """

    def __init__(
        self,
        env: Wrapper,
        network: NetworkSettings | None = None,
        sequence_length: int | None = None,
        device: str | torch.device | None = None,
    ) -> None:
        task = getattr(env.unwrapped, "task", None)
        if task is None or task.senses:
            found = f"has the further senses {', '.join(task.senses)}" if task is not None else "is none of the suite"
            raise ValueError(f"the environment {found}: expected a task of ram_envs with glimpses and locations only")
        if not isinstance(env.action_space, spaces.Box):
            raise ValueError(
                f"the action space is {env.action_space}: expected that of action_format='box', the default"
            )
        super().__init__(
            observation_space=env.observation_space, action_space=env.action_space, device=device or env.device
        )
        settings = RAMSettings.for_environment(env.unwrapped, network or NetworkSettings())
        self.policy = RAMPolicy(settings).to(self.device)
        self._num_envs = env.num_envs
        self._sequence_length = sequence_length or task.max_episode_steps
        self._shared: tuple[Tensor, Tensor, State] | None = None
        self._location: Normal | None = None
        self._task_action: Categorical | None = None

    def get_specification(self) -> dict[str, Any]:
        """Return the sizes of the recurrent states and the sequence length, as skrl expects them."""
        sizes = [(1, self._num_envs, state.shape[-1]) for state in self.policy.initial_state(1)]
        return {"rnn": {"sequence_length": self._sequence_length, "sizes": sizes}}

    def act(self, inputs: Mapping[str, Any], *, role: str = "") -> tuple[Tensor, dict[str, Any]]:
        """Sample actions, evaluate given actions, or return the value.

        Args:
            inputs: "observations" float32 (N, glimpse_size + gaze_size), "rnn", and in updates "taken_actions",
                "terminated" and "truncated"; N is the number of rows, in updates rows times sequence_length.
            role: "policy" or "value".

        Returns:
            Actions float32 (N, gaze_size + n), or values float32 (N, 1); and the other outputs that skrl expects.
        """
        h, state = self._encode(inputs, role)
        outputs: dict[str, Any] = {"rnn": [value[None] for value in state]}
        if role == "value":
            return self.policy.baseline(h)[:, None], outputs
        mean, logits = self.policy.location_network(h), self.policy.action_network(h)
        self._location = Normal(mean, self.policy.location_std, validate_args=False)
        self._task_action = Categorical(logits=logits, validate_args=False)
        actions = inputs.get("taken_actions")
        if actions is None:
            actions = self._write(self._location.sample(), self._task_action.sample())
        gaze_size = self.policy.settings.gaze_size
        log_prob = self._location.log_prob(actions[:, :gaze_size]).sum(-1)
        log_prob = log_prob + self._task_action.log_prob(actions[:, gaze_size:].argmax(-1))
        outputs |= {"log_prob": log_prob[:, None], "mean_actions": self._write(mean, logits.argmax(-1))}
        return actions, outputs

    def compute(self, inputs: Mapping[str, Any], role: str = "") -> tuple[Tensor, dict[str, Any]]:
        """Return the result of :meth:`act`."""
        return self.act(inputs, role=role)

    def get_entropy(self, *, role: str = "") -> Tensor:
        """Return the entropy of the task action, float32 (N, 1), in nats; the entropy of the location is constant."""
        assert self._task_action is not None, "nothing was decided yet"
        return self._task_action.entropy()[:, None]

    def distribution(self, *, role: str = "") -> Normal:
        """Return the distribution of the location; skrl logs its standard deviation."""
        assert self._location is not None, "nothing was decided yet"
        return self._location

    def _encode(self, inputs: Mapping[str, Any], role: str) -> tuple[Tensor, State]:
        """Return h, float32 (N, core_size), and the next state.

        An agent calls the policy and then the value for the same observations; the result is computed once.
        """
        observations = inputs["observations"]
        shared, self._shared = self._shared, None
        if role == "value" and shared is not None and shared[0] is observations:
            return shared[1:]
        length = self._sequence_length if self.training else 1
        sequences = observations.unflatten(0, (-1, length)).transpose(0, 1)  # (B * T, ...) -> (T, B, ...)
        # skrl stores the state before every step, (1, B * T, core_size): select those before the first steps.
        state = tuple(value[0].unflatten(0, (-1, length))[:, 0] for value in inputs["rnn"])
        glimpse_size = self.policy.settings.glimpse_size
        parts = []
        for begin, end, ended in self._segments(inputs, length):
            state = tuple(value * ~ended[:, None] for value in state) if ended is not None else state
            part = sequences[begin:end]
            seen = {"glimpse": part[..., :glimpse_size], "location": part[..., glimpse_size:]}
            h, state = self.policy.encode(seen, state)
            parts.append(h)
        h = torch.cat(parts).transpose(0, 1).flatten(0, 1)  # (T, B, core_size) -> (B * T, core_size)
        if role == "policy":
            self._shared = observations, h, state
        return h, state

    def _segments(self, inputs: Mapping[str, Any], length: int) -> list[tuple[int, int, Tensor | None]]:
        """Split sequences where episodes end: first step, step after the last, and bool (B,), the rows to reset."""
        if length == 1 or "terminated" not in inputs:
            return [(0, length, None)]
        ended = (inputs["terminated"] | inputs["truncated"]).reshape(-1, length)
        cuts = [step + 1 for step in range(length - 1) if bool(ended[:, step].any())]
        begins, ends = [0, *cuts], [*cuts, length]
        return [(a, b, ended[:, a - 1] if a else None) for a, b in zip(begins, ends, strict=True)]

    def _write(self, location: Tensor, task_action: Tensor) -> Tensor:
        """Return "box" actions, float32 (N, gaze_size + n)."""
        scores = F.one_hot(task_action, self.policy.settings.num_actions)
        return torch.cat([location, scores.to(location.dtype)], dim=-1)
