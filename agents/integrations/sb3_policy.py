"""The RAM policy in sb3-contrib's RecurrentPPO: the same five networks, with the paper's hybrid decision.

RecurrentPPO does not support dictionary actions, so actions have the format "box": the sampled location, then 1 for the
sampled task action and 0 for all other ones (Mnih et al. 2014, section 3.1).
"""

from __future__ import annotations

import itertools
from typing import Any

import torch
from gymnasium import spaces
from sb3_contrib.common.recurrent.policies import RecurrentMultiInputActorCriticPolicy
from sb3_contrib.common.recurrent.type_aliases import RNNStates
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.type_aliases import Schedule
from stable_baselines3.common.vec_env import VecEnv
from torch import Tensor, nn

from agents.integrations.sb3_networks import GlimpseExtractor, HybridDistribution, HybridHeads, RecurrentCore
from agents.ram.networks import State
from agents.ram.policy import RAMPolicy
from agents.ram.settings import NetworkSettings, RAMSettings


def ram_settings(env: VecEnv, network: NetworkSettings | None = None) -> RAMSettings:
    """Combine the settings of the networks with the sizes that the environment determines.

    Args:
        env: A :class:`~agents.integrations.sb3.RAMVecEnv`, or any other ``VecEnv`` over environments of ``ram_envs`` or
            over ones that :class:`ram_envs.wrappers.Glimpse` wraps.
        network: Settings of the networks; None for those of the paper's classifier.

    Raises:
        ValueError: If a wrapped environment's own action is not one choice.
    """
    network = network or NetworkSettings()
    unwrapped = env.get_attr("unwrapped", 0)[0]
    if hasattr(getattr(unwrapped, "task", None), "glimpse_sensor"):
        return RAMSettings.for_environment(unwrapped, network)
    sensor, answer = env.get_attr("glimpse_sensor", 0)[0], env.get_attr("answer", 0)[0]
    if not answer.is_choice:
        raise ValueError(f"the wrapped environment's actions are {answer.space}: expected Discrete")
    senses: dict[str, Any] = {key: env.observation_space[key].shape for key in env.get_attr("sense_keys", 0)[0]}  # type: ignore[index]
    return RAMSettings.join(
        network,
        num_actions=answer.size,
        glimpse_shape=sensor.glimpse_shape,
        gaze_size=sensor.gaze_size,
        senses={key: shape[0] for key, shape in senses.items()},
    )


