"""Stable-Baselines3 and sb3-contrib: our vector environment as a ``VecEnv``, and the RAM policy in ``RecurrentPPO``.

Every algorithm trains on the vector environment, and RecurrentPPO trains the RAM policy::

    env = VecMonitor(RAMVecEnv("RAM-CatchGame-v0", num_envs=64))
    model = PPO("MultiInputPolicy", env).learn(100_000)

    network = NetworkSettings(core="lstm", core_size=128, scale_gain=4.0)
    model = RecurrentPPO(RAMRecurrentPolicy, env, policy_kwargs={"settings": ram_settings(env, network)})
    policy = from_sb3(model)  # a RAMPolicy: save_checkpoint makes it one for `ram evaluate` and `ram watch`

Importing this module raises ``gymnasium.error.DependencyNotInstalled`` if one of the two libraries is missing.
"""

from __future__ import annotations

from agents.extras import require

require("sb3", "stable_baselines3", "sb3_contrib")

from agents.integrations.sb3_networks import GlimpseExtractor, HybridDistribution  # noqa: E402 (once they can be)
from agents.integrations.sb3_policy import RAMRecurrentPolicy, from_sb3, ram_settings, to_sb3  # noqa: E402
from agents.integrations.sb3_vec_env import RAMVecEnv  # noqa: E402

__all__ = [
    "GlimpseExtractor",
    "HybridDistribution",
    "RAMRecurrentPolicy",
    "RAMVecEnv",
    "from_sb3",
    "ram_settings",
    "to_sb3",
]
