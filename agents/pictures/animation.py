"""Animations of a policy, as .gif or .mp4."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np

from agents.pictures.encoding import Shot, encoder
from agents.pictures.watch import HOLD_SECONDS, frame_seconds, play_episodes
from agents.ram.checkpoint import write_atomically
from ram_envs.arguments import check_integer

if TYPE_CHECKING:
    from agents.ram.policy import RAMPolicy


def animate(
    policy: RAMPolicy,
    env_id: str,
    env_settings: Mapping[str, Any],
    file: str | os.PathLike[str],
    episodes: int = 6,
    seed: int = 0,
) -> None:
    """Play episodes with a policy, greedily, and write them as an animation.

    Args:
        policy: The policy; its device does the computing.
        env_id: The environment.
        env_settings: Its arguments; action and observation format are those of the policy whatever is said here.
        file: What to write: a .gif, or a .mp4, which needs the extra `video`.
        episodes: How many, at least 1.
        seed: Of the first episode.

    Raises:
        ValueError: If the file's suffix is neither, or there are no episodes.
        DependencyNotInstalled: If imageio-ffmpeg is missing for a .mp4.
    """
    path = Path(file)
    encode = encoder(path.suffix)
    check_integer("episodes", episodes, 1)
    shots = list(_play(policy, env_id, env_settings, episodes, seed))
    write_atomically(path, encode(shots))


def _play(policy: RAMPolicy, env_id: str, env_settings: Mapping[str, Any], episodes: int, seed: int) -> Iterator[Shot]:
    """Play episodes and yield what they look like."""
    formats = {"action_format": "dict", "observation_format": "dict"}
    env = gymnasium.make(env_id, render_mode="rgb_array", **{**env_settings, **formats})
    seconds = frame_seconds(env.unwrapped.task)  # type: ignore[attr-defined]
    try:
        for moment in play_episodes(policy, env, episodes, seed):
            yield Shot.of(np.asarray(env.render()), HOLD_SECONDS if moment.over else seconds)
    finally:
        env.close()
