"""A policy at play, to look at: its views one after the other, and a window that shows them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

import gymnasium
import torch
from gymnasium.vector import AutoresetMode

from agents.evaluation.loop import play
from agents.evaluation.players import FORMATS, PolicyPlayer
from agents.play import DisplayError
from ram_envs.arguments import check_integer
from ram_envs.envs.drawing import view_row
from ram_envs.rendering import Renderer, View, import_pygame

if TYPE_CHECKING:
    from agents.ram.policy import RAMPolicy
    from ram_envs.envs.vector import GlimpseVectorEnv

FRAMES_PER_SECOND = 8
HOLD_FRAMES = 8
"""Frames for which the end of an episode stays."""


def make_one(env_id: str, env_settings: Mapping[str, Any]) -> GlimpseVectorEnv:
    """Return an environment with one row for :func:`views`.

    Args:
        env_id: The environment.
        env_settings: Its arguments; the action and the observation format are those of a RAM policy.
    """
    settings = {**env_settings, **FORMATS}
    return cast("GlimpseVectorEnv", gymnasium.make_vec(env_id, 1, autoreset_mode=AutoresetMode.DISABLED, **settings))


def views(policy: RAMPolicy, env: GlimpseVectorEnv, episodes: int | None, seed: int) -> Iterator[tuple[View, bool]]:
    """Play deterministically, and yield every view with whether the episode is over.

    Args:
        policy: The policy; its device does the computing.
        env: From :func:`make_one`.
        episodes: Number of episodes; None for no limit.
        seed: Random seed of the first episode; the others follow it.
    """
    for episode in itertools.count() if episodes is None else range(episodes):
        seeds = torch.tensor([seed + episode], device=policy.location_std.device)
        player, path = PolicyPlayer(policy, env.task.answer.key, seeds), []
        for moment in play(env, player, seed=None if episode else seed):
            path.append(moment.observation["location"][0])
            yield view_row(env.task, env.state, 0, path), not moment.running[0]


def watch(
    policy: RAMPolicy, env_id: str, env_settings: Mapping[str, Any], episodes: int | None = None, seed: int = 0
) -> int:
    """Show a policy at play in a window, until the window is closed.

    Args:
        policy: The policy.
        env_id: The environment.
        env_settings: Its arguments; action and observation format do not matter.
        episodes: Maximum number of episodes; None for no limit.
        seed: Random seed of the first episode.

    Returns:
        The number of episodes that were shown to their end.

    Raises:
        ValueError: If an argument is not valid.
        DependencyNotInstalled: If pygame is missing.
        DisplayError: If there is no display.
    """
    if episodes is not None:
        check_integer("episodes", episodes, 1)
    pygame = import_pygame()
    renderer, shown = Renderer(), 0
    try:
        for view, over in views(policy, make_one(env_id, env_settings), episodes, seed):
            for _ in range(HOLD_FRAMES if over else 1):
                renderer.show(view, FRAMES_PER_SECOND)
            if renderer.window_closed:
                return shown
            shown += over
    except pygame.error as error:
        raise DisplayError(
            f"no window can be opened ({error}): write an animation instead, with --video FILE.gif"
        ) from error
    finally:
        renderer.close()
    return shown
