"""Evaluation in any vector environment: the figure of merit over numbered episodes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import VectorEnv

from agents.environments.make import make_world
from agents.environments.player import WorldPlayer
from agents.environments.world import World
from agents.evaluation.evaluate import Evaluation, figure_of
from agents.evaluation.loop import Episodes
from agents.ram.policy import RAMPolicy
from agents.ram.validation import UNREGISTERED
from ram_envs.arguments import check_integer
from ram_envs.errors import InvalidArgument

EPISODES = 100
"""Episodes of an evaluation, unless asked otherwise."""
MAX_ROWS = 64
"""Rows of the vector environment."""


def evaluate_world(
    policy: RAMPolicy,
    env: str | VectorEnv | Callable[[], gymnasium.Env],
    env_settings: Mapping[str, Any] | None = None,
    *,
    episodes: int | None = None,
    seed: int = 0,
    greedy: bool = True,
    greedy_action: bool | None = None,
    num_envs: int = MAX_ROWS,
) -> Evaluation:
    """Evaluate a policy in any vector environment; see :func:`agents.evaluation.evaluate.evaluate`.

    Every row plays the same number of episodes (the first rows one more), so that long and short ones count alike.

    Args:
        policy: The policy.
        env: Id of the environment, a vector environment, or a function that makes one environment.
        env_settings: Arguments of the environment, for ids only.
        episodes: Number of episodes; None for 100.
        seed: Seed of the first row of the environment, and of what is sampled.
        greedy: Take the mean location instead of sampling it.
        greedy_action: Take the most likely task action instead of sampling it. None for the value of ``greedy``.
        num_envs: Largest number of rows; at most 64. The number changes which episodes are played.

    Raises:
        ValueError: If an argument is not valid, or the policy was made for another environment.
    """
    start = time.perf_counter()
    check_integer("seed", seed, 0, 2**30 - 1)
    count = EPISODES if episodes is None else episodes
    check_integer("episodes", count, 1)
    check_integer("num_envs", num_envs, 1)
    greedy_action = greedy if greedy_action is None else greedy_action
    rows = env.num_envs if isinstance(env, VectorEnv) else min(num_envs, MAX_ROWS, count)
    world = make_world(env, rows, env_settings)
    try:
        check_world(policy, world)
        player = WorldPlayer(policy, rows, greedy=greedy, greedy_action=greedy_action, seed=seed)
        ended = play_episodes(world, player, count, seed)
    finally:
        if not isinstance(env, VectorEnv):
            world.close()
    figure = world.adapter.figure
    value, low, high = figure_of(figure, ended.success, ended.returns)
    return Evaluation(
        env_id=env if isinstance(env, str) else UNREGISTERED,
        figure=figure.name,
        value=value,
        interval_low=low,
        interval_high=high,
        episodes=count,
        mean_glimpses=int(ended.glimpses.sum()) / count,
        split=None,
        seed=seed,
        greedy=greedy and not policy.settings.random_locations,
        greedy_action=greedy_action,
        seconds=time.perf_counter() - start,
    )


def check_world(policy: RAMPolicy, world: World) -> None:
    """Refuse a policy that was made for another environment.

    Raises:
        InvalidArgument: If observations or actions have other sizes.
    """
    made, needed = policy.settings.to_dict(), world.adapter.settings(policy.settings).to_dict()
    if differing := [name for name in made if made[name] != needed[name]]:
        trained, given = (", ".join(f"{name}={sizes[name]}" for name in differing) for sizes in (made, needed))
        raise InvalidArgument(
            f"the policy was made for {trained}, but the environment has {given}: use the environment and the settings "
            "that it was trained with"
        )


def play_episodes(world: World, player: WorldPlayer, count: int, seed: int) -> Episodes:
    """Play numbered episodes: episode i is the one number ``i // B`` of row ``i % B``.

    Args:
        world: With B rows.
        player: Who acts.
        count: Number of episodes, N.
        seed: Seed of the first row.
    """
    rows = world.num_envs
    successes, returns, lengths = np.zeros(count, bool), np.zeros(count), np.zeros(count, np.int64)
    number = np.arange(rows)  # the episode that each row is playing
    total, length = np.zeros(rows), np.zeros(rows, np.int64)
    observation, starts = world.reset(seed), np.ones(rows, bool)
    while (number < count).any():
        step = world.step(player.act(observation, starts))
        observation, starts = step.observation, step.starts
        total += np.where(step.taken, step.reward, 0.0)
        length += step.taken
        for row in np.flatnonzero(step.over & (number < count)):
            returns[number[row]], lengths[number[row]] = total[row], length[row]
            successes[number[row]] = step.success is not None and step.success[row]
            number[row] += rows
        total[step.over], length[step.over] = 0.0, 0
    return Episodes(successes, returns, lengths, {})
