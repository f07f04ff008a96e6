"""Cost of a glimpse and of a training image for several scene sizes: `python benchmarks/size.py` (needs MNIST).

The networks of RAM cost the same for every scene size. Composing a new scene, once per episode, costs its area. The
benchmark uses the translated task (12x12 patches, 3 scales, 8 glimpses) on one thread. A glimpse is one step of the
tensor environment, a scene one reset, and a training image one iteration of hybrid training divided by its images.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from measure import Contestant, Figure, check_mnist, figure, measure, write_json

import ram_envs
from agents.pictures.markdown import markdown_table
from agents.training.presets import settings_for

SIDES = (28, 60, 100, 200, 400, 800, 1600)
ROWS = (1, 64, 1024, 8192, 65_536)
TRAINING_ROWS = 256
ENV_ID, GLIMPSES = "RAM-TranslatedMNIST-v0", 8


def glimpses_and_scenes(side: int, rows: int) -> tuple[Contestant, Contestant]:
    """Return two contestants: one steps every row, the other composes a new scene in every row."""
    env = ram_envs.make_tensor(
        ENV_ID, rows, image_size=side, num_glimpses=10**6, action_format="dict", check_actions=False
    )
    env.reset(seed=0)
    action = {"fixation": torch.rand(rows, 2) * 2 - 1, "label": torch.zeros(rows, dtype=torch.int64)}

    def glimpse() -> int:
        env.step(action)
        return rows

    def scene() -> int:
        env.reset()
        return rows

    return glimpse, scene


def scene_bytes(side: int, rows: int) -> int:
    """Memory of the scenes, the largest part of the state of an environment."""
    return side * side * rows


def main() -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="shorter turns and fewer sizes, for a first look")
    parser.add_argument(
        "--gigabytes", type=float, default=3.0, help="leave out what needs more than this for its scenes"
    )
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/size.json"))
    options = parser.parse_args()
    check_mnist()
    torch.set_num_threads(1)
    sides, rows_of = (SIDES, ROWS) if not options.quick else (SIDES[1::2], ROWS[1:3])
    seconds = 0.05 if options.quick else 0.3
    results: list[dict[str, Any]] = []
    table = []
    for side in sides:
        for rows in rows_of:
            size = scene_bytes(side, rows)
            if size > options.gigabytes * 1e9:
                results.append(
                    {"side": side, "rows": rows, "scene_bytes": size, "left_out": "too large for the memory"}
                )
                continue
            glimpse, scene = glimpses_and_scenes(side, rows)
            rates = measure({"glimpse": glimpse, "scene": scene}, seconds=seconds)
            micro = {name: microseconds(values) for name, values in rates.items()}
            results.append({"side": side, "rows": rows, "scene_bytes": size, "microseconds": micro})
            table.append([side, f"{rows:,}", micro["glimpse"], micro["scene"], f"{size / 2**20:,.1f}"])
    print(markdown_table(["side", "rows", "µs per glimpse", "µs per scene", "scenes, MiB"], table))

    training = {side: training_image(side, quick=options.quick) for side in sides}
    print()
    print(markdown_table(["side", "a training image, us"], [[side, value] for side, value in training.items()]))
    write_json(options.out, {"environment": results, "training_image_microseconds": training})


def microseconds(rates: list[float]) -> Figure:
    """Convert rates to microseconds per unit."""
    return figure([1e6 / rate for rate in rates])


def training_image(side: int, quick: bool) -> Figure:
    """Time iterations of hybrid training."""
    from agents.training.trainer import train

    iterations = 10 if quick else 40
    preset = settings_for(ENV_ID)
    settings = replace(
        preset,
        environment={
            "image_size": side,
            "num_glimpses": GLIMPSES,
            "split": f"train[:{TRAINING_ROWS * iterations}]",
        },
        num_envs=TRAINING_ROWS,
        epochs=1,
        log_every=iterations // 5,
        checkpoint_every=iterations,
    )
    with TemporaryDirectory() as folder:
        train(ENV_ID, settings, folder, device="cpu", progress_bar=False)
        lines = [line.split(",") for line in (Path(folder) / "metrics.csv").read_text().splitlines()]
    column = lines[0].index("frames_per_second")
    return figure([1e6 * GLIMPSES / float(line[column]) for line in lines[1:]])


if __name__ == "__main__":
    main()
