"""What a result was measured with: versions and hardware."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGES = ("ram-active-vision", "gymnasium", "numpy", "numba", "torch", "stable-baselines3", "sb3-contrib")
_FEATURES = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that are installed and matter."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def hardware() -> dict[str, str | int]:
    """Return processor, number of cores and system, and the accelerator if torch is in use and finds one."""
    found: dict[str, str | int] = {
        "processor": _processor(),
        "cores": os.cpu_count() or 1,
        "system": f"{platform.system()} {platform.machine()}",
    }
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        found["accelerator"] = torch.cuda.get_device_name(0)
    return found


def _processor() -> str:
    """Return the processor's name, with those of its features that decide how fast matrices are multiplied."""
    file = Path("/proc/cpuinfo")
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    values = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    name = values.get("model name") or platform.processor() or platform.machine()
    features = [feature for feature in _FEATURES if feature in values.get("flags", "").split()]
    return f"{name} ({', '.join(features)})" if features else name
