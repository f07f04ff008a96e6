"""What renderings show of an episode besides the current frame: the path of the gaze, the step and the return."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

from ram_envs.rendering import View
from ram_envs.wrappers.core import GlimpseCore

PATH_LENGTH = 20
"""Number of locations that a rendering shows: an episode may have thousands."""


class Trail:
    """The recent locations and the return of each row.

    Args:
        core: The sensor and the gaze.
        num_rows: Number of rows.
    """

    def __init__(self, core: GlimpseCore, num_rows: int) -> None:
        self._core = core
        self._paths: list[deque[Any]] = [deque(maxlen=PATH_LENGTH) for _ in range(num_rows)]
        self._returns = [0.0] * num_rows

    def begin(self, row: int) -> None:
        """Forget the last episode of a row."""
        self._paths[row].clear()
        self._returns[row] = 0.0

    def follow(self, rewards: Sequence[float]) -> None:
        """Note where the gaze of every row is, and its rewards: 0 where an episode has just begun."""
        for row, path in enumerate(self._paths):
            path.append(self._core.gaze[row])
            self._returns[row] += rewards[row]

    def view(self, row: int) -> View:
        """Return what a rendering of a row shows."""
        caption = f"step {int(self._core.steps[row])} · return {self._returns[row]:g}"
        return self._core.view(row, self._paths[row], caption)
