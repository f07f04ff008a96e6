"""A policy at work in any environment, as the environment renders itself: animations, and a window."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import gymnasium
import numpy as np
from numpy.typing import NDArray

from agents.environments.make import make_world
from agents.environments.player import WorldPlayer
from agents.environments.world import World
from agents.errors import RAMError
from agents.evaluation.worlds import check_world
from agents.files import write_atomically
from agents.pictures.controls import HOLD_SECONDS, NO_DISPLAY, Controls
from agents.pictures.encoding import Shot, encoder
from agents.play.display import open_sized_display
from agents.ram.validation import UNREGISTERED
from ram_envs.arguments import check_integer
from ram_envs.rendering import import_pygame

if TYPE_CHECKING:
    import pygame

    from agents.ram.policy import RAMPolicy

MAX_FRAMES = 600
"""An animation ends after so many frames: episodes of other environments may be thousands of steps long."""
_FPS = 10


class NoPicture(RAMError, ValueError):
    """An environment cannot be rendered as an image."""


class LongAnimationWarning(UserWarning):
    """An animation ends before all of its episodes."""


class Picture(NamedTuple):
    """One moment of an episode.

    Attributes:
        frame: uint8 (height, width, 3).
        over: Whether the episode has ended.
        episode_return: Sum of the rewards so far.
    """

    frame: NDArray[np.uint8]
    over: bool
    episode_return: float


def animate_world(
    policy: RAMPolicy,
    env_id: str,
    env_settings: Mapping[str, Any],
    file: str | os.PathLike[str],
    episodes: int = 6,
    seed: int = 0,
) -> None:
    """Play episodes deterministically and write them as an animation; see :func:`agents.pictures.animation.animate`.

    Raises:
        ValueError: If the suffix of the file is another one, or there are no episodes.
        NoPicture: If the environment cannot be rendered as an image.
    """
    path = Path(file)
    encode = encoder(path.suffix)
    check_integer("episodes", episodes, 1)
    world = make_rendered(env_id, env_settings)
    try:
        check_world(policy, world)
        seconds = frame_seconds(world)
        shots: list[Shot] = []
        ended = 0
        for picture in pictures(policy, world, episodes, seed):
            if len(shots) == MAX_FRAMES:
                warnings.warn(
                    f"{path} ends after {MAX_FRAMES} frames, with {ended} of {episodes} episodes complete",
                    LongAnimationWarning,
                    stacklevel=2,
                )
                break
            shots.append(Shot.of(picture.frame, HOLD_SECONDS if picture.over else seconds))
            ended += picture.over
    finally:
        world.close()
    write_atomically(path, encode(shots))


def watch_world(
    policy: RAMPolicy, env_id: str, env_settings: Mapping[str, Any], episodes: int | None = None, seed: int = 0
) -> int:
    """Show a policy in a window, until a person leaves or all episodes are shown; see :func:`agents.pictures.watch`.

    Returns:
        Number of episodes that were shown to their end.

    Raises:
        NoPicture: If the environment cannot be rendered as an image.
        DisplayError: If there is no display.
    """
    pygame = import_pygame()
    world = make_rendered(env_id, env_settings)
    check_world(policy, world)
    seconds, shown = frame_seconds(world), 0
    controls: Controls | None = None
    try:
        for picture in pictures(policy, world, episodes, seed):
            surface = pygame.surfarray.make_surface(picture.frame.swapaxes(0, 1))
            if controls is None:
                open_sized_display(surface.get_size(), env_id, NO_DISPLAY)
                controls = Controls()
            pygame.display.set_caption(f"{env_id} · episode {shown + 1} · return {picture.episode_return:g}")
            controls.show(partial(_same, surface), HOLD_SECONDS if picture.over else seconds)
            shown += picture.over
            if controls.left:
                break
    finally:
        pygame.display.quit()
        world.close()
    return shown


def make_rendered(env_id: str, env_settings: Mapping[str, Any]) -> World:
    """Make an environment with one row that renders images.

    Raises:
        NoPicture: If it does not.
    """
    if env_id == UNREGISTERED:
        raise NoPicture("the agent was trained on an environment without an id, which cannot be made here")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Gymnasium warns about render modes that an environment does not have
            return make_world(env_id, 1, env_settings, render_mode="rgb_array")
    except (ValueError, TypeError, AssertionError, gymnasium.error.Error) as error:
        raise NoPicture(f"{env_id} cannot be rendered as an image: {error}") from error


def frame_seconds(world: World) -> float:
    """Return for how long each frame is shown, in seconds."""
    return 1.0 / min(max(float(world.env.metadata.get("render_fps") or _FPS), 1.0), 30.0)


def pictures(policy: RAMPolicy, world: World, episodes: int | None, seed: int) -> Iterator[Picture]:
    """Play deterministically in one row, and yield every moment.

    An environment that resets in the same step shows no final frame.

    Args:
        policy: The policy.
        world: From :func:`make_rendered`.
        episodes: Number of episodes; None for no limit.
        seed: Seed of the environment.

    Raises:
        NoPicture: If a frame is no image.
    """
    player = WorldPlayer(policy, 1, seed=seed)
    observation, starts = world.reset(seed), np.ones(1, bool)
    ended, total = 0, 0.0
    yield Picture(_frame(world), False, total)
    while episodes is None or ended < episodes:
        step = world.step(player.act(observation, starts))
        observation, starts = step.observation, step.starts
        total += float(step.reward[0]) if step.taken[0] else 0.0
        over = bool(step.over[0])
        yield Picture(_frame(world), over, total)
        ended += over
        total = 0.0 if over else total


def _same(surface: pygame.Surface, paused: bool) -> pygame.Surface:
    return surface


def _frame(world: World) -> NDArray[np.uint8]:
    frames: Any = world.env.render()
    frame = None if frames is None or len(frames) == 0 else np.asarray(frames[0])
    if frame is None or frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3:
        raise NoPicture(f"{world.env} returned no image when it was rendered: expected uint8 (height, width, 3)")
    return frame
