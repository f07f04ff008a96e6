"""Copied and pickled environments go on as the original, and leave it alone."""

import copy
import pickle

import gymnasium as gym
import numpy as np
import pytest
import torch

import ram_envs.arrays

TASKS = [
    ("RAM-CatchGame-v0", {"screen_size": 7, "patch_size": 2, "num_scales": 2}),
    ("RAM-Digits-v0", {"num_glimpses": 3}),
]
WAYS = {"copy": copy.deepcopy, "pickle": lambda env: pickle.loads(pickle.dumps(env))}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("action_format", ["box", "dict", "multidiscrete", "discrete"])
@pytest.mark.parametrize(("env_id", "settings"), TASKS)
@pytest.mark.parametrize("interface", ["single", "vector", "tensor"])
def test_a_copy_goes_on_alike_and_independently(interface, env_id, settings, action_format, way, monkeypatch):
    monkeypatch.setattr(ram_envs.arrays, "_work", ram_envs.arrays.WORTH_LOADING)
    settings = {**settings, "action_format": action_format}
    if interface == "single":
        env = gym.make(env_id, **settings).unwrapped
    elif interface == "vector":
        env = gym.make_vec(env_id, 3, autoreset_mode="SameStep", **settings)
    else:
        env = ram_envs.make_tensor(env_id, 3, autoreset_mode="SameStep", **settings)
    env.action_space.seed(0)
    actions = [env.action_space.sample() for _ in range(8)]
    if interface == "tensor":
        as_tensors = lambda value: {k: torch.from_numpy(v) for k, v in value.items()}  # noqa: E731
        actions = [as_tensors(action) if isinstance(action, dict) else torch.from_numpy(action) for action in actions]
    env.reset(seed=5)
    env.step(actions[0])
    env.reset()
    twin = WAYS[way](env)

    def play(env):
        seen = []
        for action in actions[1:]:
            observation, reward, terminated, *_ = env.step(action)
            seen += [np.asarray(observation["glimpse"]), np.asarray(observation["location"]), np.asarray(reward)]
            if interface == "single" and terminated:
                seen.append(env.reset()[0]["glimpse"])
        seen.append(np.asarray(env.reset()[0]["glimpse"]))  # the next episode of every row
        return [value.tobytes() for value in seen]

    assert play(twin) == play(env)
