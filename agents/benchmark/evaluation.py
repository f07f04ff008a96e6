"""How well a player does, whoever it is: the share of fresh episodes that it wins.

Episode i has the seed i, and of classification the i-th of images that are spread evenly over the split, so every
player of a benchmark gets the same ones, and none of them was in anyone's training.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from agents.benchmark.algorithm import Problem
from ram_envs.registration import task_class
from ram_envs.tasks import Classification

ROWS = 500
"""Episodes that are played side by side."""


class Player(Protocol):
    """Who plays; :class:`agents.benchmark.Algorithm` documents the two methods."""

    def start(self, num_envs: int) -> None:
        """Forget everything that was seen."""

    def act(self, observation: Any) -> Any:
        """Choose actions."""


class Score(NamedTuple):
    """How many episodes were won."""

    successes: int
    episodes: int

    @property
    def rate(self) -> float:
        """The share of episodes that were won, in [0, 1]."""
        return self.successes / self.episodes


class Evaluator:
    """The episodes that players are judged by.

    Args:
        problem: The environment and the formats that the player takes.
        episodes: How many; of classification at most as many as the split has images.
        split: Of classification: the images to show.

    Attributes:
        env: The environment that is played.
        episodes: How many episodes there are.
    """

    def __init__(self, problem: Problem, episodes: int, split: str = "test") -> None:
        images = {"split": split} if shows_images(problem.env_id) else {}
        env = problem.make_vec(min(ROWS, episodes), **images)
        self.num_images = env.task.num_images if isinstance(env.task, Classification) else None
        self.episodes = episodes if self.num_images is None else min(episodes, self.num_images)
        if self.episodes < env.num_envs:
            env = problem.make_vec(self.episodes, **images)
        self.env = env

    def score(self, player: Player) -> Score:
        """Let a player play every episode once."""
        successes = 0
        rows = self.env.num_envs
        for first in range(0, self.episodes, rows):
            number = np.arange(first, first + rows)
            won = self._play(player, np.minimum(number, self.episodes - 1))  # the last batch is filled up
            successes += int(won[number < self.episodes].sum())
        return Score(successes, self.episodes)

    def _play(self, player: Player, number: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Play the episodes of these numbers, int64 (B,), one in each row; return which were won, bool (B,)."""
        options = None
        if self.num_images is not None:
            options = {"image_index": number * self.num_images // self.episodes}
        observation, _ = self.env.reset(seed=number.tolist(), options=options)
        player.start(len(number))
        won, ended = np.zeros(len(number), bool), np.zeros(len(number), bool)
        for _ in range(self.env.task.max_episode_steps):
            observation, _, terminated, truncated, info = self.env.step(player.act(observation))
            over = (terminated | truncated) & ~ended  # rows that end early play on, which does not count
            if over.any():
                won[over] = info["final_info"]["is_success"][over]
            ended |= over
            if ended.all():
                break
        return won


def shows_images(env_id: str) -> bool:
    """Whether an environment is one of classification."""
    return issubclass(task_class(env_id), Classification)
