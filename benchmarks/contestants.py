"""Contestants of several benchmarks: functions that set up some work, and return a function that does it once.

That function returns the number of units done: steps of all rows, frames, or runs of a command. Libraries are imported
by the functions that need them, so this file also runs in a virtual environment without ours (benchmarks/elsewhere.py).
Actions are random but drawn in advance, except in gymnax, whose compiled program draws them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Contestant = Callable[[], int]
STEPS = 48
"""Steps of a call: two episodes of our Catch, four of the peers'."""


def vector(id: str, num_envs: int, **settings: Any) -> Contestant:
    """Step a vector environment of ours, of this or of an earlier version."""
    import gymnasium as gym

    load_kernels()
    return stepped(gym.make_vec(f"ram_envs:{id}", num_envs, **settings), STEPS)


def single(id: str) -> Contestant:
    """Step a single environment of ours or of Gymnasium, and reset it when an episode ends."""
    import gymnasium as gym

    if id.startswith("RAM-"):
        load_kernels()
    env = gym.make(f"ram_envs:{id}" if id.startswith("RAM-") else id)
    env.reset(seed=0)
    env.action_space.seed(0)
    action = env.action_space.sample()

    def contestant() -> int:
        for _ in range(STEPS):
            _, _, terminated, truncated, _ = env.step(action)
            if terminated or truncated:
                env.reset()
        return STEPS

    return contestant


def rgb_frames(id: str) -> Contestant:
    """Step a single environment of ours and render every step as an array."""
    import gymnasium as gym

    load_kernels()
    env = gym.make(f"ram_envs:{id}", render_mode="rgb_array")
    env.reset(seed=0)
    env.action_space.seed(0)
    action = env.action_space.sample()

    def contestant() -> int:
        for _ in range(STEPS):
            _, _, terminated, truncated, _ = env.step(action)
            if terminated or truncated:
                env.reset()
            env.render()
        return STEPS

    return contestant


def scenes(image_size: int, num_envs: int) -> Contestant:
    """Reset translated MNIST on tensors as training does, with scenes of this side; units are scenes."""
    import torch

    from ram_envs import make_tensor

    load_kernels()
    torch.set_num_threads(1)
    env = make_tensor("RAM-TranslatedMNIST-v0", num_envs, image_size=image_size, check_actions=False)
    env.reset(seed=0)

    def contestant() -> int:
        env.reset()
        return num_envs

    return contestant


def training(id: str, rows: int, iterations: int, image_size: int | None = None) -> Contestant:
    """Train the agent with its preset on one thread, of this or of an earlier version; units are images."""
    from dataclasses import is_dataclass, replace
    from tempfile import TemporaryDirectory

    from agents.training.presets import settings_for
    from agents.training.trainer import train

    load_kernels()
    settings: Any = settings_for(id)
    environment: Any = {"split": f"train[:{rows * iterations}]"} | ({"image_size": image_size} if image_size else {})
    if is_dataclass(settings.environment):  # as in version 0.1
        environment = replace(settings.environment, **environment)
    else:
        environment = {**settings.environment, **environment}
    settings = replace(settings, environment=environment, num_envs=rows, epochs=1, checkpoint_every=iterations)

    def contestant() -> int:
        with TemporaryDirectory() as folder:
            train(id, settings, folder, device="cpu", progress_bar=False)
        return rows * iterations

    return contestant


def command(*arguments: str) -> Contestant:
    """Run Python with these arguments to the end, with the packages of PYTHONPATH; units are runs."""
    import os
    import subprocess
    import sys

    environment = {**os.environ, "PYTHONSAFEPATH": "1"}  # PYTHONPATH chooses the packages, not the current folder

    def contestant() -> int:
        subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True, env=environment)
        return 1

    return contestant


def gymnasium_cartpole(num_envs: int) -> Contestant:
    """Step Gymnasium's vectorized CartPole, which is written in NumPy."""
    import gymnasium as gym

    return stepped(gym.make_vec("CartPole-v1", num_envs, vectorization_mode="vector_entry_point"), STEPS)


def envpool_catch(num_envs: int) -> Contestant:
    """Step envpool's Catch, written in C++, on one thread."""
    import envpool
    import numpy as np

    envs = envpool.make("Catch-v0", env_type="gymnasium", num_envs=num_envs, num_threads=1)
    envs.reset()
    action = np.random.default_rng(0).integers(0, 3, num_envs).astype(np.int32)

    def contestant() -> int:
        for _ in range(STEPS):
            envs.step(action)
        return STEPS * num_envs

    return contestant


def bsuite_catch() -> Contestant:
    """Step bsuite's Catch, a single environment."""
    from bsuite.environments.catch import Catch

    env = Catch(seed=0)
    env.reset()

    def contestant() -> int:
        for step in range(STEPS):
            env.step(step % 3)  # resets itself
        return STEPS

    return contestant


def gymnax_catch(num_envs: int) -> Contestant:
    """Step gymnax's Catch: one compiled program for all steps of all rows."""
    import gymnax
    import jax

    env, parameters = gymnax.make("Catch-bsuite")
    reset = jax.vmap(env.reset, in_axes=(0, None))
    step = jax.vmap(env.step, in_axes=(0, 0, 0, None))

    @jax.jit
    def play(key: jax.Array) -> jax.Array:
        def one(carry, _):
            key, state = carry
            key, act, move = jax.random.split(key, 3)
            action = jax.random.randint(act, (num_envs,), 0, 3)
            observation, state, reward, *_ = step(jax.random.split(move, num_envs), state, action, parameters)
            return (key, state), (observation.sum(), reward.sum())

        key, first = jax.random.split(key)
        _, state = reset(jax.random.split(first, num_envs), parameters)
        return jax.lax.scan(one, (key, state), length=STEPS)[1][0].sum()

    key = jax.random.key(0)

    def contestant() -> int:
        play(key).block_until_ready()
        return STEPS * num_envs

    return contestant


def stepped(envs: Any, steps: int) -> Contestant:
    """Step a vector environment with the same random actions again and again."""
    envs.reset(seed=0)
    envs.action_space.seed(0)
    action = envs.action_space.sample()

    def contestant() -> int:
        for _ in range(steps):
            envs.step(action)
        return steps * envs.num_envs

    return contestant


def load_kernels() -> None:
    """Load the compiled kernels at the first step; otherwise that happens in the middle of a measurement."""
    from ram_envs import arrays

    if hasattr(arrays, "WORTH_LOADING"):  # earlier versions load them at once
        arrays.WORTH_LOADING = 0
