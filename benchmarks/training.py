"""Throughput of training: `python benchmarks/training.py` (needs the extra sb3, and MNIST).

Catch: our recurrent PPO and sb3-contrib's RecurrentPPO in alternation, both with our policy and with the same networks,
rows, epochs and minibatches. MNIST: images per second of hybrid training. Our trainer runs on one thread, on two
threads, and in two processes of one thread each (torchrun), each with the rows of the preset. Upper bounds are
measured too: a matrix product in float32 and bfloat16, and a large copy. A frame is one step of one row, an image one
episode.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from counting import operations_per_frame
from measure import Contestant, Figure, check_mnist, figure, measure, ratio, write_json

import agents.training.trainer as trainer
from agents.pictures.markdown import markdown_table
from agents.training.fast.device import resolve_device, resolve_precision
from agents.training.presets import settings_for
from agents.training.settings import GameSettings, HybridSettings
from ram_envs import make_tensor

CATCH, MNIST = "RAM-CatchGame-v0", "RAM-MNIST-v0"
GLIMPSES = 6
"""Glimpses per image of MNIST."""
TRAINING_IMAGES = 60_000


def seconds_and_frames(env_id: str, settings: GameSettings | HybridSettings, device: str) -> tuple[float, float]:
    """Train for some iterations; return the seconds and the frames between the first and the last one."""
    with TemporaryDirectory() as folder:
        progress = trainer.train(env_id, settings, folder, device=device, progress_bar=False).progress
    return progress.time_s, progress.frames


def frames_per_second(env_id: str, settings: GameSettings | HybridSettings, device: str) -> float:
    """Train for some iterations, and return the frames per second between first and last line of the metrics."""
    with TemporaryDirectory() as folder:
        trainer.train(env_id, settings, folder, device=device, progress_bar=False)
        return rate_of(Path(folder))


def rate_of(folder: Path) -> float:
    """Return the frames per second between the first and the last line of the metrics of a run."""
    with open(folder / "metrics.csv", encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    frames, seconds = (float(lines[-1][name]) - float(lines[0][name]) for name in ("frames", "time_s"))
    return frames / seconds


def frames_per_second_of_processes(env_id: str, settings: GameSettings | HybridSettings, processes: int) -> float:
    """Train in several processes, each with the rows of the settings, and return the frames per second."""
    name = "frames" if isinstance(settings, GameSettings) else "epochs"
    length = {name: processes * getattr(settings, name)}
    options = {"num_envs": processes * settings.num_envs, "log_every": settings.log_every, **length}
    options |= settings.environment
    with TemporaryDirectory() as folder:
        launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
        train = ["-m", "agents.cli", "train", env_id, "--out", folder + "/run", "--device", "cpu"]
        flags = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        subprocess.run([*launch, *train, *flags], check=True, capture_output=True, env=environment)
        return rate_of(Path(folder) / "run")


def shortened(env_id: str, iterations: int, rows: int | None = None) -> GameSettings | HybridSettings:
    """Return a preset shortened to about this many iterations, with four lines of metrics.

    Args:
        env_id: The environment.
        iterations: Number of iterations.
        rows: Parallel episodes; None for those of the preset.
    """
    settings = settings_for(env_id)
    rows = settings.num_envs if rows is None else rows
    settings = replace(settings, num_envs=rows, log_every=max(1, iterations // 4))
    if isinstance(settings, GameSettings):
        return replace(settings, frames=rows * make_tensor(env_id, 1).task.max_episode_steps * iterations)
    images = rows * iterations // settings.rollouts_per_image
    if images >= TRAINING_IMAGES:
        return replace(settings, epochs=round(images / TRAINING_IMAGES))
    return replace(settings, environment={**settings.environment, "split": f"train[:{images}]"}, epochs=1)


def recurrent_ppo_catch(iterations: int) -> float:
    """Train RecurrentPPO with our policy and the same settings, and return its frames per second."""
    from sb3_contrib import RecurrentPPO

    from agents.integrations.sb3 import RAMRecurrentPolicy, RAMVecEnv, ram_settings

    settings = settings_for(CATCH)
    assert isinstance(settings, GameSettings)
    envs = RAMVecEnv(CATCH, settings.num_envs)
    model = RecurrentPPO(
        RAMRecurrentPolicy,
        envs,
        n_steps=23,
        batch_size=23 * settings.num_envs // settings.minibatches,
        n_epochs=settings.update_epochs,
        learning_rate=settings.learning_rate,
        gamma=settings.discount,
        gae_lambda=settings.gae_lambda,
        clip_range=settings.clip_range,
        device="cpu",
        policy_kwargs={"settings": ram_settings(envs, settings.network)},
    )
    frames = 23 * settings.num_envs
    model.learn(frames)
    start = time.perf_counter()
    model.learn(iterations * frames)
    return iterations * frames / (time.perf_counter() - start)


def matrix_product(dtype: torch.dtype, device: str, rows: int = 2048, size: int = 256) -> Contestant:
    """Multiply matrices of the size of a hidden layer and a batch of rows; units are floating-point operations."""
    a, b = torch.randn(rows, size, device=device).to(dtype), torch.randn(size, size, device=device).to(dtype)

    def contestant() -> int:
        for _ in range(20):
            torch.mm(a, b)
        return 20 * 2 * rows * size * size

    return contestant


def copy(device: str, size: int = 2**26) -> Contestant:
    """Copy 256 MiB; units are bytes read and written."""
    a = torch.zeros(size, device=device)
    b = torch.empty_like(a)

    def contestant() -> int:
        b.copy_(a)
        return 2 * 4 * size

    return contestant


def main() -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="shorter and fewer turns, for a first look")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="numbers of threads to try")
    parser.add_argument("--processes", type=int, default=2, help="number of processes to try; 1 for none")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/training.json"))
    options = parser.parse_args()
    repeats = 2 if options.quick else options.repeats
    iterations = 8 if options.quick else 40
    precision = resolve_precision("auto", resolve_device("cpu"))

    check_mnist()
    missing: dict[str, str] = {}
    try:
        import sb3_contrib  # noqa: F401
    except ImportError as error:
        missing["sb3-contrib RecurrentPPO"] = str(error)

    def compare(
        rate: Callable[[str, GameSettings | HybridSettings], float], threads: int, peak: float
    ) -> dict[str, Figure]:
        """Measure one configuration of training, in alternation with RecurrentPPO on as many threads."""
        ours, others, images = [], [], []
        catch, mnist = shortened(CATCH, iterations), shortened(MNIST, 3 * iterations)
        torch.set_num_threads(threads)
        for _ in range(repeats):
            ours.append(rate(CATCH, catch))
            if not missing:
                others.append(recurrent_ppo_catch(max(1, iterations // 20)))
            images.append(rate(MNIST, mnist) / GLIMPSES)
        found = {"Catch, ours, frames/s": figure(ours)}
        if others:
            found |= {"Catch, RecurrentPPO, frames/s": figure(others), "Catch, ratio": ratio(ours, others)}
        found["MNIST, ours, images/s"] = figure(images)
        for name, env_id, frames in (("Catch", CATCH, ours), ("MNIST", MNIST, [GLIMPSES * r for r in images])):
            share = [operations_per_frame(env_id) * each / peak for each in frames]
            found[f"{name}, share of the {precision} product"] = figure(share)
        return found

    results: dict[str, Any] = {"precision": precision, "missing": missing}
    for threads in options.threads:
        torch.set_num_threads(threads)
        ceilings = {
            "float32 product, FLOP/s": matrix_product(torch.float32, "cpu"),
            "bfloat16 product, FLOP/s": matrix_product(torch.bfloat16, "cpu"),
            "copy, bytes/s": copy("cpu"),
        }
        rates = measure(ceilings, repeats, 0.2 if options.quick else 1.0)
        found = {name: figure(values) for name, values in rates.items()}
        peak = found[f"{precision} product, FLOP/s"].median

        def by_threads(env_id: str, settings: GameSettings | HybridSettings, threads: int = threads) -> float:
            return frames_per_second(env_id, replace(settings, threads=threads), "cpu")

        results[f"{threads} threads"] = found | compare(by_threads, threads, peak)
    if options.processes > 1:

        def by_processes(env_id: str, settings: GameSettings | HybridSettings) -> float:
            return frames_per_second_of_processes(env_id, settings, options.processes)

        peak = options.processes * results[f"{options.threads[0]} threads"][f"{precision} product, FLOP/s"].median
        results[f"{options.processes} processes"] = compare(by_processes, options.processes, peak)
    table = [[n, name, value] for n, found in results.items() if n[0].isdigit() for name, value in found.items()]
    print(markdown_table(["threads", "what", "median (least to greatest)"], table))
    for peer, error in missing.items():
        print(f"missing: {peer} ({error})")
    write_json(options.out, results)


if __name__ == "__main__":
    main()
