"""Reads files that may be damaged or come from a stranger: bounded in size and nesting before anything is built."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from ram_envs.errors import one_line, shown

__all__ = ["MAX_DEPTH", "MAX_RESULT_BYTES", "one_line", "parse_json", "read_json", "read_limited", "shown"]

MAX_DEPTH = 32
"""Levels of nesting in JSON and YAML; files of this project have at most six."""
MAX_RESULT_BYTES = 64 * 2**20
"""Size of a JSON file of results."""

# A string, up to its end or the end of the text, or a bracket. It never backtracks, so the time is linear.
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)


def read_limited(path: str | os.PathLike[str], limit: int) -> bytes:
    """Read a file of at most ``limit`` bytes.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it is larger.
    """
    with open(path, "rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise ValueError(f"larger than {limit:,} bytes")
    return data


def parse_json(text: str) -> Any:
    """Parse JSON of at most ``MAX_DEPTH`` levels.

    Raises:
        ValueError: If the text is not JSON or has more levels.
    """
    depth = 0
    for match in _STRING_OR_BRACKET.finditer(text):
        if match[0] in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise ValueError(f"more than {MAX_DEPTH} levels of nesting")
        elif match[0] in "]}":
            depth -= 1
    return json.loads(text)


def read_json(path: Path) -> Any:
    """Read a JSON file; see :func:`parse_json`.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it is not UTF-8, not JSON, too large or nested too deeply.
    """
    return parse_json(read_limited(path, MAX_RESULT_BYTES).decode("utf-8"))
