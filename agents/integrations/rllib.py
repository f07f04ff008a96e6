"""RLlib: the policy of the paper as an RLModule of Ray's new API stack.

PPO trains it like any other module, on the native vector environments, on one machine or on a cluster::

    config = (
        PPOConfig()
        .environment("ram_envs:RAM-CatchGame-v0", env_config={"action_format": "dict"})
        .env_runners(num_env_runners=2, num_envs_per_env_runner=64, gym_env_vectorize_mode="vector_entry_point")
        .rl_module(rl_module_spec=ram_module_spec("RAM-CatchGame-v0", network))
    )
    algorithm = config.build_algo()
    policy = algorithm.get_module().policy  # a RAMPolicy: save_checkpoint makes it one for `ram evaluate`, `ram watch`

Importing this module raises ``gymnasium.error.DependencyNotInstalled`` if Ray or a dependency of RLlib is missing.
"""

# ruff: noqa: E402 (libraries are imported after the check that they are installed)
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agents.extras import require

require("rllib", "torch", "ray.rllib.core.rl_module.torch")

import torch
from ray.rllib.core.columns import Columns
from ray.rllib.core.distribution.distribution import Distribution
from ray.rllib.core.rl_module.apis.value_function_api import ValueFunctionAPI
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.core.rl_module.torch import TorchRLModule
from torch import Tensor
from torch.distributions import Categorical, Normal
from torch.distributions.kl import kl_divergence

import ram_envs
from agents.ram.networks import State
from agents.ram.policy import RAMPolicy
from agents.ram.settings import NetworkSettings, RAMSettings

__all__ = ["HybridDistribution", "RAMModule", "ram_module_spec"]


def ram_module_spec(env_id: str, network: NetworkSettings | None = None, **env_settings: Any) -> RLModuleSpec:
    """Return the specification of a :class:`RAMModule` that fits an environment.

    Args:
        env_id: Id of the environment, as in ``gymnasium.make``.
        network: Settings of the networks; None for the defaults.
        **env_settings: Arguments of the environment, except the formats.

    Raises:
        ValueError: If there is no such environment or argument.
    """
    env = ram_envs.make_tensor(env_id, 1, **env_settings)
    settings = RAMSettings.for_environment(env, network or NetworkSettings())
    # RLlib cuts episodes into sequences of max_seq_len, after it has added a step to each to bootstrap from.
    model_config = {"ram": settings.to_dict(), "max_seq_len": env.task.max_episode_steps + 1}
    return RLModuleSpec(module_class=RAMModule, model_config=model_config)


class RAMModule(TorchRLModule, ValueFunctionAPI):
    """The policy of the paper for RLlib's algorithms; make its specification with :func:`ram_module_spec`.

    Observations and actions have the format "dict".

    Attributes:
        policy: The :class:`agents.ram.policy.RAMPolicy`, which holds all weights.
    """

    policy: RAMPolicy

    def setup(self) -> None:
        """Create the networks; called by RLlib.

        Raises:
            ValueError: If the spaces of the environment do not fit the settings.
        """
        settings = RAMSettings.from_dict(self.model_config["ram"])
        if settings.senses:
            raise ValueError(
                f"the environment has the further senses {', '.join(settings.senses)}: expected one with glimpses and "
                "locations only"
            )
        actions = dict(getattr(self.action_space, "spaces", {}))
        fixation, others = actions.pop("fixation", None), list(actions.items())
        if fixation is None or len(others) != 1 or getattr(others[0][1], "n", None) != settings.num_actions:
            raise ValueError(
                f"the action space is {self.action_space}: expected a fixation and one of {settings.num_actions} task "
                "actions, as an environment with action_format='dict' has them"
            )
        expected = {"glimpse": (settings.glimpse_size,), "location": (settings.gaze_size,)}
        got = {key: space.shape for key, space in getattr(self.observation_space, "spaces", {}).items()}
        if got != expected:
            raise ValueError(
                f"the observation space is {self.observation_space}: expected a dictionary of the shapes {expected}, "
                "as an environment with the default observation_format has it; is it made with the same arguments?"
            )
        self.policy = RAMPolicy(settings)
        self.action_dist_cls = HybridDistribution.get_partial_dist_cls(
            action_key=others[0][0], gaze_size=settings.gaze_size
        )

    def get_initial_state(self) -> dict[str, Tensor]:
        """Return the initial state of one row: "0", and for an LSTM also "1", float32 (core_size,)."""
        return {str(index): value[0] for index, value in enumerate(self.policy.initial_state(1))}

    def _forward(self, batch: Mapping[str, Any], **kwargs: Any) -> dict[str, Any]:
        """Act; the same forward pass serves exploration, inference and training."""
        return self._forward_train(batch, **kwargs)

    def _forward_train(self, batch: Mapping[str, Any], **kwargs: Any) -> dict[str, Any]:
        """Evaluate sequences, batch first (B, T, ...), from their initial states."""
        h, state = self._encode(batch)
        mean = self.policy.location_network(h)
        log_std = self.policy.location_std.log().expand(*h.shape[:-1], 1)
        return {
            Columns.EMBEDDINGS: h,
            Columns.STATE_OUT: {str(index): value for index, value in enumerate(state)},
            # (B, T, gaze_size), (B, T, 1), (B, T, n) -> (B, T, gaze_size + 1 + n)
            Columns.ACTION_DIST_INPUTS: torch.cat([mean, log_std, self.policy.action_network(h)], dim=-1),
        }

    def compute_values(self, batch: Mapping[str, Any], embeddings: Tensor | None = None) -> Tensor:
        """Return the baseline, float32 (B, T)."""
        return self.policy.baseline(self._encode(batch)[0] if embeddings is None else embeddings)

    def _encode(self, batch: Mapping[str, Any]) -> tuple[Tensor, State]:
        """Return h, float32 (B, T, core_size), and the state after the sequence."""
        observation = {key: value.transpose(0, 1) for key, value in batch[Columns.OBS].items()}  # (B, T) -> (T, B)
        given = batch[Columns.STATE_IN]
        h, state = self.policy.encode(observation, tuple(given[str(index)] for index in range(len(given))))
        return h.transpose(0, 1), state


