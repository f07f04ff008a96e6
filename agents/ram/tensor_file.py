"""The container of checkpoints: a safetensors file with JSON in its metadata, read without trusting it.

Reading runs no code. Size and nesting of the metadata are bounded, and every tensor is checked, before anything is
built from them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import Tensor

from agents.errors import RAMError
from agents.untrusted import one_line, parse_json, shown

MAX_HEADER_BYTES = 16 * 2**20
"""Size of the header: names, shapes and metadata. A checkpoint has about 10 kB."""
FLOATS = ("F16", "BF16", "F32", "F64")
"""Data types of weights, as safetensors calls them."""
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
        _check_header_size(path)
        with safe_open(path, framework="pt", device="cpu") as file:
            raw = file.metadata() or {}
            if kind is not None and raw.get("kind") != json.dumps(kind):
                raise CheckpointError(f"{path} is a safetensors file, but not {description}: {REMEDY}")
            content = _parsed(path, raw)
            names = file.keys() if with_tensors else ()
            for name in names:
                dtype = file.get_slice(name).get_dtype()
                if dtype not in FLOATS:
                    raise CheckpointError(
                        f"{path} is damaged: the tensor {shown(name)} has the type {dtype}, expected floating-point "
                        f"numbers: {REMEDY}"
                    )
            # Copies: the tensors of an open file are views of it, and the file may be replaced.
            tensors = {name: file.get_tensor(name).clone() for name in names}
    except CheckpointError:
        raise
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror or one_line(error)}") from error
    except (SafetensorError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"{path} is truncated or not a checkpoint ({one_line(error)}): {REMEDY}") from error
    for name, value in tensors.items():
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


def _check_header_size(path: Path) -> None:
    """Check the length that a safetensors file starts with, before the header is parsed.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If the header is too large.
    """
    with open(path, "rb") as file:
        size = int.from_bytes(file.read(8), "little")
    if size > MAX_HEADER_BYTES:
        raise ValueError(f"a header of {size:,} bytes, expected at most {MAX_HEADER_BYTES:,}")


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
