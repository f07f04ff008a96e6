"""Which device trains, and in which arithmetic."""

from __future__ import annotations

import math
import time
from functools import cache
from typing import Literal

import torch

from agents.training.distributed import local_rank
from ram_envs.arguments import check_choice

DEVICES = ("auto", "cpu", "cuda")


def resolve_device(device: str) -> torch.device:
    """Return the device that "auto", "cpu" or "cuda" means here: with several processes a GPU for each.

    Raises:
        ValueError: If it is none of them, or "cuda" where there is none, or fewer than processes that train together.
    """
    check_choice("device", device, DEVICES)
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda" and not torch.cuda.is_available():
        raise ValueError(
            "device='cuda', but torch finds no CUDA device here: use 'cpu' or 'auto', or install torch with CUDA"
        )
    if device == "cpu":
        return torch.device(device)
    if local_rank() >= torch.cuda.device_count():
        raise ValueError(
            f"process {local_rank()} of this machine has no GPU of its own, of {torch.cuda.device_count()}: expected "
            "--nproc-per-node of at most that number, or device='cpu'"
        )
    return torch.device(device, local_rank())


def resolve_precision(
    precision: Literal["auto", "float32", "bfloat16"], device: torch.device
) -> Literal["float32", "bfloat16"]:
    """Return "float32" or "bfloat16": what "auto" means is bfloat16 where the device multiplies faster in it.

    A GPU that has it does. A processor that has it need not (one with avx512_bf16 but no AMX took twice as long in it
    as in float32), so there it is measured, which takes some milliseconds.
    """
    if precision != "auto":
        return precision
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    capabilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    native = bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
    return "bfloat16" if native and _bfloat16_is_faster() else "float32"


@cache
def _bfloat16_is_faster() -> bool:
    """Time the product of a usual layer both ways, turn about; the shortest of several tells, whatever else runs."""
    shortest = {torch.float32: math.inf, torch.bfloat16: math.inf}
    for _ in range(10):
        for dtype in shortest:
            rows, weight = torch.ones(256, 512, dtype=dtype), torch.ones(256, 512, dtype=dtype)
            start = time.perf_counter()
            torch.nn.functional.linear(rows, weight)
            shortest[dtype] = min(shortest[dtype], time.perf_counter() - start)
    return shortest[torch.bfloat16] < shortest[torch.float32]
