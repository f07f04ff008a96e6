"""Catch training compared with a compiled one, on one core: `python benchmarks/jax_training.py`.

Ours is the preset of `ram train RAM-CatchGame-v0`, in the precision that it chooses and in float32. The other one is
benchmarks/jax_ppo.py: recurrent PPO in the style of PureJaxRL on gymnax's Catch, in float32, with the same rows,
epochs, minibatches and sizes of the networks. A frame of ours has a larger input and a second action, the location.
"At equal work" compares floating-point operations of the networks per second. Seconds are processor time.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

os.environ.setdefault("OMP_NUM_THREADS", "1")

import jax_ppo
from counting import PASS, operations_per_frame
from elsewhere import Elsewhere, NotThere, processor_time, use_one_core
from measure import figure, ratio, write_json
from training import CATCH, shortened

from agents.pictures.markdown import markdown_table
from agents.training.fast.device import resolve_device, resolve_precision
from agents.training.progress import Progress
from agents.training.settings import GameSettings
from agents.training.trainer import train


def frames_per_second(settings: GameSettings) -> float:
    """Train Catch, and return the frames per processor second between the first and the last line of the logs."""
    lines: list[tuple[int, float]] = []

    def note(progress: Progress, *_: Any) -> None:
        lines.append((progress.frames, processor_time()))

    with TemporaryDirectory() as folder:
        train(CATCH, settings, folder, device="cpu", progress_bar=False, callback=note)
    (first, start), (last, end) = lines[0], lines[-1]
    return (last - first) / (end - start)


def main() -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="shorter turns, for a first look")
    parser.add_argument("--python", default=".venv-jax/bin/python", help="where JAX and gymnax are")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/jax_training.json"))
    options = parser.parse_args()
    use_one_core()
    repeats, iterations, seconds = (2, 8, 2.0) if options.quick else (5, 24, 5.0)
    settings = replace(shortened(CATCH, iterations), threads=1)
    assert isinstance(settings, GameSettings)
    network, steps = settings.network, 24
    shape = network.glimpse_hidden, network.glimpse_features, network.core_size
    passes = settings.num_envs, steps, settings.update_epochs, settings.minibatches
    missing: dict[str, str] = {}
    peer = None
    try:
        peer = Elsewhere("jax_ppo:catch", *passes, *shape, settings.learning_rate, python=options.python)
    except NotThere as error:
        missing["recurrent PPO in JAX"] = str(error)

    best = resolve_precision("auto", resolve_device("cpu"))
    rates: dict[str, list[float]] = {f"ours, {precision}": [] for precision in dict.fromkeys((best, "float32"))}
    others: list[float] = []
    for _ in range(repeats):
        for name, values in rates.items():
            precision: Literal["float32", "bfloat16"] = "float32" if name.endswith("float32") else "bfloat16"
            values.append(frames_per_second(replace(settings, precision=precision)))
        if peer is not None:
            others.append(peer.rate(seconds, "processor"))
    found = {f"{name}, frames/s": figure(values) for name, values in rates.items()}
    if peer is not None:
        peer.close()
        per_frame = (1 + PASS * settings.update_epochs) * jax_ppo.operations_per_step(*shape)
        work = operations_per_frame(CATCH) / per_frame
        found["recurrent PPO in JAX, float32, frames/s"] = figure(others)
        for name, values in rates.items():
            found[f"{name}: ratio of frames/s"] = ratio(values, others)
            found[f"{name}: ratio at equal work"] = ratio([work * each for each in values], others)
    rows = [
        [name, f"{value}{' BEHIND' if 'ratio' in name and value.median < 1 else ''}"] for name, value in found.items()
    ]
    print(markdown_table(["what", "median (least to greatest)"], rows))
    for name, error in missing.items():
        print(f"missing: {name} ({error})", file=sys.stderr)
    write_json(options.out, {"found": found, "missing": missing})


if __name__ == "__main__":
    main()
