"""All checks and measurements on a GPU: `python benchmarks/gpu.py` (`--device cpu` tests the script).

The script first checks that episodes on the device equal those on the CPU bit for bit, and that training with a CUDA
graph equals training without one. Then it measures the upper bounds (matrix products and a copy) and, for increasing
numbers of rows, the throughput of environments and training, the time of the paper's 20 M frames of Catch and of an
epoch of MNIST, and the share of the bfloat16 product that training reaches. An image of MNIST is 6 frames.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

import torch
from counting import operations_per_frame
from measure import Contestant, Figure, check_mnist, figure, measure, write_json
from training import CATCH, GLIMPSES, MNIST, TRAINING_IMAGES, copy, frames_per_second, matrix_product, shortened

import agents.training.trainer as trainer
from agents.pictures.markdown import markdown_table
from agents.training.fast.graph import Graph
from agents.training.run import METRICS
from ram_envs import make_tensor

Parts = tuple[dict[str, torch.Tensor], ...]
"""The return values of an environment: observations first, other tensors by name."""
PAPER_FRAMES = 20_000_000
"""Length of training in the paper."""
SCENES = ("RAM-CatchGame-v0", "RAM-MNIST-v0", "RAM-ClutteredMNIST-v0", "RAM-ClutteredMNIST100-v0")


def wait(device: str) -> None:
    """Wait until the device has finished all kernels."""
    if device.startswith("cuda"):
        torch.cuda.synchronize()


def check_equal(device: str, rows: int = 512) -> None:
    """Check that episodes on a device equal those on the CPU.

    Raises:
        AssertionError: If a glimpse, a reward or an info differs in one bit.
    """
    for id in SCENES:
        envs = [make_tensor(id, rows, where, action_format="dict") for where in ("cpu", device)]
        compare(id, *(env.reset(seed=7) for env in envs), device)
        generator = torch.Generator().manual_seed(0)
        for _ in range(envs[0].task.max_episode_steps):
            fixation = torch.rand(rows, 2, generator=generator) * 2 - 1
            choice = torch.randint(envs[0].task.answer.size, (rows,), generator=generator)
            steps = [
                env.step({"fixation": fixation.to(env.device), env.task.answer.key: choice.to(env.device)})
                for env in envs
            ]
            results = [(step[0], {"reward": step[1], "terminated": step[2], **step[4]}) for step in steps]
            compare(id, *results, device)
    print(f"episodes on {device} equal those on the CPU, bit for bit: {', '.join(SCENES)}")


def compare(id: str, ours: Parts, theirs: Parts, device: str) -> None:
    """Check that the outputs of the environment on the CPU and on the device are equal.

    Raises:
        AssertionError: If they differ in one bit.
    """
    for part, other in zip(ours, theirs, strict=True):
        assert part.keys() == other.keys(), f"{id}: {part.keys()} on the CPU, {other.keys()} on {device}"
        for key in part:
            assert torch.equal(part[key], other[key].cpu()), f"{id}: {key} differs between the CPU and {device}"


@contextmanager
def without_graph() -> Iterator[None]:
    """Disable CUDA graphs: launch every kernel of an iteration separately."""
    with mock.patch.object(Graph, "__call__", lambda graph, *arguments: graph._function(*arguments)):
        yield


def check_graph(device: str) -> None:
    """Check that training with a CUDA graph equals training without one.

    Raises:
        AssertionError: If a loss differs in one bit after some iterations.
    """
    for id in (CATCH, MNIST):
        settings = shortened(id, 12)
        with TemporaryDirectory() as one, TemporaryDirectory() as other:
            trainer.train(id, settings, one, device=device, progress_bar=False)
            with without_graph():
                trainer.train(id, settings, other, device=device, progress_bar=False)
            columns = [[line[4:] for line in csv.reader(open(Path(run, METRICS)))] for run in (one, other)]
        assert columns[0] == columns[1], f"{id}: training by a graph differs: {columns[0][-1]}, not {columns[1][-1]}"
    print(f"training by a graph on {device} equals training without one: {CATCH}, {MNIST}")


def stepping(id: str, rows: int, device: str) -> Contestant:
    """Play one episode in every row."""
    env = make_tensor(id, rows, device, action_format="dict", check_actions=False)
    action = {
        "fixation": torch.rand(rows, 2, device=device) * 2 - 1,
        env.task.answer.key: torch.zeros(rows, dtype=torch.int64, device=device),
    }

    def contestant() -> int:
        env.reset(seed=0)
        for _ in range(env.task.max_episode_steps):
            env.step(action)
        wait(device)
        return rows * env.task.max_episode_steps

    return contestant


def waiting(contestant: Contestant, device: str) -> Contestant:
    """Include the wait for the device in the measured time."""

    def waited() -> int:
        units = contestant()
        wait(device)
        return units

    return waited


def training(
    rows: int, iterations: int, repeats: int, device: str, peak: float, with_and_without: bool
) -> dict[str, Figure]:
    """Train Catch and MNIST with their presets and a given number of rows.

    Args:
        rows: Number of parallel episodes.
        iterations: Iterations of each training.
        repeats: Number of repetitions.
        device: The device.
        peak: Operations per second of the bfloat16 product.
        with_and_without: Whether to measure training without a CUDA graph too.
    """
    found: dict[str, Figure] = {}
    for name, id, whole, unit in (
        ("Catch training", CATCH, PAPER_FRAMES, "20 M frames of Catch, seconds"),
        ("MNIST training", MNIST, TRAINING_IMAGES * GLIMPSES, "an epoch of MNIST, seconds"),
    ):
        rates = [frames_per_second(id, shortened(id, iterations, rows), device) for _ in range(repeats)]
        found[f"{name}, frames/s"] = figure(rates)
        found[unit] = figure([whole / rate for rate in rates])
        shares = [operations_per_frame(id) * rate / peak for rate in rates]
        found[f"{name}, share of the bfloat16 product"] = figure(shares)
        if with_and_without:
            with without_graph():
                alone = frames_per_second(id, shortened(id, iterations, rows), device)
            found[f"{name} without a graph, frames/s"] = figure([alone])
    return found


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
    check_mnist()
    check_equal(device)
    check_graph(device)

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
    name = torch.cuda.get_device_name() if device.startswith("cuda") else "the CPU"
    for rows in options.rows:
        if device.startswith("cuda"):
            torch.cuda.reset_peak_memory_stats()
        try:
            contestants = {id: stepping(id, rows, device) for id in SCENES}
            rates = measure(contestants, options.repeats, options.seconds)
            del contestants  # their memory
            at: dict[str, Any] = {f"{id}, steps/s": figure(values) for id, values in rates.items()}
            at |= training(rows, options.iterations, min(3, options.repeats), device, peak, rows == options.rows[0])
        except torch.cuda.OutOfMemoryError:
            at = {"left out": "too large for the memory"}
        if device.startswith("cuda"):
            at["memory, GiB"] = figure([torch.cuda.max_memory_allocated() / 2**30])
        found[f"{rows} rows"] = at
        table += [[f"{rows:,}", what, value] for what, value in at.items()]
        write_json(options.out, {"device": name, **found})  # whatever happens at more rows
    print(markdown_table(["rows", "what", "median (least to greatest)"], table))
    return 0


if __name__ == "__main__":
    sys.exit(main())
