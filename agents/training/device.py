"""Which device trains, and in which arithmetic."""

from __future__ import annotations

from typing import Literal

import torch

from ram_envs.arguments import check_choice

DEVICES = ("auto", "cpu", "cuda")


def resolve_device(device: str) -> torch.device:
    """Return the device that "auto", "cpu" or "cuda" means here.

    Raises:
        ValueError: If it is none of them, or "cuda" where there is none.
    """
    check_choice("device", device, DEVICES)
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda" and not torch.cuda.is_available():
        raise ValueError(
            "device='cuda', but torch finds no CUDA device here: use 'cpu' or 'auto', or install torch with CUDA"
        )
    return torch.device(device, 0) if device == "cuda" else torch.device(device)


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
