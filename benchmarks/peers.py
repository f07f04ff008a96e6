"""Throughput compared with other environments, on one core: `python benchmarks/peers.py`.

ap_gym's CircleSquare is the most similar environment: an agent classifies an image with a small movable glimpse. It is
measured with the same number of rows, image size, patch size and number of steps. gymnax's Catch shows the whole 10x5
board and is compiled by JAX. `make bench` installs both in a virtual environment; a missing one is reported as missing.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")

import gymnasium as gym
import numpy as np
from measure import Contestant, figure, measure, ratio, write_json

import ram_envs  # noqa: F401
from agents.pictures.markdown import markdown_table

AP_GYM_ID, SIDE, PATCH, STEPS = "CircleSquare-s28-v0", 28, 5, 16


def step_forever(envs: gym.vector.VectorEnv, steps: int) -> Contestant:
    """Step a vector environment with random actions."""
    envs.reset(seed=0)
    action = envs.action_space.sample()

    def contestant() -> int:
        for _ in range(steps):
            envs.step(action)
        return steps * envs.num_envs

    return contestant


def our_glimpses(num_envs: int) -> Contestant:
    """Step our classification task with the sizes of ap_gym's environment."""
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (10_000, SIDE, SIDE)).astype(np.uint8)
    dataset = (images, generator.integers(0, 2, 10_000))
    envs = gym.make_vec("RAM-MNIST-v0", num_envs, dataset=dataset, patch_size=PATCH, num_glimpses=STEPS)
    return step_forever(envs, 4 * STEPS)


def ap_gym_glimpses(num_envs: int) -> Contestant:
    """Step ap_gym's environment with its defaults."""
    import ap_gym

    return step_forever(ap_gym.make_vec(AP_GYM_ID, num_envs=num_envs), 2)


def our_catch(num_envs: int) -> Contestant:
    """Step Catch."""
    return step_forever(gym.make_vec("RAM-CatchGame-v0", num_envs), 48)


def gymnax_catch(num_envs: int) -> Contestant:
    """Step gymnax's Catch: one compiled program for 48 steps of all rows."""
    import gymnax
    import jax

    env, parameters = gymnax.make("Catch-bsuite")
    reset = jax.vmap(env.reset, in_axes=(0, None))
    step = jax.vmap(env.step, in_axes=(0, 0, 0, None))
    steps = 48

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
        return jax.lax.scan(one, (key, state), length=steps)[1][0].sum()

    def contestant() -> int:
        play(jax.random.key(0)).block_until_ready()
        return steps * num_envs

    return contestant


def main() -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="shorter turns, for a first look")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/peers.json"))
    options = parser.parse_args()
    seconds = 0.2 if options.quick else 2.0

    rows, results, missing = [], {}, {}
    for title, ours, peer, theirs, counts in (
        ("glimpses of 5x5 in 28x28", our_glimpses, "ap_gym CircleSquare", ap_gym_glimpses, (64, 1024)),
        ("Catch", our_catch, "gymnax Catch (whole 10x5 board)", gymnax_catch, (1024,)),
    ):
        for num_envs in counts:
            contestants = {"ours": ours(num_envs)}
            try:
                contestants[peer] = theirs(num_envs)
            except ImportError as error:
                missing[peer] = str(error)
            rates = measure(contestants, seconds=seconds)
            name = f"{title}, {num_envs:,} rows"
            results[name] = {contestant: figure(values) for contestant, values in rates.items()}
            if peer in rates:
                results[name]["ratio"] = ratio(rates["ours"], rates[peer])
            found = results[name]
            rows.append([name, found["ours"], peer, found.get(peer, "missing"), found.get("ratio", "")])
    print(markdown_table(["what", "ours, steps/s", "peer", "peer, steps/s", "ratio"], rows))
    for peer, error in missing.items():
        print(f"missing: {peer} ({error})")
    write_json(options.out, {"steps_per_second": results, "missing": missing})


if __name__ == "__main__":
    main()
