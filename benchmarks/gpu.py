"""Everything that is to be known of a GPU, in one go: `python benchmarks/gpu.py` (`--device cpu` tries it out).

First it holds the device's episodes equal to the CPU's, bit for bit. Then it measures, for growing numbers of rows:
steps of the environments, frames of Catch training, images of MNIST training; the ceilings (matrix products and a
copy), and the share of the bfloat16 product that training reaches.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from measure import Contestant, figure, markdown_table, measure, write_json
from training import (
    CATCH,
    MNIST,
    copy,
    frames_per_second,
    matrix_product,
    operations_per_frame,
)

from agents.training.presets import settings_for
from agents.training.settings import EnvironmentSettings, GameSettings, HybridSettings
from ram_envs import make_tensor

SCENES = ("RAM-CatchGame-v0", "RAM-MNIST-v0", "RAM-ClutteredMNIST-v0", "RAM-ClutteredMNIST100-v0")


def wait(device: str) -> None:
    """Let the device finish what it was given."""
    if device.startswith("cuda"):
        torch.cuda.synchronize()


def check_equal(device: str, rows: int = 512) -> None:
    """Hold a device's episodes equal to the CPU's.

    Raises:
        AssertionError: If a glimpse, a reward or an info differs in one bit.
    """
    for id in SCENES:
        envs = [make_tensor(id, rows, where, action_format="dict") for where in ("cpu", device)]
        results = [env.reset(seed=7) for env in envs]
        generator = torch.Generator().manual_seed(0)
        for _ in range(envs[0].task.max_episode_steps):
            fixation = torch.rand(rows, 2, generator=generator) * 2 - 1
            choice = torch.randint(envs[0].task.num_actions, (rows,), generator=generator)
            steps = [
                env.step({"fixation": fixation.to(env.device), env.task.action_key: choice.to(env.device)})
                for env in envs
            ]
            results = [(step[0], {"reward": step[1], **step[4]}) for step in steps]
            for part, other in zip(*results, strict=True):
                for key in part:
                    assert torch.equal(part[key], other[key].cpu()), f"{id}: {key} differs between the CPU and {device}"
    print(f"episodes on {device} equal those on the CPU, bit for bit: {', '.join(SCENES)}")


def stepping(id: str, rows: int, device: str) -> Contestant:
    """Play one episode in every row."""
    env = make_tensor(id, rows, device, action_format="dict", check_actions=False)
    action = {
        "fixation": torch.rand(rows, 2, device=device) * 2 - 1,
        env.task.action_key: torch.zeros(rows, dtype=torch.int64, device=device),
    }

    def contestant() -> int:
        env.reset(seed=0)
        for _ in range(env.task.max_episode_steps):
            env.step(action)
        wait(device)
        return rows * env.task.max_episode_steps

    return contestant


def waiting(contestant: Contestant, device: str) -> Contestant:
    """Let the device finish within the time that is taken."""

    def waited() -> int:
        units = contestant()
        wait(device)
        return units

    return waited


def catch(rows: int, iterations: int, device: str) -> float:
    """Train Catch by its preset with so many rows."""
    settings = settings_for(CATCH)
    assert isinstance(settings, GameSettings)
    settings = replace(settings, num_envs=rows, frames=rows * 23 * iterations, log_every=max(1, iterations // 4))
    return frames_per_second(CATCH, settings, device)


def mnist(rows: int, iterations: int, device: str) -> float:
    """Train MNIST by its preset with so many rows; frames, of which an image has 6."""
    settings = settings_for(MNIST)
    assert isinstance(settings, HybridSettings)
    epochs = max(1, round(iterations * rows / 60_000))
    settings = replace(settings, environment=EnvironmentSettings(), num_envs=rows, epochs=epochs, log_every=4)
    return frames_per_second(MNIST, settings, device)


def main() -> int:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--rows", type=int, nargs="+", default=[256, 1024, 4096, 16_384, 65_536])
    parser.add_argument("--iterations", type=int, default=40)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/gpu.json"))
    options = parser.parse_args()
    device = options.device
    if device.startswith("cuda") and not torch.cuda.is_available():
        print("there is no GPU here: pass --device cpu to try this script out", file=sys.stderr)
        return 2
    check_equal(device)

    size = 8192 if device.startswith("cuda") else 512
    ceilings: dict[str, Contestant] = {
        "float32 product, FLOP/s": matrix_product(torch.float32, device, size, size),
        "bfloat16 product, FLOP/s": matrix_product(torch.bfloat16, device, size, size),
        "copy, bytes/s": copy(device),
    }
    found: dict[str, Any] = {}
    rates = measure({name: waiting(one, device) for name, one in ceilings.items()}, options.repeats, options.seconds)
    found["ceilings"] = {name: figure(values) for name, values in rates.items()}
    peak = found["ceilings"]["bfloat16 product, FLOP/s"].median
    table: list[list[Any]] = [["", name, value] for name, value in found["ceilings"].items()]
    for rows in options.rows:
        contestants = {id: stepping(id, rows, device) for id in SCENES}
        rates = measure(contestants, options.repeats, options.seconds)
        at: dict[str, Any] = {f"{id}, steps/s": figure(values) for id, values in rates.items()}
        for name, id, train in (
            ("Catch training, frames/s", CATCH, catch),
            ("MNIST training, glimpses/s", MNIST, mnist),
        ):
            rate = figure([train(rows, options.iterations, device) for _ in range(min(3, options.repeats))])
            at[name] = rate
            at[f"{name}: share of the bfloat16 product"] = operations_per_frame(id) * rate.median / peak
        found[f"{rows} rows"] = at
        table += [[f"{rows:,}", name, value] for name, value in at.items()]
    print(markdown_table(["rows", "what", "median (least to greatest)"], table))
    name = torch.cuda.get_device_name() if device.startswith("cuda") else "the CPU"
    write_json(options.out, {"device": name, **found})
    return 0


if __name__ == "__main__":
    sys.exit(main())
