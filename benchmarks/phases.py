"""Where the time of a training iteration goes: `python benchmarks/phases.py` (needs MNIST).

Catch and MNIST are trained by their presets for a while, and what the environment and playing take is clocked from
within; the rest is the update. The share of the machine's peak is that of the measured matrix product which the update
alone reaches.
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
    """Adds up what calls of functions take."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function, clocked."""

        def clocked(*args: Any, **keywords: Any) -> Any:
            start = time.perf_counter()
            try:
                return function(*args, **keywords)
            finally:
                self.seconds += time.perf_counter() - start

        return clocked


def phases(env_id: str, iterations: int) -> dict[str, float]:
    """Train for some iterations, and return microseconds a frame of environment, policy and update."""
    loop = games if env_id == CATCH else hybrid
    stepping, resetting, playing = Clock(), Clock(), Clock()
    with (
        patch.object(TensorEnv, "step", stepping.around(TensorEnv.step)),
        patch.object(TensorEnv, "reset", resetting.around(TensorEnv.reset)),
        patch.object(loop, "collect_episodes", playing.around(loop.collect_episodes)),
    ):
        # One thread, whatever the preset says: the product beside it is measured on one.
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
