"""What the JSON file of a run must contain: a file that somebody has edited or damaged is named, not half used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from agents.benchmark.references import REFERENCES
from agents.untrusted import shown

_LARGEST = 2**53
"""Integers beyond it lose digits in floating point."""
_MAX_SCORE = 1e9
MAX_NAME = 200
"""Characters of the name of an algorithm or an environment."""

Check = Callable[[Any], bool]


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST


def _is_number(value: Any) -> bool:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and 0 <= value <= _LARGEST  # NaN is not


def _is_score(value: Any) -> bool:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and abs(value) <= _MAX_SCORE  # NaN is not


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def is_name(value: Any) -> bool:
    """Whether a value is the name of an algorithm or an environment in reports."""
    return isinstance(value, str) and 0 < len(value) <= MAX_NAME and value.isprintable() and "$" not in value


def _is_mapping(value: Any) -> bool:
    return isinstance(value, dict)


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _is_speed(value: Any) -> bool:
    return value is None or _is_number(value)


_RESULT: dict[str, tuple[Check, str]] = {
    "job": (_is_mapping, "a dictionary"),
    "settings": (_is_mapping, "a dictionary"),
    "score": (_is_mapping, "a dictionary"),
    "curve": (_is_list, "a list"),
    "frames": (_is_integer, "a whole number"),
    "seconds": (_is_number, "a number"),
    "frames_per_second": (_is_speed, "a number or null"),
    "seconds_evaluating": (_is_number, "a number"),
    "started": (_is_text, "a text"),
    "versions": (_is_mapping, "a dictionary"),
    "hardware": (_is_mapping, "a dictionary"),
}
_JOB: dict[str, tuple[Check, str]] = {
    "environment": (is_name, "a name"),
    "algorithm": (is_name, "a name"),
    "env_id": (_is_text, "a text"),
    "env_settings": (_is_mapping, "a dictionary"),
    "implementation": (_is_text, "a text"),
    "settings": (_is_mapping, "a dictionary"),
    "action_format": (_is_text, "a text"),
    "observation_format": (_is_text, "a text"),
    "seed": (_is_integer, "a whole number"),
    "frames": (_is_integer, "a whole number"),
    "threads": (_is_integer, "a whole number"),
    "device": (_is_text, "a text"),
    "evaluation": (_is_mapping, "a dictionary"),
}
_EVALUATION: dict[str, tuple[Check, str]] = {
    "episodes": (_is_integer, "a whole number"),
    "curve_points": (_is_integer, "a whole number"),
    "curve_episodes": (_is_integer, "a whole number"),
    "split": (_is_text, "a text"),
}
_SCORE: dict[str, tuple[Check, str]] = {
    "value": (_is_score, "a number"),
    "episodes": (_is_integer, "a whole number"),
}
_POINT: dict[str, tuple[Check, str]] = {
    "due": (_is_integer, "a whole number"),
    "frames": (_is_integer, "a whole number"),
    "score": (_is_score, "a number"),
}


def result_problem(result: Any) -> str | None:
    """Check the content of a run's JSON file.

    Args:
        result: What :func:`agents.benchmark.run.run` returned, read from JSON.

    Returns:
        What is wrong with which key; None if nothing is.
    """
    if not isinstance(result, dict):
        return f"it is {shown(result)}, expected a dictionary"
    problem = _first(result, _RESULT, "")
    if problem is not None:
        return problem
    job = result["job"]
    parts = [(job, _JOB, "job."), (result["score"], _SCORE, "score.")]
    parts += [(point, _POINT, f"curve[{index}].") for index, point in enumerate(result["curve"])]
    for values, schema, prefix in parts:
        problem = _first(values, schema, prefix)
        if problem is not None:
            return problem
    problem = _first(job["evaluation"], _EVALUATION, "job.evaluation.")
    if problem is not None:
        return problem
    if job["implementation"] not in REFERENCES:
        points = job["evaluation"]["curve_points"] + 1
        if len(result["curve"]) != points:
            return f"curve has {len(result['curve'])} points, expected {points:,}"
        if result["frames_per_second"] is None:
            return "frames_per_second is null"
    return None


def _first(values: Any, schema: Mapping[str, tuple[Check, str]], prefix: str) -> str | None:
    """Return what is wrong with the first value that is not as the schema has it."""
    if not isinstance(values, dict):
        return f"{prefix.rstrip('.')} is {shown(values)}, expected a dictionary"
    for key, (is_valid, expected) in schema.items():
        if key not in values:
            return f"{prefix}{key} is missing"
        if not is_valid(values[key]):
            return f"{prefix}{key} is {shown(values[key])}, expected {expected}"
    return None
