"""Ranges of the settings that algorithms of Stable-Baselines3 and of CleanRL share, by their names there."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

_COUNTS = (
    *("num_envs", "num_stacked", "num_steps", "n_steps", "batch_size", "num_minibatches", "n_epochs", "update_epochs"),
    *("hidden_size", "lstm_size", "buffer_size", "target_update_interval"),
)
_POSITIVE = ("learning_rate", "clip_range", "clip_range_vf", "clip_coef", "max_grad_norm", "target_kl", "rms_prop_eps")
_SHARES = ("gamma", "gae_lambda", "tau", "exploration_initial_eps", "exploration_final_eps")
_FINITE = ("ent_coef", "vf_coef")


def check_ranges(settings: Mapping[str, Any]) -> None:
    """Check the range of the settings in the table above; others are left to the algorithm.

    None passes: whether a setting takes it, its default decides.

    Raises:
        ValueError: If one is out of its range.
    """
    for name, value in settings.items():
        expected = _expected(name, value)
        if expected is not None and value is not None:
            raise ValueError(f"{name}={value!r} is out of range: expected {expected}")


def _expected(name: str, value: Any) -> str | None:
    """Return what was expected of a setting; None if the value is that, or nothing is known of it."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if name in _COUNTS and not (is_number and value >= 1 and value == int(value)):
        return "a whole number of at least 1"
    if name in _POSITIVE and not (is_number and value > 0):
        return "a finite number above 0"
    if name in _SHARES and not (is_number and 0 <= value <= 1):
        return "a number from 0 to 1"
    if name in _FINITE and not is_number and not isinstance(value, str):  # "auto" of SAC
        return "a finite number"
    return None
