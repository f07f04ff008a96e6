"""What the glimpse wrapper costs: `python benchmarks/wrapper.py`.

A single environment that returns the same 84x84 frame at every step, with and without the wrapper, and Atari's native
vector environment with 32 rows (extra `atari`). The targets are at most 40 microseconds a step and at most 25 %.
The difference is small beside the noise of a machine that does other work. Turns are short, and the fastest turn of
each block counts. Atari runs in threads of its own, so one outcome is recorded and replayed: the time that the wrapper
adds to a replayed step is compared with the fastest real step.
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

SIDE, ROWS, SINGLE_STEPS, VECTOR_STEPS = 84, 32, 100, 10
BLOCKS = 5
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


class Replay(gym.vector.VectorEnv):
    """Returns one recorded outcome of a vector environment for ever."""

    def __init__(self, envs: gym.vector.VectorEnv) -> None:
        self.metadata, self.num_envs = dict(envs.metadata), envs.num_envs
        self.single_observation_space, self.observation_space = envs.single_observation_space, envs.observation_space
        self.single_action_space, self.action_space = envs.single_action_space, envs.action_space
        self._first = envs.reset(seed=0)
        self._outcome = envs.step(envs.action_space.sample())

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        """Return the recorded outcome of a reset."""
        return self._first

    def step(self, actions: Any) -> Any:
        """Return the recorded outcome of a step."""
        return self._outcome


def single(env: gym.Env) -> Contestant:
    """Step a single environment."""
    env.reset(seed=0)
    action = env.action_space.sample()

    def contestant() -> int:
        for _ in range(SINGLE_STEPS):
            env.step(action)
        return SINGLE_STEPS

    return contestant


def vector(envs: gym.vector.VectorEnv, steps: int = VECTOR_STEPS) -> Contestant:
    """Step a vector environment."""
    envs.reset(seed=0)
    actions = envs.action_space.sample()

    def contestant() -> int:
        for _ in range(steps):
            envs.step(actions)
        return steps

    return contestant


def fastest(rates: list[float]) -> list[float]:
    """Return the highest rate of each block of turns."""
    size = len(rates) // BLOCKS
    return [max(rates[first : first + size]) for first in range(0, size * BLOCKS, size)]


def added_microseconds(wrapped: list[float], inner: list[float]) -> Figure:
    """Return by how much a step takes longer, block by block, from rates in steps a second."""
    pairs = zip(fastest(wrapped), fastest(inner), strict=True)
    return figure([1e6 / with_it - 1e6 / without for with_it, without in pairs])


def added_percent(wrapped: list[float], replayed: list[float], real: list[float]) -> Figure:
    """Return what the wrapper adds to a replayed step, block by block, in percent of the fastest real step."""
    added = added_microseconds(wrapped, replayed)
    percent = 100 * max(real) / 1e6
    return Figure(added.median * percent, added.least * percent, added.greatest * percent, added.repeats)


def main() -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer turns, for a first look")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/wrapper.json"))
    options = parser.parse_args()
    turns = 10 if options.quick else 80

    contestants = {"single": single(StillFrame())}
    for name in FORMATS:
        contestants[f"single, {name}"] = single(Glimpse(StillFrame(), **SENSOR, action_format=name))
    missing: dict[str, str] = {}
    real: dict[str, Contestant] = {}
    try:
        import ale_py

        gym.register_envs(ale_py)
        envs = gym.make_vec("ALE/Pong-v5", num_envs=ROWS)
        contestants["replay"] = vector(Replay(envs))
        contestants["replay, wrapped"] = vector(VectorGlimpse(Replay(envs), **SENSOR, action_format="dict"))
        real = {"Atari": vector(envs, steps=1)}
    except ImportError as error:
        missing["AtariVectorEnv"] = str(error)
    rates = measure(contestants, repeats=BLOCKS * turns, seconds=0.0)

    added = {
        f"single, action_format='{name}': µs added to a step": added_microseconds(
            rates[f"single, {name}"], rates["single"]
        )
        for name in FORMATS
    }
    if not missing:
        rates |= measure(real, repeats=10 * turns, seconds=0.0)
        added["AtariVectorEnv, 32 rows: µs added to a step"] = added_microseconds(
            rates["replay, wrapped"], rates["replay"]
        )
        added["AtariVectorEnv, 32 rows: % added to a step"] = added_percent(
            rates["replay, wrapped"], rates["replay"], rates["Atari"]
        )
    print(
        markdown_table(["measurement", "median (least to greatest)"], [[name, value] for name, value in added.items()])
    )
    for name, error in missing.items():
        print(f"\n{name} was not measured: {error}")
    write_json(options.out, {"added": added, "missing": missing})


if __name__ == "__main__":
    main()
