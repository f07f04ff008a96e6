"""Compares the folders of two runs: the one that was killed, and the one that never stopped."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from safetensors import safe_open

MEASURED = ("time_s", "frames_per_second")
"""Columns of metrics.csv that measure time, which no two runs share."""


def differences(whole: Path, other: Path) -> list[str]:
    """Return what differs between two complete runs, one line each: bit for bit, except for measured times."""
    found = []
    for name, read in (
        ("checkpoint.safetensors", _checkpoint),
        ("settings.json", lambda file: json.loads(file.read_text())),
        ("metrics.csv", _metrics),
    ):
        expected, got = read(whole / name), read(other / name)
        if expected != got:
            found.append(f"{name}: {_first_difference(expected, got)}")
    for file in other.rglob("*"):
        if file.name.endswith(".part") or ".damaged" in file.name:
            found.append(f"{file.name} is left over")
    for name in ("curve.png", "animation.gif"):
        if (whole / name).read_bytes() != (other / name).read_bytes():
            found.append(f"{name} differs")
    return found


def _checkpoint(file: Path) -> dict[str, Any]:
    """Every tensor as bytes, every setting, and the progress without its time."""
    with safe_open(file, framework="numpy") as tensors:
        content = {name: tensors.get_tensor(name) for name in tensors.keys()}  # noqa: SIM118 (it is no dictionary)
        metadata = {key: json.loads(value) for key, value in tensors.metadata().items()}
    metadata["progress"].pop("time_s")
    return {
        **{name: (str(value.dtype), value.shape, value.tobytes()) for name, value in content.items()},
        **{f"metadata {key}": value for key, value in metadata.items()},
    }


def _metrics(file: Path) -> list[dict[str, str]]:
    with open(file, newline="", encoding="utf-8") as lines:
        return [{name: value for name, value in line.items() if name not in MEASURED} for line in csv.DictReader(lines)]


def _first_difference(expected: Any, got: Any) -> str:
    if isinstance(expected, dict) and isinstance(got, dict):
        keys = [key for key in {**expected, **got} if expected.get(key) != got.get(key)]
        return f"{len(keys)} values, the first is {keys[0]!r}"
    if isinstance(expected, list) and isinstance(got, list):
        pairs = [number for number, pair in enumerate(zip(expected, got, strict=False)) if pair[0] != pair[1]]
        return f"{len(got)} lines instead of {len(expected)}; the first that differs is {pairs[:1]}"
    return f"{got!r} instead of {expected!r}"
