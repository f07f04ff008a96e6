"""The machine a result was measured on: hardware and versions."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("gymnasium", "numpy", "numba", "torch", "stable-baselines3", "sb3-contrib")
"""The packages whose versions a result depends on."""
_FEATURES = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")  # they decide how fast matrices are multiplied


def versions(*more: str) -> dict[str, str]:
    """Return the versions of this package, of Python, and of those of :data:`PACKAGES` that are installed.

    Args:
        *more: Names of further distributions to look for.
    """
    from ram_envs import __version__

    found = {"ram-active-vision": __version__, "python": platform.python_version()}
    for package in (*PACKAGES, *more):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def usable_cores() -> int:
    """Return the number of cores that this process may use; a container or a batch system may grant it only some."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def hardware() -> dict[str, str | int]:
    """Return the processor with its features, the number of usable cores, the system, and the GPU if torch uses one."""
    name, features = _processor()
    found: dict[str, str | int] = {
        "processor": f"{name} ({', '.join(features)})" if features else name,
        "cores": usable_cores(),
        "system": f"{platform.system()} {platform.machine()}",
    }
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        found["accelerator"] = torch.cuda.get_device_name(0)
    return found


def device_name(device: str, threads: int | None = None) -> str:
    """Return the name of a device: "NVIDIA H100", or "AMD EPYC, 1 thread".

    Args:
        device: "cpu" or "cuda".
        threads: Threads of a computation on the CPU; None for those that torch uses.
    """
    import torch

    if device.startswith("cuda"):
        return torch.cuda.get_device_name()
    threads = torch.get_num_threads() if threads is None else threads
    return f"{_processor()[0]}, {threads} {'thread' if threads == 1 else 'threads'}"


def _processor() -> tuple[str, list[str]]:
    """Return the name of the processor and those of its features that matter."""
    file = Path("/proc/cpuinfo")  # Linux only
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    values = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    flags = values.get("flags", "").split()
    name = values.get("model name") or platform.processor() or platform.machine()
    return name, [feature for feature in _FEATURES if feature in flags]
