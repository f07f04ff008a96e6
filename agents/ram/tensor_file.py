"""The container of checkpoints: a safetensors file with JSON in its metadata, read without trusting it.

Reading runs no code. Size and nesting of the metadata are bounded, and every tensor is checked, before anything is
built from them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor

from agents.errors import RAMError
from agents.untrusted import one_line, parse_json, shown

MAX_HEADER_BYTES = 16 * 2**20
"""Size of the header: names, shapes and metadata. A checkpoint has about 10 kB."""
FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
"""Data types of weights."""
REMEDY = "use another checkpoint, or train again"


class CheckpointError(RAMError, ValueError):
    """A checkpoint that cannot be read, used or written. The message names the file, the problem and the fix."""


def read_metadata(path: Path) -> dict[str, Any]:
    """Read the metadata of a file, of any kind, and nothing else.

    Raises:
        CheckpointError: If the file cannot be read or is damaged.
    """
    return _read(path, None, "", with_tensors=False)[0]


def read_tensor_file(path: Path, kind: str, description: str) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Read a file: its metadata, and its tensors on the CPU.

    Args:
        path: The file.
        kind: Expected value of the metadata's key "kind".
        description: What such a file is, for the error message.

    Returns:
        The metadata by key, and the tensors by name, each of a floating-point type and finite.

    Raises:
        CheckpointError: If the file cannot be read, is damaged or of another kind, or a tensor holds integers, NaN or
            infinity.
    """
    return _read(path, kind, description, with_tensors=True)


def _read(
    path: Path, kind: str | None, description: str, with_tensors: bool
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    try:
        # Read as bytes, not mapped into memory: the file may be replaced, and its path need not be UTF-8.
        with open(path, "rb") as file:
            length = file.read(8)
            size = int.from_bytes(length, "little")
            if len(length) < 8 or size > MAX_HEADER_BYTES:
                raise ValueError(f"a header of {size:,} bytes, expected at most {MAX_HEADER_BYTES:,}")
            header = file.read(size)
            raw = _raw_metadata(header)
            if kind is not None and raw.get("kind") != json.dumps(kind):
                raise CheckpointError(f"{path} is a safetensors file, but not {description}: {REMEDY}")
            content = _parsed(path, raw)
            tensors = load(length + header + file.read()) if with_tensors else {}
    except CheckpointError:
        raise
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror or one_line(error)}") from error
    except (SafetensorError, ValueError, LookupError, RuntimeError, TypeError) as error:
        raise CheckpointError(f"{path} is truncated or not a checkpoint ({one_line(error)}): {REMEDY}") from error
    for name, value in tensors.items():
        if value.dtype not in FLOATS:
            raise CheckpointError(
                f"{path} is damaged: the tensor {shown(name)} has the type {value.dtype}, expected floating-point "
                f"numbers: {REMEDY}"
            )
        check_finite(path, name, value)
    return content, tensors


def check_finite(path: Path, name: str, value: Tensor) -> None:
    """Check that a tensor holds neither NaN nor infinity.

    Raises:
        CheckpointError: If it does.
    """
    if not value.isfinite().all():
        raise CheckpointError(
            f"{path} is damaged: the tensor {shown(name)} contains {'NaN' if value.isnan().any() else 'infinity'}: "
            f"{REMEDY}"
        )


def _raw_metadata(header: bytes) -> dict[str, str]:
    """Return the texts in the metadata of a header.

    Raises:
        ValueError: If there are none.
    """
    content = parse_json(header.decode("utf-8"))
    raw = content.get("__metadata__", {}) if isinstance(content, dict) else None
    if not isinstance(raw, dict) or not all(isinstance(text, str) for text in raw.values()):
        raise ValueError("a header without metadata")
    return raw


def _parsed(path: Path, raw: Mapping[str, str]) -> dict[str, Any]:
    content = {}
    for key, text in raw.items():
        try:
            content[key] = parse_json(text)
        except ValueError as error:
            raise CheckpointError(
                f"{path} is damaged: {shown(key)} in its metadata is not valid ({one_line(error)}): {REMEDY}"
            ) from error
    return content
