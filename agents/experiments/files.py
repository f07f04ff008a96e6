"""Result files: JSON with a header that names kind and version. Incompatible files are kept under another name."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from agents.errors import RAMError
from agents.files import write_atomically
from agents.untrusted import one_line, read_json

Content = TypeVar("Content")
_NUMBERS = re.compile(r"\[\n[-+.\deE,\s]+\]")  # a list of numbers, which goes on one line


class ResultError(RAMError, ValueError):
    """A result file or a folder of them cannot be used; the message names it and the fix."""


def read_result(file: Path, header: Mapping[str, Any], parse: Callable[[Any], Content]) -> Content | None:
    """Read a result file.

    Args:
        file: The file.
        header: What it has to say about itself, such as ``{"kind": "ram-results", "version": 1}``.
        parse: Turns its content into the result.

    Returns:
        The result; None if there is no file, or its header differs.

    Raises:
        ResultError: If the file cannot be read or parsed.
    """
    if not file.exists():
        return None
    try:
        content = read_json(file)
        if any(content.get(key) != value for key, value in header.items()):
            return None
        return parse(content)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ResultError(
            f"{file} cannot be read as a results file ({one_line(error)}): restore it, or move it away"
        ) from error


def write_result(file: Path, content: Mapping[str, Any]) -> None:
    """Write a result file, all of it or nothing; lists of numbers take one line.

    Raises:
        OSError: If it cannot be written; the old file is unchanged.
    """
    text = _NUMBERS.sub(lambda match: json.dumps(json.loads(match[0])), json.dumps(content, indent=1))
    write_atomically(file, (text + "\n").encode())


def set_aside(file: Path) -> Path:
    """Rename a result file by its version and a digest of its content, and return the new name.

    Raises:
        OSError: If it cannot be read or renamed.
    """
    data = file.read_bytes()
    try:
        version = json.loads(data)["version"]
    except (ValueError, KeyError, TypeError):
        version = "unknown"
    digest = hashlib.sha256(data).hexdigest()[:8]
    kept = file.with_name(f"{file.stem}.version-{version}.{digest}{file.suffix}")
    os.replace(file, kept)
    return kept
