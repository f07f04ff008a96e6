"""Algorithms of Stable-Baselines3 and sb3-contrib in a benchmark, with settings for short parallel episodes."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

import gymnasium
import numpy as np

from agents.benchmark.algorithm import Algorithm, Problem, Progress
from agents.benchmark.ram import network_settings
from agents.benchmark.ranges import check_ranges
from agents.extras import require
from agents.ram.settings import NetworkSettings
from agents.training.presets import settings_for_any

require("sb3", "stable_baselines3", "sb3_contrib")

import sb3_contrib  # noqa: E402 (once they can be)
import stable_baselines3  # noqa: E402
from stable_baselines3.common.base_class import BaseAlgorithm  # noqa: E402
from stable_baselines3.common.callbacks import BaseCallback  # noqa: E402
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv, VecFrameStack  # noqa: E402
from stable_baselines3.common.vec_env.stacked_observations import StackedObservations  # noqa: E402

from agents.integrations.sb3 import RAMRecurrentPolicy, RAMVecEnv, ram_settings  # noqa: E402

_CHOSEN_HERE = (
    "self",
    "policy",
    "env",
    "seed",
    "device",
    "verbose",
    "tensorboard_log",
    "stats_window_size",
    "_init_setup_model",
)
_ON_POLICY = {"num_envs": 64, "num_stacked": 1, "gae_lambda": 0.9, "learning_rate": 1e-3, "ent_coef": 0.01}
_OFF_POLICY = {"num_envs": 16, "num_stacked": 1, "buffer_size": 200_000, "batch_size": 128, "learning_starts": 5_000}


class StableBaselines3(Algorithm):
    """What all of them share: the environment, the budget, and evaluation.

    Settings are the arguments of the model's class, and:

    - ``num_envs``: rows of the training environment;
    - ``num_stacked``: number of stacked observations that the policy sees.
    """

    model_class: ClassVar[type[BaseAlgorithm]]
    policies: ClassVar[Mapping[str, Any]] = {"dict": "MultiInputPolicy", "flat": "MlpPolicy"}
    """The policy for each observation format."""

    def __init__(self, problem: Problem, settings: Mapping[str, Any]) -> None:
        super().__init__(problem, settings)
        self._stacks = int(self.settings.get("num_stacked", 1))
        env = _vec_env(problem, int(self.settings["num_envs"]))
        self._one_observation = env.observation_space
        if self._stacks > 1:
            env = VecFrameStack(env, self._stacks)
        own = self.own_settings()
        arguments = {name: copy.deepcopy(value) for name, value in self.settings.items() if name not in own}
        policy = self.policies[problem.observation_format]
        arguments = arguments | self.policy_arguments(env)
        self.model = self.model_class(policy, env, seed=problem.seed, device=problem.device, verbose=0, **arguments)
        env.seed(problem.training_seed)  # after the model, which seeds it with other numbers

    @classmethod
    def known_settings(cls, env_id: str) -> Mapping[str, Any]:
        """Return the arguments of the model's class and of this class, with their defaults."""
        parameters = inspect.signature(cls.model_class.__init__).parameters
        theirs = {name: p.default for name, p in parameters.items() if name not in _CHOSEN_HERE}
        return {**theirs, **cls.defaults}

    @classmethod
    def check_settings(cls, settings: Mapping[str, Any], env_id: str) -> None:
        """Check the ranges too; see :class:`agents.benchmark.algorithm.Algorithm`."""
        super().check_settings(settings, env_id)
        check_ranges(settings)

    @classmethod
    def own_settings(cls) -> tuple[str, ...]:
        """Return the settings that are not arguments of the model's class."""
        return ("num_envs", "num_stacked")

    def policy_arguments(self, env: VecEnv) -> dict[str, Any]:
        """Return further arguments of the model."""
        return {}

    def learn(self, frames: int, progress: Progress) -> None:
        """Learn; whole rollouts may exceed the budget a little."""
        self.model.learn(frames, callback=_Report(progress))
        progress(self.model.num_timesteps)

    def start(self, num_envs: int) -> None:
        """Reset the stacked observations and the states of an LSTM."""
        self._state: Any = None
        self._starts = np.ones(num_envs, bool)
        self._stack = StackedObservations(num_envs, self._stacks, self._one_observation) if self._stacks > 1 else None  # type: ignore[arg-type]

    def act(self, observation: Any) -> Any:
        """Choose deterministic actions."""
        num_envs = len(self._starts)
        if self._stack is not None:
            begins = bool(self._starts.all())
            never, nothing = np.zeros(num_envs, bool), [{} for _ in range(num_envs)]  # type: ignore[var-annotated]
            stack = self._stack
            observation = stack.reset(observation) if begins else stack.update(observation, never, nothing)[0]
        action, self._state = self.model.predict(observation, self._state, self._starts, deterministic=True)
        self._starts = np.zeros(num_envs, bool)
        return action


