"""Time of the phases of a training iteration: `python benchmarks/phases.py` (needs MNIST).

Catch and MNIST are trained with their presets for some iterations. Environment and policy are timed in the rollout;
the rest of an iteration is the update. The share of the peak is the throughput of the update relative to the measured
matrix product.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from counting import update_bytes_per_frame, update_operations_per_frame
from measure import Figure, check_mnist, figure, measure, write_json
from training import CATCH, MNIST, copy, matrix_product, seconds_and_frames, shortened

from agents.pictures.markdown import markdown_table
from agents.training import games, hybrid
from agents.training.fast.device import resolve_device, resolve_precision
from ram_envs.envs.tensor import TensorEnv


class Clock:
    """Adds up the duration of function calls."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap a function so that its duration is added."""

        def clocked(*args: Any, **keywords: Any) -> Any:
            start = time.perf_counter()
            try:
                return function(*args, **keywords)
            finally:
                self.seconds += time.perf_counter() - start

        return clocked


def phases(env_id: str, iterations: int) -> dict[str, float]:
    """Train for some iterations, and return microseconds per frame of environment, policy and update."""
    loop = games if env_id == CATCH else hybrid
    stepping, resetting, playing = Clock(), Clock(), Clock()
    with (
        patch.object(TensorEnv, "step", stepping.around(TensorEnv.step)),
        patch.object(TensorEnv, "reset", resetting.around(TensorEnv.reset)),
        patch.object(loop, "collect_episodes", playing.around(loop.collect_episodes)),
    ):
        # One thread regardless of the preset, like the matrix product that the update is compared with.
        seconds, frames = seconds_and_frames(env_id, replace(shortened(env_id, iterations), threads=1), "cpu")
    clocked = {
        "environment": stepping.seconds + resetting.seconds,
        "policy": playing.seconds - stepping.seconds,
        "update": seconds - playing.seconds - resetting.seconds,  # resets come before playing
    }
    return {phase: 1e6 * value / frames for phase, value in clocked.items()}


def main() -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="shorter and fewer turns, for a first look")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/phases.json"))
    options = parser.parse_args()
    check_mnist()
    repeats, iterations = (2, 8) if options.quick else (options.repeats, 60)
    torch.set_num_threads(1)
    precision = resolve_precision("auto", resolve_device("cpu"))
    ceilings = {"product": matrix_product(getattr(torch, precision), "cpu"), "copy": copy("cpu")}
    peaks = {name: figure(rates).median for name, rates in measure(ceilings, repeats, 0.2).items()}

    results: dict[str, Any] = {"precision": precision}
    table: list[list[Any]] = []
    for name, env_id in (("Catch", CATCH), ("MNIST", MNIST)):
        turns = [phases(env_id, iterations) for _ in range(repeats)]
        found: dict[str, Figure | int] = {
            f"{phase}, microseconds a frame": figure([turn[phase] for turn in turns]) for phase in turns[0]
        }
        operations, traffic = update_operations_per_frame(env_id), update_bytes_per_frame(env_id)
        rates = [1e6 / turn["update"] for turn in turns]  # frames a second of the update alone
        found |= {
            "operations of the update, a frame": operations,
            "bytes of the update's products, a frame": traffic,
            f"share of the {precision} product, update": figure(
                [operations * rate / peaks["product"] for rate in rates]
            ),
            "share of the copy, update": figure([traffic * rate / peaks["copy"] for rate in rates]),
        }
        results[name] = found
        table += [[name, what, value] for what, value in found.items()]
    print(markdown_table(["training", "what", "median (least to greatest)"], table))
    write_json(options.out, results)


if __name__ == "__main__":
    main()