class RAMRecurrentPolicy(RecurrentMultiInputActorCriticPolicy):
    """The RAM policy for RecurrentPPO, for environments with dictionary observations and box actions (the defaults).

    RecurrentPPO passes the first four arguments. The other ones are given as ``policy_kwargs``.

    Args:
        observation_space: Observation space of the environment.
        action_space: Action space of the environment.
        lr_schedule: Learning rate as a function of the remaining progress.
        use_sde: Must be False.
        settings: Settings of the networks, from :func:`ram_settings`.
        location_gradient: Whether the gradient of the location network flows into the core. It does not by default, as
            in the paper: the log-density of a location changes much faster with the weights than the log-probability
            of a task action, and would dominate its gradient.
        value_gradient: Whether the loss of the baseline also trains the core.
        optimizer_class: Class of the optimizer.
        optimizer_kwargs: Its arguments, without the learning rate; None for SB3's defaults.

    Raises:
        ValueError: If the spaces do not fit the settings, the settings have random locations, or ``use_sde`` is True.
    """

    features_extractor: GlimpseExtractor
    lstm_actor: RecurrentCore  # type: ignore[assignment]
    action_dist: HybridDistribution
    action_net: HybridHeads
    value_net: nn.Linear

    def __init__(
        self,
        observation_space: spaces.Space[Any],
        action_space: spaces.Space[Any],
        lr_schedule: Schedule,
        use_sde: bool = False,
        *,
        settings: RAMSettings,
        location_gradient: bool = False,
        value_gradient: bool = True,
        optimizer_class: type[torch.optim.Optimizer] = torch.optim.Adam,
        optimizer_kwargs: dict[str, Any] | None = None,
    ) -> None:
        if use_sde:
            raise ValueError("use_sde=True: the location is drawn from a Gaussian of fixed deviation; expected False")
        if settings.random_locations:
            raise ValueError("random_locations=True: here the location is always decided; expected False")
        action_shape = (settings.gaze_size + settings.num_actions,)
        if not isinstance(action_space, spaces.Box) or action_space.shape != action_shape:
            raise ValueError(
                f"the action space is {action_space}: expected a Box of shape {action_shape}, as an "
                "environment with action_format='box' has it; use an id without -Discrete"
            )
        self.settings, self.value_gradient = settings, value_gradient
        super().__init__(
            observation_space,
            action_space,
            lr_schedule,
            net_arch=[],
            features_extractor_class=GlimpseExtractor,
            features_extractor_kwargs={"settings": settings},
            optimizer_class=optimizer_class,
            optimizer_kwargs=optimizer_kwargs,
            lstm_hidden_size=settings.core_size,
            shared_lstm=True,
            enable_critic_lstm=False,
        )
        # These replace the LSTM and the optimizer of the parent class.
        policy = RAMPolicy(settings)
        self.lstm_actor = RecurrentCore(policy.core_network)
        self.action_dist = HybridDistribution()
        self.action_net = self.action_dist.proba_distribution_net(policy, location_gradient)
        self.value_net = policy.baseline.value
        rate: dict[str, Any] = {"lr": lr_schedule(1)}
        self.optimizer = self.optimizer_class(self.parameters(), **rate, **self.optimizer_kwargs)

    def networks(self) -> dict[str, nn.Module]:
        """Return the networks by their names in :class:`agents.ram.policy.RAMPolicy`."""
        return {
            "glimpse_network": self.features_extractor.glimpse_network,
            "core_network": self.lstm_actor.core_network,
            "location_network": self.action_net.location_network,
            "action_network": self.action_net.action_network,
            "baseline.value": self.value_net,
        }

    def evaluate_actions(  # type: ignore[override]
        self, obs: dict[str, Tensor], actions: Tensor, lstm_states: RNNStates, episode_starts: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Evaluate stored actions in B sequences of T steps, one sequence after the other.

        Args:
            obs: "glimpse" float32 (B * T, glimpse_size) and "location" float32 (B * T, gaze_size).
            actions: float32 (B * T, gaze_size + n).
            lstm_states: Initial states of the core, each float32 (1, B, core_size).
            episode_starts: float32 (B * T,), 1 where an episode starts.

        Returns:
            Values float32 (B * T, 1), log-probabilities and entropies float32 (B * T,).
        """
        features = self.features_extractor(obs)
        h, _ = self._process_sequence(features, lstm_states.pi, episode_starts, self.lstm_actor)
        distribution = self._get_action_dist_from_latent(h)
        value = self.value_net(h if self.value_gradient else h.detach())
        return value, distribution.log_prob(actions), distribution.entropy()

    @staticmethod
    def _process_sequence(  # type: ignore[override]
        features: Tensor, lstm_states: State, episode_starts: Tensor, lstm: nn.Module
    ) -> tuple[Tensor, State]:
        """Run the core over sequences, and reset its state where episodes start.

        The parent class goes step by step if any episode starts. This method makes one call per episode, which is one
        call in total for RecurrentPPO, because its sequences start where episodes start.
        """
        num_rows = lstm_states[0].shape[1]
        sequence = features.reshape(num_rows, -1, features.shape[-1]).swapaxes(0, 1)  # (B * T, F) -> (T, B, F)
        starts = episode_starts.reshape(num_rows, -1).swapaxes(0, 1)  # (B * T,) -> (T, B)
        cuts = [0, *(starts[1:].any(dim=1).nonzero()[:, 0] + 1).tolist(), len(sequence)]
        outputs = []
        for first, last in itertools.pairwise(cuts):
            goes_on = (1 - starts[first])[None, :, None]
            h, lstm_states = lstm(sequence[first:last], tuple(goes_on * state for state in lstm_states))
            outputs.append(h)
        return torch.cat(outputs).swapaxes(0, 1).flatten(0, 1), lstm_states  # (T, B, core_size) -> (B * T, core_size)

    def _build(self, lr_schedule: Schedule) -> None:
        """Create only what the parent class needs; the constructor creates the networks."""
        self._build_mlp_extractor()

    def _get_action_dist_from_latent(self, latent_pi: Tensor) -> HybridDistribution:
        return self.action_dist.proba_distribution(*self.action_net(latent_pi))

    def _get_constructor_parameters(self) -> dict[str, Any]:
        """Return the arguments from which ``load`` creates this policy."""
        return {
            "observation_space": self.observation_space,
            "action_space": self.action_space,
            "lr_schedule": self._dummy_schedule,
            "settings": self.settings,
            "location_gradient": self.action_net.location_gradient,
            "value_gradient": self.value_gradient,
            "optimizer_class": self.optimizer_class,
            "optimizer_kwargs": self.optimizer_kwargs,
        }


def to_sb3(policy: RAMPolicy, model: BaseAlgorithm) -> None:
    """Copy the weights and the location_std of a RAM policy into a model.

    Args:
        policy: For example that of :func:`agents.ram.checkpoint.load_checkpoint`.
        model: A RecurrentPPO with a :class:`RAMRecurrentPolicy` whose settings are ``policy.settings``.

    Raises:
        ValueError: If the model has another policy or other settings.
    """
    target = _ram_policy(model)
    ours, theirs = policy.settings.to_dict(), target.settings.to_dict()
    different = [f"{name}={ours[name]!r}, not {theirs[name]!r}" for name in ours if ours[name] != theirs[name]]
    if different:
        raise ValueError(
            f"the policy has {'; '.join(different)} as the model: make it with policy_kwargs={{'settings': "
            "policy.settings}"
        )
    for name, network in target.networks().items():
        network.load_state_dict(policy.get_submodule(name).state_dict())
    target.action_net.location_std.copy_(policy.location_std)


def from_sb3(model: BaseAlgorithm) -> RAMPolicy:
    """Return a RAM policy with the weights of a model.

    Args:
        model: A RecurrentPPO with a :class:`RAMRecurrentPolicy`.

    Raises:
        ValueError: If the model has another policy.
    """
    source = _ram_policy(model)
    policy = RAMPolicy(source.settings).to(source.device)
    for name, network in source.networks().items():
        policy.get_submodule(name).load_state_dict(network.state_dict())
    policy.location_std.copy_(source.action_net.location_std)
    return policy


def _ram_policy(model: BaseAlgorithm) -> RAMRecurrentPolicy:
    if not isinstance(model.policy, RAMRecurrentPolicy):
        raise ValueError(f"the model has a {type(model.policy).__name__}: expected one made with RAMRecurrentPolicy")
    return model.policy