@dataclass
class HybridDistribution(Distribution):
    """A dictionary action: a location from a Gaussian with fixed standard deviation, and a task action from a softmax.

    RLlib's own dictionary distribution computes wrong log-probabilities for single steps of recurrent modules: it
    treats the time axis of length 1 as an axis of the action.

    Attributes:
        location: float32 (..., gaze_size), the Gaussian.
        task_action: float32 (..., n), the softmax.
        action_key: "move" or "label".
        greedy: Whether :meth:`sample` returns the mean location and the most likely action.
    """

    location: Normal
    task_action: Categorical
    action_key: str
    greedy: bool = False

    @classmethod
    def from_logits(cls, logits: Tensor, *, action_key: str, gaze_size: int = 2, **kwargs: Any) -> HybridDistribution:
        """Create a distribution from the mean location, the log standard deviation and the logits.

        Args:
            logits: float32 (..., gaze_size + 1 + n), in this order.
            action_key: Key of the task action.
            gaze_size: Numbers in a location.
            **kwargs: Other arguments of RLlib; ignored.
        """
        num_actions = logits.shape[-1] - gaze_size - 1
        mean, log_std, action_logits = logits.split((gaze_size, 1, num_actions), -1)
        location = Normal(mean, log_std.exp(), validate_args=False)
        return cls(location, Categorical(logits=action_logits, validate_args=False), action_key)

    @staticmethod
    def required_input_dim(space: Any, **kwargs: Any) -> int:
        """Return how many numbers :meth:`from_logits` takes for an action space of the format "dict"."""
        num_actions = int(next(part.n for key, part in space.spaces.items() if key != "fixation"))
        return space.spaces["fixation"].shape[0] + 1 + num_actions

    def sample(self, **kwargs: Any) -> dict[str, Tensor]:
        """Sample actions: "fixation" float32 (..., gaze_size), not clipped, and the task action, int64 (...)."""
        if self.greedy:
            fixation, task_action = self.location.mean, self.task_action.logits.argmax(-1)
        else:
            fixation, task_action = self.location.sample(), self.task_action.sample()
        return {"fixation": fixation, self.action_key: task_action}

    def rsample(self, **kwargs: Any) -> dict[str, Tensor]:
        """Raise: a discrete task action has no reparametrized sample.

        Raises:
            NotImplementedError: Always.
        """
        raise NotImplementedError("a task action is discrete: use an algorithm that learns from log-probabilities")

    def logp(self, value: Mapping[str, Tensor], **kwargs: Any) -> Tensor:
        """Return the log-density of the locations plus the log-probability of the task actions, float32 (...)."""
        location = self.location.log_prob(value["fixation"]).sum(-1)
        return location + self.task_action.log_prob(value[self.action_key])

    def entropy(self, **kwargs: Any) -> Tensor:
        """Return the entropy of the task action, float32 (...), in nats; the entropy of the location is constant."""
        return self.task_action.entropy()

    def kl(self, other: Distribution, **kwargs: Any) -> Tensor:
        """Return the Kullback-Leibler divergence KL(self, other), float32 (...), in nats."""
        assert isinstance(other, HybridDistribution)
        location = kl_divergence(self.location, other.location).sum(-1)
        return location + kl_divergence(self.task_action, other.task_action)

    def to_deterministic(self) -> HybridDistribution:
        """Return the deterministic distribution with the same parameters."""
        return HybridDistribution(self.location, self.task_action, self.action_key, greedy=True)
