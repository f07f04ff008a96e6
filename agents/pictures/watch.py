"""Lets a policy play one environment, to look at: a step at a time, or in a window."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import gymnasium
import torch

from agents.play import DisplayError
from ram_envs.arguments import check_integer
from ram_envs.rendering import Renderer, import_pygame

if TYPE_CHECKING:
    from agents.ram.policy import RAMPolicy

FRAMES_PER_SECOND = 8
HOLD_FRAMES = 8
"""For so many frames the end of an episode stays."""


def play_episodes(policy: RAMPolicy, env: gymnasium.Env[Any, Any], episodes: int | None, seed: int) -> Iterator[bool]:
    """Play greedily, and yield at every moment that can be drawn whether the episode is over.

    Args:
        policy: The policy; its device does the computing.
        env: With the action and the observation format "dict".
        episodes: How many; None goes on for ever.
        seed: Of the first episode; the others follow it.
    """
    device = next(policy.parameters()).device
    action_key = env.unwrapped.task.answer.key  # type: ignore[attr-defined]
    for episode in itertools.count():
        if episode == episodes:
            return
        observation, _ = env.reset(seed=seed if episode == 0 else None)
        state, over = policy.initial_state(1), False
        yield over
        while not over:
            batch = {key: torch.as_tensor(value, device=device)[None] for key, value in observation.items()}
            with torch.inference_mode():
                decision, state = policy.act(batch, state, greedy=True)
            fixation = decision.fixation[0].clamp(-1, 1).float().cpu().numpy()
            action = {"fixation": fixation, action_key: int(decision.task_action[0])}
            observation, _, terminated, truncated, _ = env.step(action)
            over = bool(terminated or truncated)
            yield over


def watch(
    policy: RAMPolicy, env_id: str, env_settings: Mapping[str, Any], episodes: int | None = None, seed: int = 0
) -> int:
    """Show a policy at play in a window, until it is closed.

    Args:
        policy: The policy.
        env_id: The environment.
        env_settings: Its arguments; action and observation format do not matter.
        episodes: How many at most; None for no limit.
        seed: Of the first episode.

    Returns:
        How many episodes were shown to their end.

    Raises:
        ValueError: If an argument is not valid.
        DependencyNotInstalled: If pygame is missing.
        DisplayError: If there is no display.
    """
    if episodes is not None:
        check_integer("episodes", episodes, 1)
    pygame = import_pygame()
    formats = {"action_format": "dict", "observation_format": "dict"}
    env = gymnasium.make(env_id, **{**env_settings, **formats})
    renderer, shown = Renderer(), 0
    try:
        for over in play_episodes(policy, env, episodes, seed):
            for _ in range(HOLD_FRAMES if over else 1):
                renderer.show(env.unwrapped.view(), FRAMES_PER_SECOND)  # type: ignore[attr-defined]
            if renderer.window_closed:
                return shown
            shown += over
    except pygame.error as error:
        raise DisplayError(
            f"no window can be opened ({error}): write a video instead, with --video FILE.gif on the command line"
        ) from error
    finally:
        renderer.close()
        env.close()
    return shown
