"""How every benchmark measures: contestants take turns in one run, so that a machine that slows down slows all of them.

A contestant is a function that does its work once and returns how many units that was (steps, glimpses, frames). A
figure is the median over the repeats, with the least and the greatest beside it; a ratio is the median of the ratios
turn by turn.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from agents.experiments.machine import hardware, versions

Contestant = Callable[[], int]


@dataclass(frozen=True)
class Figure:
    """A rate, in units a second: the median over the repeats, and their spread."""

    median: float
    least: float
    greatest: float
    repeats: int

    def __str__(self) -> str:
        if self.least == self.greatest:
            return _round(self.median)
        return f"{_round(self.median)} ({_round(self.least)} to {_round(self.greatest)})"


def measure(contestants: Mapping[str, Contestant], repeats: int = 5, seconds: float = 0.5) -> dict[str, list[float]]:
    """Let contestants take turns, and return the rate of each one at every turn, in units a second.

    Args:
        contestants: Name to function. Each is called once before anything is timed.
        repeats: Turns of each.
        seconds: How long a turn lasts at least.
    """
    for contestant in contestants.values():
        contestant()
    rates: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(repeats):
        for name, contestant in contestants.items():
            units, start = 0, time.perf_counter()
            while (taken := time.perf_counter() - start) < seconds or units == 0:
                units += contestant()
            rates[name].append(units / taken)
    return rates


def figure(rates: list[float]) -> Figure:
    """Sum up the rates of one contestant."""
    return Figure(statistics.median(rates), min(rates), max(rates), len(rates))


def ratio(rates: list[float], others: list[float]) -> Figure:
    """Sum up how many times faster one contestant is than another, turn by turn."""
    return figure([a / b for a, b in zip(rates, others, strict=True)])


def machine() -> dict[str, Any]:
    """Describe the machine and the versions that a figure belongs to."""
    threads = os.environ.get("OMP_NUM_THREADS", "not set")
    return {**hardware(), "threads": threads, **versions("ap_gym", "gymnax", "jax")}


def check_mnist() -> None:
    """End the program with one line that says how to get MNIST, if it is not there."""
    from ram_envs.scenes.datasets import load_dataset

    try:
        load_dataset("mnist", "train")
        load_dataset("mnist", "test")
    except (FileNotFoundError, ValueError) as error:
        sys.exit(f"this benchmark needs MNIST: {error}")


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write results with the machine's description; figures become dictionaries."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"machine": machine(), **content}, indent=2, default=asdict)
    path.write_text(text + "\n", encoding="utf-8")


def _round(value: float) -> str:
    """Write a number with three digits: 1.23, 45.6, 7,890, 1.23 M."""
    for limit, unit in ((1e12, " T"), (1e9, " G"), (1e6, " M"), (1e4, " k")):
        if abs(value) >= limit:
            return f"{value / (1e3 if unit == ' k' else limit):.3g}{unit}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
