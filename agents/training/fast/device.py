"""The device and the precision of training."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from typing import Any, Literal

import torch

from agents.errors import SettingsError, invalid_settings
from agents.training.fast.distributed import local_rank
from ram_envs.arguments import check_choice

DEVICES = ("auto", "cpu", "cuda")

Precision = Literal["float32", "bfloat16"]


def resolve_device(device: str) -> torch.device:
    """Return the torch device for "auto", "cpu" or "cuda"; of several processes each gets its own GPU.

    Raises:
        SettingsError: If ``device`` is none of them, or there is no GPU for this process.
    """
    with invalid_settings():
        check_choice("device", device, DEVICES)
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda" and not torch.cuda.is_available():
        raise SettingsError(
            "device='cuda', but torch finds no CUDA device here: use 'cpu' or 'auto', or install torch with CUDA"
        )
    if device == "cpu":
        return torch.device(device)
    if local_rank() >= torch.cuda.device_count():
        raise SettingsError(
            f"process {local_rank()} of this machine has no GPU of its own, of {torch.cuda.device_count()}: expected "
            "--nproc-per-node of at most that number, or device='cpu'"
        )
    return torch.device(device, local_rank())


def resolve_precision(precision: Literal["auto", "float32", "bfloat16"], device: torch.device) -> Precision:
    """Return the precision that "auto" stands for on a device; other values stay as they are.

    Nothing is timed, so the answer depends on the hardware only, never on its load. A GPU computes in bfloat16 if it
    supports it natively. For processors see :func:`cpu_precision`.
    """
    if precision != "auto":
        return precision
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    capabilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return cpu_precision(_cpu_vendor(), capabilities)


def cpu_precision(vendor: str, capabilities: Mapping[str, Any]) -> Precision:
    """Return the precision in which a processor multiplies matrices faster.

    | processor | precision | reason |
    |---|---|---|
    | with AMX for bfloat16 (Intel, from Sapphire Rapids) | bfloat16 | matrix units, several times as fast |
    | AMD with avx512_bf16 (from Zen 4) | bfloat16 | dot products at full width, up to twice as fast |
    | Intel with avx512_bf16 but no AMX (Cooper Lake, or AMX masked by a hypervisor) | float32 | bfloat16 measured half as fast |
    | others | float32 | bfloat16 is emulated, or never measured |

    Args:
        vendor: As in /proc/cpuinfo, "AuthenticAMD" or "GenuineIntel".
        capabilities: Instruction sets by name, from ``torch.cpu.get_capabilities()``.
    """  # noqa: E501 (a table)
    if capabilities.get("amx_bf16"):
        return "bfloat16"
    return "bfloat16" if capabilities.get("avx512_bf16") and vendor == "AuthenticAMD" else "float32"


def _cpu_vendor() -> str:
    """Return the processor's vendor id, "" if unknown."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            vendors = [line.partition(":")[2].strip() for line in file if line.startswith("vendor_id")]
    except OSError:  # not Linux: Windows has it in "AMD64 Family 25 Model 97 Stepping 2, AuthenticAMD"
        vendors = [platform.processor().rpartition(", ")[2]]
    return vendors[0] if vendors else ""
