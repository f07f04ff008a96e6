"""Animations of a policy, as .gif or .mp4."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agents.environments.make import is_task
from agents.evaluation.fit import check_fit
from agents.files import write_atomically
from agents.pictures.controls import HOLD_SECONDS
from agents.pictures.encoding import Shot, encoder
from agents.pictures.watch import frame_seconds, looks, make_one
from agents.pictures.worlds import animate_world
from ram_envs.arguments import check_integer
from ram_envs.rendering import draw_frame

if TYPE_CHECKING:
    from agents.ram.policy import RAMPolicy


def animate(
    policy: RAMPolicy,
    env_id: str,
    env_settings: Mapping[str, Any],
    file: str | os.PathLike[str],
    episodes: int = 6,
    seed: int = 0,
    stop_threshold: float | None = None,
) -> None:
    """Play episodes with a policy, deterministically, and write them as an animation.

    Args:
        policy: The policy; its device does the computing.
        env_id: The environment.
        env_settings: Its arguments; action and observation format do not matter.
        file: The file to write: a .gif, or a .mp4, which needs the extra `video`.
        episodes: Number of episodes, at least 1.
        seed: Random seed of the first episode.
        stop_threshold: See :func:`agents.evaluation.evaluate.evaluate`.

    Raises:
        ValueError: If the suffix of the file is another one, or there are no episodes.
        DependencyNotInstalled: If imageio-ffmpeg is missing for a .mp4.
    """
    if not is_task(env_id):
        animate_world(policy, env_id, env_settings, file, episodes, seed)
        return
    path = Path(file)
    encode = encoder(path.suffix)
    check_integer("episodes", episodes, 1)
    env = make_one(env_id, env_settings, stop_threshold is not None)
    check_fit(policy, env.task, env_id)
    seconds = frame_seconds(env.task)
    shots = [
        Shot.of(draw_frame(look.view), HOLD_SECONDS if look.over else seconds)
        for look in looks(policy, env, episodes, seed, stop_threshold)
    ]
    write_atomically(path, encode(shots))
