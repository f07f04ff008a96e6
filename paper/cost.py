"""The cost of an image against its size: of RAM, whose glimpses do not grow, and of a convolutional classifier.

Both are timed from the scenes in memory to the class, with untrained weights, in float32.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from agents.experiments.files import ResultError, read_result, set_aside, write_result
from agents.experiments.machine import device_name, versions
from agents.ram.policy import RAMPolicy
from agents.ram.settings import RAMSettings
from agents.training.presets import settings_for
from paper.classifiers import Classifier, ClassifierSettings
from paper.shapes import check_shape
from ram_envs import make_tensor
from ram_envs.sensors import Sensor

SIDES = (28, 60, 100, 200, 400, 800)
ENV_ID, NUM_GLIMPSES = "RAM-TranslatedMNIST-v0", 8
"""Sensor, networks and number of glimpses of the RAM that is measured."""
BATCH = 64
FILE_NAME = "cost.json"
_HEADER = {"kind": "ram-cost", "version": 1}


def multiply_adds(policy: RAMPolicy, num_glimpses: int) -> int:
    """Return the multiply-adds of RAM's networks for one image. The sensor only adds; the baseline is for training."""
    weights = (
        value.numel()
        for name, value in policy.named_parameters()
        if value.dim() == 2 and not name.startswith("baseline")
    )
    return num_glimpses * sum(weights)


def measure_cost(sides: tuple[int, ...] = SIDES, batch: int = BATCH, repeats: int = 15) -> dict[str, Any]:
    """Count the multiply-adds and time an image on the CPU.

    Args:
        sides: Sides of the images in pixels.
        batch: Images per batch.
        repeats: Repeats; RAM and the classifier take turns, and the median counts.

    Returns:
        Plain values: for each side, multiply-adds and milliseconds per image.
    """
    policy = RAMPolicy(RAMSettings.for_environment(make_tensor(ENV_ID, 1), settings_for(ENV_ID).network)).eval()
    counted = multiply_adds(policy, NUM_GLIMPSES)
    found = []
    for side in sides:
        env = make_tensor(ENV_ID, batch, image_size=side)
        env.reset(seed=0)
        scenes = env.scene
        classifier = Classifier(ClassifierSettings(), (side, side, 1), policy.settings.num_actions).eval()
        contestants = {
            "ram": partial(_look, policy, env.task.glimpse_sensor, scenes),
            "conv": partial(classifier, scenes),
        }
        milliseconds = {name: value / batch for name, value in _take_turns(contestants, repeats).items()}
        found.append(
            {
                "side": side,
                "ram": {"multiply_adds": counted, "milliseconds": milliseconds["ram"]},
                "conv": {"multiply_adds": classifier.multiply_adds, "milliseconds": milliseconds["conv"]},
            }
        )
    return {
        **_HEADER,
        "env_id": ENV_ID,
        "num_glimpses": NUM_GLIMPSES,
        "batch": batch,
        "hardware": device_name("cpu"),
        "versions": versions(),
        "sizes": found,
    }


def write_cost(folder: Path, cost: dict[str, Any]) -> Path | None:
    """Write a measurement; return the new name of a file that cannot be used, or None.

    Raises:
        OSError: If it cannot be written; the old file is unchanged.
    """
    file = folder / FILE_NAME
    try:
        usable = read_cost(folder) is not None
    except ResultError:
        usable = False
    kept = set_aside(file) if file.exists() and not usable else None
    write_result(file, cost)
    return kept


def read_cost(folder: Path) -> dict[str, Any] | None:
    """Read the last measurement; None if there is none, or it has another version.

    Raises:
        ResultError: If the file cannot be read.
    """
    try:
        return read_result(folder / FILE_NAME, _HEADER, _parse)
    except ResultError as error:
        raise ResultError(f"{error}; --measure-cost measures again") from error


def _parse(content: dict[str, Any]) -> dict[str, Any]:
    costs = {"multiply_adds": float, "milliseconds": float}
    sizes = [{"side": int, "ram": costs, "conv": costs}]
    check_shape("", content, {"num_glimpses": int, "batch": int, "hardware": str, "sizes": sizes})
    return content


def _look(policy: RAMPolicy, sensor: Sensor, scenes: Tensor) -> Tensor:
    """Classify scenes, uint8 (B, C, H, W), from the glimpses that the policy chooses: int64 (B,)."""
    prepared = sensor.prepare(scenes)
    location, state = torch.zeros(len(scenes), 2), policy.initial_state(len(scenes))
    for _ in range(NUM_GLIMPSES):
        seen = {"glimpse": cast(Tensor, sensor.read(prepared, location)), "location": location}
        decision, state = policy.act(seen, state, greedy=True)
        location = decision.fixation.clamp(-1, 1)
    return decision.task_action


def _take_turns(contestants: Mapping[str, Callable[[], Tensor]], repeats: int) -> dict[str, float]:
    """Return the median milliseconds of each."""
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    with torch.inference_mode():
        for repeat in range(repeats + 1):
            for name, contestant in contestants.items():
                start = time.perf_counter()
                contestant()
                if repeat:  # the first one warms up
                    seconds[name].append(time.perf_counter() - start)
    return {name: 1000 * statistics.median(values) for name, values in seconds.items()}