class PPO(StableBaselines3):
    """PPO (Schulman et al. 2017), without memory."""

    name = "ppo"
    model_class = stable_baselines3.PPO
    action_formats = ("box", "multidiscrete", "discrete")
    defaults = {**_ON_POLICY, "n_steps": 48, "batch_size": 768, "n_epochs": 4, "gamma": 1.0}


class StackedPPO(PPO):
    """PPO whose policy sees the last four observations."""

    name = "ppo-stacked"
    defaults = {**PPO.defaults, "num_stacked": 4}


class A2C(StableBaselines3):
    """A2C (Mnih et al. 2016)."""

    name = "a2c"
    model_class = stable_baselines3.A2C
    action_formats = ("box", "multidiscrete", "discrete")
    defaults = {**_ON_POLICY, "n_steps": 8, "gamma": 1.0}


class DQN(StableBaselines3):
    """DQN (Mnih et al. 2015), with one discrete action for the answer and a grid cell of the gaze."""

    name = "dqn"
    model_class: ClassVar[type[BaseAlgorithm]] = stable_baselines3.DQN
    action_formats = ("discrete",)
    observation_formats = ("flat",)
    defaults = {
        **_OFF_POLICY,
        "learning_rate": 5e-4,
        "train_freq": 1,
        "gradient_steps": 2,
        "target_update_interval": 2_000,
        "exploration_fraction": 0.3,
    }


class QRDQN(DQN):
    """QR-DQN (Dabney et al. 2018), of sb3-contrib: DQN with quantiles of the return."""

    name = "qrdqn"
    model_class = sb3_contrib.QRDQN


class SAC(StableBaselines3):
    """SAC (Haarnoja et al. 2018)."""

    name = "sac"
    model_class: ClassVar[type[BaseAlgorithm]] = stable_baselines3.SAC
    action_formats = ("box",)
    defaults = {**_OFF_POLICY, "train_freq": 1, "gradient_steps": 1}


class TQC(SAC):
    """TQC (Kuznetsov et al. 2020), of sb3-contrib: SAC with critics of quantiles, without the highest of them."""

    name = "tqc"
    model_class = sb3_contrib.TQC


class RecurrentPPO(StableBaselines3):
    """PPO with an LSTM, of sb3-contrib."""

    name = "recurrent-ppo"
    model_class = sb3_contrib.RecurrentPPO
    policies = {"dict": "MultiInputLstmPolicy", "flat": "MlpLstmPolicy"}
    action_formats: ClassVar[tuple[str, ...]] = ("box", "multidiscrete", "discrete")
    defaults = {**PPO.defaults}


class RecurrentPPOWithRAM(RecurrentPPO):
    """RecurrentPPO with this project's policy: its networks and the paper's hybrid action.

    The setting ``network`` replaces settings of the networks of the environment's preset.
    """

    name = "recurrent-ppo-ram"
    policies = {"dict": RAMRecurrentPolicy}
    action_formats: ClassVar[tuple[str, ...]] = ("box",)
    observation_formats = ("dict",)
    defaults = {**RecurrentPPO.defaults, "network": {}}

    @classmethod
    def own_settings(cls) -> tuple[str, ...]:
        """Return the settings that are not arguments of the model's class."""
        return (*super().own_settings(), "network")

    @classmethod
    def known_settings(cls, env_id: str) -> Mapping[str, Any]:
        """Return the settings, without those that the policy fixes."""
        closed = ("policy_kwargs", "use_sde", "sde_sample_freq", "num_stacked")
        return {name: value for name, value in super().known_settings(env_id).items() if name not in closed}

    @classmethod
    def check_settings(cls, settings: Mapping[str, Any], env_id: str) -> None:
        """Check settings, including those of the networks; see :meth:`Algorithm.check_settings`."""
        super().check_settings(settings, env_id)
        cls._network(env_id, settings.get("network", {}))

    def policy_arguments(self, env: VecEnv) -> dict[str, Any]:
        """Return the settings of the policy."""
        network = self._network(self.problem.env_id, self.settings["network"])
        return {"policy_kwargs": {"settings": ram_settings(env, network)}}

    @staticmethod
    def _network(env_id: str, changes: Mapping[str, Any]) -> NetworkSettings:
        return network_settings(settings_for_any(env_id).network, changes)


def _vec_env(problem: Problem, num_envs: int) -> VecEnv:
    if problem.is_wrapped:
        return DummyVecEnv([partial(gymnasium.make, problem.env_id, **problem.arguments)] * num_envs)
    return RAMVecEnv(problem.env_id, num_envs, **problem.arguments)


class _Report(BaseCallback):
    """Reports the number of frames to the benchmark."""

    def __init__(self, progress: Progress) -> None:
        super().__init__()
        self._progress = progress

    def _on_step(self) -> bool:
        self._progress(self.num_timesteps)
        return True
