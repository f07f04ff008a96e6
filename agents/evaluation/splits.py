"""Which images an evaluation shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ram_envs.errors import InvalidArgument
from ram_envs.registration import task_class


def takes_split(env_id: str) -> bool:
    """Whether the task of an environment takes the argument ``split``: which images to show."""
    return any(field.name == "split" for field in fields(task_class(env_id)))


def with_split(env_id: str, env_settings: Mapping[str, Any], split: str | None) -> dict[str, Any]:
    """Return the arguments of an environment with the split to evaluate on instead of the one for training.

    Args:
        env_id: The environment.
        env_settings: Its arguments.
        split: The split. None is "test" where the task takes a split, and leaves the arguments alone elsewhere.

    Raises:
        InvalidArgument: If a split is given for a task that takes none.
    """
    if takes_split(env_id):
        return {**env_settings, "split": "test" if split is None else split}
    if split is not None:
        raise InvalidArgument(f"split={split!r} has no meaning for {env_id}, which shows no images: leave it out")
    return dict(env_settings)


def evenly_spread(count: int, num_images: int) -> NDArray[np.int64]:
    """Return the indices of ``count`` images that are spread evenly over all images: int64 (count,)."""
    return np.arange(count) * num_images // count
