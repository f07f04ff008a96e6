"""The episodes of a training as they end: returns, lengths and successes."""

from __future__ import annotations

from collections import deque

import numpy as np
import torch
from torch import Tensor

from agents.environments.world import Step
from ram_envs.tasks import FigureOfMerit

WINDOW = 100
"""Episodes over which the figures of a training are averaged."""


class Record:
    """Return, length and success of the episodes in some rows, as they end.

    Args:
        num_envs: B.

    Attributes:
        returns: Returns of the last ``WINDOW`` episodes.
        lengths: Their numbers of steps.
        successes: Which of them succeeded; empty if that has no meaning.
    """

    def __init__(self, num_envs: int) -> None:
        self.returns: deque[float] = deque(maxlen=WINDOW)
        self.lengths: deque[int] = deque(maxlen=WINDOW)
        self.successes: deque[bool] = deque(maxlen=WINDOW)
        self._return, self._length = np.zeros(num_envs), np.zeros(num_envs, np.int64)

    def reset(self) -> None:
        """Forget the episodes that have not ended."""
        self._return[:], self._length[:] = 0.0, 0

    def add(self, step: Step, rows: slice) -> None:
        """Add a step of some rows."""
        total, length = self._return[rows], self._length[rows]  # views
        total += np.where(step.taken, step.reward, 0.0)
        length += step.taken
        for row in np.flatnonzero(step.over):
            self.returns.append(float(total[row]))
            self.lengths.append(int(length[row]))
            if step.success is not None:
                self.successes.append(bool(step.success[row]))
        total[step.over], length[step.over] = 0.0, 0

    def statistics(self, figure: FigureOfMerit) -> dict[str, Tensor]:
        """Return the figure of merit and the mean return and length, float32 ().

        Before the first episode has ended these are the return and length of the episodes so far, and no success.
        """
        returns, lengths = self.returns or self._return, self.lengths or self._length
        values = {"episode_return": float(np.mean(returns)), "episode_length": float(np.mean(lengths))}
        if figure.of != "return":
            share = float(np.mean(self.successes)) if self.successes else 0.0
            values = {figure.name: figure.stored_factor * (share if figure.of == "success" else 1 - share), **values}
        return {name: torch.tensor(value) for name, value in values.items()}
