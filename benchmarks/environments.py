"""Throughput of the environments on one core, in processor time: `python benchmarks/environments.py` (needs MNIST).

Actions are random. A step includes glimpses, auto-resets and the composition of new scenes.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import gymnasium as gym
from measure import Contestant, Figure, check_mnist, figure, measure, write_json

import ram_envs  # noqa: F401
from agents.pictures.markdown import markdown_table

ROWS = 1024


def vector(id: str, num_envs: int = ROWS) -> Contestant:
    """Step a vector environment through as many steps as two episodes have."""
    envs = gym.make_vec(id, num_envs)
    envs.reset(seed=0)
    action = envs.action_space.sample()
    steps = 2 * (envs.unwrapped.task.max_episode_steps + 1)

    def contestant() -> int:
        for _ in range(steps):
            envs.step(action)
        return steps * num_envs

    return contestant


def tensor(id: str, num_envs: int = ROWS) -> Contestant:
    """Step a tensor environment through one episode, as training does."""
    import torch

    torch.set_num_threads(1)
    env = ram_envs.make_tensor(id, num_envs, check_actions=False)
    env.reset(seed=0)
    action = torch.from_numpy(env.action_space.sample())

    def contestant() -> int:
        env.reset()
        for _ in range(env.task.max_episode_steps):
            env.step(action)
        return env.task.max_episode_steps * num_envs

    return contestant


def single(id: str) -> Contestant:
    """Step a single environment through one episode."""
    env = gym.make(id)
    env.reset(seed=0)
    action = env.action_space.sample()

    def contestant() -> int:
        env.reset()
        terminated, steps = False, 0
        while not terminated:
            terminated, steps = env.step(action)[2], steps + 1
        return steps

    return contestant


def observation_bytes() -> dict[str, int]:
    """Return the bytes of one float32 observation for each measured environment."""
    ids = {"Catch": "RAM-CatchGame-v0", "MNIST": "RAM-MNIST-v0", "Cluttered 60x60": "RAM-ClutteredMNIST-v0"}
    ids["Cluttered 100x100"] = "RAM-ClutteredMNIST100-v0"
    return {name: 4 * gym.spaces.flatdim(gym.make_vec(id, 1).single_observation_space) for name, id in ids.items()}


def import_seconds(repeats: int) -> Figure:
    """Time `import ram_envs` in new processes, without the start of Python."""
    code = "import time; start = time.process_time(); import ram_envs; print(time.process_time() - start)"

    def run() -> float:
        return float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)

    run()
    return figure([run() for _ in range(repeats)])


def main() -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="shorter turns, for a first look")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/environments.json"))
    options = parser.parse_args()
    check_mnist()
    seconds = 0.1 if options.quick else 1.0

    contestants = {
        "Catch, vector, 1,024 rows": vector("RAM-CatchGame-v0"),
        "Catch, tensor, 1,024 rows": tensor("RAM-CatchGame-v0"),
        "MNIST, vector, 1,024 rows": vector("RAM-MNIST-v0"),
        "Cluttered 60x60, vector, 1,024 rows": vector("RAM-ClutteredMNIST-v0"),
        "Cluttered 60x60, tensor, 1,024 rows": tensor("RAM-ClutteredMNIST-v0"),
        "Cluttered 100x100, vector, 1,024 rows": vector("RAM-ClutteredMNIST100-v0"),
        "Catch, single": single("RAM-CatchGame-v0"),
        "MNIST, single": single("RAM-MNIST-v0"),
    }
    rates = {name: figure(values) for name, values in measure(contestants, seconds=seconds, clock="processor").items()}
    seconds_to_import = import_seconds(5)
    rows = [[name, rate, f"{1e6 / rate.median:.3g}"] for name, rate in rates.items()]
    print(markdown_table(["environment", "steps/s: median (least to greatest)", "microseconds a step"], rows))
    print(f"\nimport ram_envs, seconds: {seconds_to_import}")
    found = {"steps_per_second": rates, "observation_bytes": observation_bytes(), "import_seconds": seconds_to_import}
    write_json(options.out, found)


if __name__ == "__main__":
    main()
