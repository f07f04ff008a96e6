"""The networks of the RAM policy behind the interfaces of Stable-Baselines3."""

from __future__ import annotations

import torch
from gymnasium import spaces
from stable_baselines3.common.distributions import Distribution
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import Tensor, nn
from torch.distributions import Categorical, Normal
from torch.nn import functional as F

from agents.ram.networks import CoreNetwork, LSTMCore, State
from agents.ram.policy import RAMPolicy
from agents.ram.settings import RAMSettings


class GlimpseExtractor(BaseFeaturesExtractor):
    """The glimpse network as a features extractor for policies of SB3 with dictionary observations.

    Args:
        observation_space: Observation space of the environment, in the format "dict".
        settings: From :func:`agents.integrations.sb3.ram_settings`.

    Raises:
        ValueError: If the space does not fit the settings.
    """

    def __init__(self, observation_space: spaces.Dict, settings: RAMSettings) -> None:
        expected = {"glimpse": (settings.glimpse_size,), "location": (settings.gaze_size,)}
        expected |= {key: (size,) for key, size in settings.senses.items()}
        got = {key: space.shape for key, space in getattr(observation_space, "spaces", {}).items()}
        if got != expected:
            raise ValueError(
                f"the observation space is {observation_space}: expected a dictionary of the shapes {expected}, as an "
                "environment with the default observation_format has it if observations are not stacked"
            )
        super().__init__(observation_space, settings.glimpse_features)
        self.glimpse_network = RAMPolicy(settings).glimpse_network
        self._senses = tuple(settings.senses)

    def forward(self, observations: dict[str, Tensor]) -> Tensor:
        """Return float32 (B, glimpse_features); see :meth:`agents.ram.networks.GlimpseNetwork.forward`."""
        parts = [observations[key] for key in self._senses]
        senses = torch.cat(parts, -1) if parts else None
        return self.glimpse_network(observations["glimpse"], observations["location"], senses)


class RecurrentCore(nn.Module):
    """A core network with the interface of ``nn.LSTM``, whose two states RecurrentPPO stores.

    The ReLU core uses only the state h and returns the other one unchanged.
    """

    num_layers = 1

    def __init__(self, core_network: CoreNetwork | LSTMCore) -> None:
        super().__init__()
        self.core_network = core_network
        self.hidden_size = core_network.core_size
        self._num_states = len(core_network.initial_state(1))

    def forward(self, features: Tensor, states: State) -> tuple[Tensor, State]:
        """Read a sequence.

        Args:
            features: float32 (T, B, glimpse_features).
            states: Two float32 (1, B, core_size), before it.

        Returns:
            h: float32 (T, B, core_size); and the two states after it.
        """
        h, used = self.core_network(features, tuple(state[0] for state in states[: self._num_states]))
        return h, (*(state[None] for state in used), *states[self._num_states :])


class HybridHeads(nn.Module):
    """The location network and the action network.

    Args:
        policy: The RAM policy that holds the networks.
        location_gradient: Whether the gradient of the location network flows into the core.

    Attributes:
        location_std: float32 (), standard deviation of the location; a buffer, so that training can anneal it.
    """

    def __init__(self, policy: RAMPolicy, location_gradient: bool) -> None:
        super().__init__()
        self.location_gradient = location_gradient
        self.location_network = policy.location_network
        self.action_network = policy.action_network
        self.register_buffer("location_std", policy.location_std)
        self.location_std: Tensor

    def forward(self, h: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the parameters of :class:`HybridDistribution` from h, float32 (B, core_size)."""
        seen = h if self.location_gradient else h.detach()
        return self.location_network(seen), self.location_std, self.action_network(h)


class HybridDistribution(Distribution):
    """A "box" action: a location from a Gaussian with fixed standard deviation, and a task action from a softmax.

    An action is float32 (B, gaze_size + n): the location, then a score for each of the n task actions. The largest
    score is the task action, as in the environment. The zeros with which RecurrentPPO pads its sequences are therefore
    valid actions, and their log-probabilities are finite.
    """

    def proba_distribution_net(self, policy: RAMPolicy, location_gradient: bool) -> HybridHeads:
        """Return the networks that compute the parameters."""
        return HybridHeads(policy, location_gradient)

    def proba_distribution(
        self, location_mean: Tensor, location_std: Tensor, action_logits: Tensor
    ) -> HybridDistribution:
        """Set the parameters.

        Args:
            location_mean: float32 (B, gaze_size).
            location_std: float32 ().
            action_logits: float32 (B, n).
        """
        self.location = Normal(location_mean, location_std, validate_args=False)
        self.task_action = Categorical(logits=action_logits, validate_args=False)
        return self

    def log_prob(self, actions: Tensor) -> Tensor:
        """Return the log-density of the locations plus the log-probability of the task actions, float32 (B,)."""
        gaze_size = self.location.mean.shape[-1]
        location, scores = actions[:, :gaze_size], actions[:, gaze_size:]
        return self.location.log_prob(location).sum(-1) + self.task_action.log_prob(scores.argmax(-1))

    def entropy(self) -> Tensor:
        """Return the entropy of the task action, float32 (B,), in nats; the entropy of the location is constant."""
        return self.task_action.entropy()

    def sample(self) -> Tensor:
        """Sample actions, float32 (B, gaze_size + n); locations may lie outside [-1, 1]."""
        return self._write(self.location.sample(), self.task_action.sample())

    def mode(self) -> Tensor:
        """Return the mean location and the most likely task action, float32 (B, gaze_size + n)."""
        return self._write(self.location.mean, self.task_action.logits.argmax(-1))

    def actions_from_params(
        self, location_mean: Tensor, location_std: Tensor, action_logits: Tensor, deterministic: bool = False
    ) -> Tensor:
        """Set the parameters and return actions; see :meth:`proba_distribution`."""
        return self.proba_distribution(location_mean, location_std, action_logits).get_actions(deterministic)

    def log_prob_from_params(
        self, location_mean: Tensor, location_std: Tensor, action_logits: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Set the parameters, sample actions, and return them with their log-probabilities."""
        actions = self.actions_from_params(location_mean, location_std, action_logits)
        return actions, self.log_prob(actions)

    def _write(self, location: Tensor, task_action: Tensor) -> Tensor:
        scores = F.one_hot(task_action, self.task_action.logits.shape[-1])
        return torch.cat([location, scores.to(location.dtype)], dim=-1)
