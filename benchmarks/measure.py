"""Timing shared by all benchmarks: contestants alternate, so that a slower machine slows all of them equally.

A contestant is a function that does its work once and returns the number of units (steps, glimpses, frames). A figure
is the median over the repetitions with minimum and maximum. A ratio is the median of the ratios of each repetition.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from contestants import Contestant, load_kernels
from elsewhere import Elsewhere, rate

from agents.experiments.machine import hardware, versions


@dataclass(frozen=True)
class Figure:
    """A rate in units per second: the median over the repetitions, with minimum and maximum."""

    median: float
    least: float
    greatest: float
    repeats: int

    def __str__(self) -> str:
        if self.least == self.greatest:
            return _round(self.median)
        return f"{_round(self.median)} ({_round(self.least)} to {_round(self.greatest)})"


def measure(
    contestants: Mapping[str, Contestant | Elsewhere], repeats: int = 5, seconds: float = 0.5, clock: str = "wall"
) -> dict[str, list[float]]:
    """Run contestants in alternation, and return their rates in units per second.

    Args:
        contestants: Functions by name, or contestants in other processes. Each takes a turn before the timing starts.
        repeats: Repetitions.
        seconds: Minimum duration of a repetition of one contestant.
        clock: "wall", or "processor" for work on one core (see :func:`elsewhere.processor_time`).
    """
    load_kernels()
    for contestant in contestants.values():
        rate(contestant, seconds, clock)
    rates: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(repeats):
        for name, contestant in contestants.items():
            rates[name].append(rate(contestant, seconds, clock))
    return rates


def figure(rates: list[float]) -> Figure:
    """Summarize the rates of one contestant."""
    return Figure(statistics.median(rates), min(rates), max(rates), len(rates))


def ratio(rates: list[float], others: list[float]) -> Figure:
    """Summarize the ratio of the rates of two contestants over the repetitions."""
    return figure([a / b for a, b in zip(rates, others, strict=True)])


def machine() -> dict[str, Any]:
    """Describe the machine and the installed versions."""
    threads = os.environ.get("OMP_NUM_THREADS", "not set")
    return {**hardware(), "threads": threads, **versions("ap_gym")}


def check_mnist() -> None:
    """Exit with one line that says how to get MNIST, if the files are missing."""
    from ram_envs.scenes.datasets import load_dataset

    try:
        load_dataset("mnist", "train")
        load_dataset("mnist", "test")
    except (FileNotFoundError, ValueError) as error:
        sys.exit(f"this benchmark needs MNIST: {error}")


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write results with a description of the machine; figures become dictionaries."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"machine": machine(), **content}, indent=2, default=asdict)
    path.write_text(text + "\n", encoding="utf-8")


def _round(value: float) -> str:
    """Write a number with three digits: 1.23, 45.6, 7,890, 1.23 M."""
    for limit, unit in ((1e12, " T"), (1e9, " G"), (1e6, " M"), (1e4, " k")):
        if abs(value) >= limit:
            return f"{value / (1e3 if unit == ' k' else limit):.3g}{unit}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
