"""What the glimpse wrapper costs: `python benchmarks/wrapper.py`.

A single environment that returns the same 84x84 frame at every step, with and without the wrapper, and Atari's native
vector environment with 32 rows (extra `atari`). The targets are at most 40 microseconds a step and at most 25 %.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import gymnasium as gym
import numpy as np
from measure import Contestant, Figure, figure, measure, write_json

from agents.pictures.markdown import markdown_table
from ram_envs.wrappers import Glimpse, VectorGlimpse

SIDE, ROWS, SINGLE_STEPS, VECTOR_STEPS = 84, 32, 500, 20
SENSOR = {"patch_size": 12, "num_scales": 3}
FORMATS = ("box", "dict", "discrete")


class StillFrame(gym.Env):
    """Returns one random frame for ever, so that a step costs almost nothing."""

    observation_space = gym.spaces.Box(0, 255, (SIDE, SIDE), np.uint8)
    action_space = gym.spaces.Discrete(6)
    _frame = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE), np.uint8)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        """Return the frame."""
        super().reset(seed=seed)
        return self._frame, {}

    def step(self, action: Any) -> Any:
        """Return the frame."""
        return self._frame, 0.0, False, False, {}


def single(env: gym.Env) -> Contestant:
    """Step a single environment."""
    env.reset(seed=0)
    action = env.action_space.sample()

    def contestant() -> int:
        for _ in range(SINGLE_STEPS):
            env.step(action)
        return SINGLE_STEPS

    return contestant


def vector(envs: gym.vector.VectorEnv) -> Contestant:
    """Step a vector environment."""
    envs.reset(seed=0)
    actions = envs.action_space.sample()

    def contestant() -> int:
        for _ in range(VECTOR_STEPS):
            envs.step(actions)
        return VECTOR_STEPS

    return contestant


def added_microseconds(wrapped: list[float], inner: list[float]) -> Figure:
    """Return by how much a step takes longer, turn by turn, from rates in steps a second."""
    return figure([1e6 / with_it - 1e6 / without for with_it, without in zip(wrapped, inner, strict=True)])


def added_percent(wrapped: list[float], inner: list[float]) -> Figure:
    """Return by how much a step takes longer, turn by turn, in percent of a step without the wrapper."""
    return figure([100 * (without / with_it - 1) for with_it, without in zip(wrapped, inner, strict=True)])


def main() -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="shorter turns, for a first look")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/wrapper.json"))
    options = parser.parse_args()
    repeats, seconds = (9, 0.1) if options.quick else (21, 0.5)

    contestants = {"single": single(StillFrame())}
    for name in FORMATS:
        contestants[f"single, {name}"] = single(Glimpse(StillFrame(), **SENSOR, action_format=name))
    missing: dict[str, str] = {}
    try:
        import ale_py

        gym.register_envs(ale_py)
        inner, wrapped = (gym.make_vec("ALE/Pong-v5", num_envs=ROWS) for _ in range(2))
        contestants["Atari"] = vector(inner)
        contestants["Atari, wrapped"] = vector(VectorGlimpse(wrapped, **SENSOR, action_format="dict"))
    except ImportError as error:
        missing["AtariVectorEnv"] = str(error)
    rates = measure(contestants, repeats=repeats, seconds=seconds)

    added = {
        f"single, action_format='{name}': µs added to a step": added_microseconds(
            rates[f"single, {name}"], rates["single"]
        )
        for name in FORMATS
    }
    if not missing:
        added["AtariVectorEnv, 32 rows: % added to a step"] = added_percent(rates["Atari, wrapped"], rates["Atari"])
    print(
        markdown_table(["measurement", "median (least to greatest)"], [[name, value] for name, value in added.items()])
    )
    for name, error in missing.items():
        print(f"\n{name} was not measured: {error}")
    write_json(options.out, {"added": added, "missing": missing})


if __name__ == "__main__":
    main()
