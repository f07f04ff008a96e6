"""Which images an evaluation shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.environments.make import is_task
from ram_envs.errors import InvalidArgument
from ram_envs.registration import task_class
from ram_envs.scenes.datasets import DatasetSource


def takes_split(env_id: str) -> bool:
    """Whether the task of an environment takes the argument ``split``: which images to show."""
    return _takes(env_id, "split")


def with_dataset(env_id: str, env_settings: Mapping[str, Any], dataset: DatasetSource | None) -> dict[str, Any]:
    """Return the arguments of an environment with another dataset.

    Args:
        env_id: The environment.
        env_settings: Its arguments.
        dataset: The dataset; None leaves the arguments as they are.

    Raises:
        InvalidArgument: If a dataset is given for a task that takes none.
    """
    if dataset is None:
        return dict(env_settings)
    if not _takes(env_id, "dataset"):
        raise InvalidArgument(f"dataset has no meaning for {env_id}, which shows no images: leave it out")
    return {**env_settings, "dataset": dataset}


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


def _takes(env_id: str, argument: str) -> bool:
    """Return whether the task of an environment takes an argument."""
    return is_task(env_id) and any(field.name == argument for field in fields(task_class(env_id)))
