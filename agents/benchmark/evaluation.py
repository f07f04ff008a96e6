"""The evaluation of a benchmark's players: fresh episodes, the same ones for every player.

Episode i has the seed i. In tasks with images it shows the i-th of images that are spread evenly over the split. No
training uses these seeds.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from agents.benchmark.algorithm import Problem
from agents.evaluation.loop import Player, play_all
from agents.evaluation.splits import evenly_spread, takes_split
from ram_envs.tasks import EPISODE_RETURN, FigureOfMerit

ROWS = 500
"""Episodes that are played in parallel."""
WRAPPED_ROWS = 50
"""The same of a wrapped environment, of which every row is one of its own."""


class Score(NamedTuple):
    """The score of a player.

    Attributes:
        value: The share of successful episodes, in [0, 1]; the mean return if the figure of merit is a return.
        successes: Successful episodes.
        episodes: All episodes.
        is_share: Whether the value is a share.
    """

    value: float
    successes: int
    episodes: int
    is_share: bool = True


class Evaluator:
    """The episodes that players are evaluated on.

    Args:
        problem: The environment, and the formats of the player.
        episodes: Number of episodes; at most one for each image of the split.
        split: The images to show, in tasks that show images.

    Attributes:
        env: The environment that is played.
        episodes: Number of episodes.
        figure: The figure of merit: that of the task, or the return of a wrapped environment.
    """

    env: Any
    figure: FigureOfMerit

    def __init__(self, problem: Problem, episodes: int, split: str = "test") -> None:
        self.episodes, self.num_images = episodes, None
        if problem.is_wrapped:
            self.env, self.figure = problem.make_vec(min(WRAPPED_ROWS, episodes)), EPISODE_RETURN
            return
        images = {"split": split} if takes_split(problem.env_id) else {}
        one: Any = problem.make_vec(1, **images)
        self.num_images, self.figure = one.task.num_images, one.task.figure
        self.episodes = episodes if self.num_images is None else min(episodes, self.num_images)
        self.env = problem.make_vec(min(ROWS, self.episodes), **images)

    def score(self, player: Player) -> Score:
        """Let a player play every episode once."""
        images = None if self.num_images is None else evenly_spread(self.episodes, self.num_images)
        ended = play_all(self.env, lambda seeds: player, np.arange(self.episodes), images)
        successes = int(ended.success.sum())
        is_share = self.figure.is_share
        value = successes / self.episodes if is_share else float(ended.returns.mean(dtype=np.float64))
        return Score(value, successes, self.episodes, is_share)
