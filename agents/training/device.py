"""Which device trains, and in which arithmetic."""

from __future__ import annotations

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
    """Return "float32" or "bfloat16": what "auto" means is bfloat16 where the processor multiplies in it."""
    if precision != "auto":
        return precision
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        capabilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
        native = bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
    return "bfloat16" if native else "float32"
