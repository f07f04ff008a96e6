"""The score of a player, in the figure of merit of the task."""

from __future__ import annotations

from dataclasses import dataclass

from ram_envs.tasks.figure import FigureOfMerit


@dataclass(frozen=True)
class Score:
    """What a player achieved in the episodes that ended.

    Attributes:
        figure: The task's figure of merit: episodes count as successes, or by their return.
        episodes: Number of episodes.
        total: Number of successes, or sum of returns.
    """

    figure: FigureOfMerit
    episodes: int = 0
    total: float = 0.0

    def plus(self, result: float) -> Score:
        """Return the score after a further episode with this result; see :func:`episode_result`."""
        return Score(self.figure, self.episodes + 1, self.total + result)

    @property
    def points(self) -> str:
        """The successes, such as "7", or the mean return."""
        if self.figure.is_share:
            return f"{self.total:.0f}"
        return self.figure.write(self.total / self.episodes) if self.episodes else "none yet"

    def __str__(self) -> str:
        """Write the score in words."""
        if self.figure.is_share:
            return f"{self.points} of {self.episodes}"
        return f"{self.figure.label} {self.points} (mean of {self.episodes})"


def episode_result(figure: FigureOfMerit, success: bool, episode_return: float) -> float:
    """Return the result of an episode that has ended: 1 or 0 for success, or its return, as the figure of merit asks.

    Args:
        figure: The task's figure of merit.
        success: Whether the episode ended in success.
        episode_return: The sum of the rewards.
    """
    return float(success if figure.is_share else episode_return)
