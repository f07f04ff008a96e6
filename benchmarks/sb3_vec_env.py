"""Throughput of RAMVecEnv, compared with DummyVecEnv and SubprocVecEnv of single environments.

`python benchmarks/sb3_vec_env.py` (needs the extra sb3; without it, it is reported as missing). Steps are counted per
row: 64 rows that step together are 64 steps. Actions are random and drawn in advance. A step includes glimpses,
auto-resets and infos.
"""

from __future__ import annotations

import argparse
import itertools
import os
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("OMP_NUM_THREADS", "1")

import gymnasium as gym
import numpy as np
from measure import Contestant, figure, measure, ratio, write_json

from agents.pictures.markdown import markdown_table

if TYPE_CHECKING:
    from stable_baselines3.common.vec_env import VecEnv


def stepping(envs: VecEnv) -> Contestant:
    """Step all rows through as many steps as a game of Catch has."""
    envs.seed(0)
    envs.reset()
    envs.action_space.seed(0)
    actions = itertools.cycle([np.stack([envs.action_space.sample() for _ in range(envs.num_envs)]) for _ in range(23)])

    def contestant() -> int:
        for action in itertools.islice(actions, 23):
            envs.step(action)
        return 23 * envs.num_envs

    return contestant


def main() -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env-id", default="RAM-CatchGame-v0")
    parser.add_argument("--rows", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.0, help="how long a turn lasts at least")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/sb3_vec_env.json"))
    parser.add_argument("--quick", action="store_true", help="shorter turns, for a first look")
    options = parser.parse_args()
    if options.quick:
        options.repeats, options.seconds = 5, 0.2

    try:
        from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv
    except ImportError as error:
        print(f"missing: Stable-Baselines3 ({error})")
        write_json(options.out, {"missing": {"Stable-Baselines3": str(error)}})
        return
    from agents.integrations.sb3 import RAMVecEnv

    makers = [lambda: gym.make(f"ram_envs:{options.env_id}")] * options.rows
    vec_envs = {
        "RAMVecEnv": RAMVecEnv(options.env_id, options.rows),
        "DummyVecEnv": DummyVecEnv(makers),
        "SubprocVecEnv": SubprocVecEnv(makers),
    }
    try:
        contestants = {name: stepping(envs) for name, envs in vec_envs.items()}
        rates = measure(contestants, options.repeats, options.seconds)
    finally:
        for envs in vec_envs.values():
            envs.close()
    figures = {name: figure(values) for name, values in rates.items()}
    ratios = {name: ratio(rates["RAMVecEnv"], values) for name, values in rates.items() if name != "RAMVecEnv"}
    rows = [[name, steps, ratios.get(name, "")] for name, steps in figures.items()]
    print(f"{options.env_id}, {options.rows} rows\n")
    print(markdown_table(["", "steps/s: median (least to greatest)", "RAMVecEnv is so many times faster"], rows))
    settings = {"environment": options.env_id, "rows": options.rows, "repeats": options.repeats}
    write_json(options.out, {"settings": settings, "steps_per_second": figures, "ratios": ratios})


if __name__ == "__main__":
    main()
