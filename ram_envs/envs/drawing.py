"""Builds the view of one row: the data that renderings draw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ram_envs.rendering import View
from ram_envs.sensors import Sensor
from ram_envs.tasks.task import Task


def picture(scene: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Copy scenes (..., C, H, W) to pictures, (..., H, W) in grayscale or (..., H, W, 3) in color."""
    if scene.shape[-3] == 1:
        return scene[..., 0, :, :].copy()
    return np.moveaxis(scene, -3, -1).copy()


def view_row(task: Task[Any], state: Any, row: int, path: list[NDArray[np.float32]]) -> View:
    """Return the view of one row.

    Args:
        task: The rules.
        state: The state of all rows, in NumPy arrays.
        row: Index of the row to show.
        path: The locations of this episode, float32 (2,) each, first to current.
    """
    one = type(state)(*(leaf[row : row + 1] for leaf in state))
    glimpse = np.asarray(task.observation(one).glimpse)
    return make_view(task.glimpse_sensor, np.asarray(task.scene(one)), glimpse, path, task.caption(one, 0))


def make_view(
    sensor: Sensor,
    scene: NDArray[np.uint8],
    glimpse: NDArray[np.float32],
    path: Sequence[NDArray[np.float32]],
    caption: str,
) -> View:
    """Return the view of one scene and one sensor.

    Args:
        sensor: The sensor.
        scene: uint8 (1, C, H, W).
        glimpse: float32 (1, glimpse_size), what the sensor returned.
        path: The locations of this episode, float32 (gaze_size,) each, first to current.
        caption: One line of text.
    """
    return View(
        scene=picture(scene)[0],
        fixations=np.asarray(sensor.to_pixels(np.stack(path))),
        outlines=np.array(sensor.outlines(path[-1])),
        glimpse=glimpse.reshape(sensor.glimpse_shape),
        caption=caption,
    )
