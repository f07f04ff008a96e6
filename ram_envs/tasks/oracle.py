"""Oracles: players that see the hidden state, as upper bounds for benchmarks."""

from __future__ import annotations

from typing import Any, Protocol

from ram_envs.arrays import Array


class Oracle(Protocol):
    """A player that sees the hidden state: an upper bound for benchmarks."""

    def start(self, num_rows: int) -> None:
        """Reset the memory: new episodes start in all rows."""

    def answer(self, state: Any) -> Array:
        """Return the best answer of each row, int64 (B,)."""


class TargetOracle:
    """Answers the target of the task."""

    def __init__(self, task: Any) -> None:
        self._task = task

    def start(self, num_rows: int) -> None:
        """Do nothing, since this player has no memory."""

    def answer(self, state: Any) -> Array:
        """Return the target of each row."""
        target = self._task.target(state)
        assert target is not None
        return target
