"""The window of `ram play`."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any

import gymnasium

from agents.play.display import open_display
from agents.play.game import Game
from agents.play.opponent import find_opponent
from agents.play.score import Score
from ram_envs import parse_id
from ram_envs.arguments import check_number
from ram_envs.registration import is_wrapper_id
from ram_envs.rendering import frame_position, frame_surface, import_pygame, present

if TYPE_CHECKING:
    import pygame

FRAMES_PER_SECOND = 30
LONGEST_WAIT = 0.25
"""Seconds. A game that was blocked, for example while its window was dragged, does not catch up on more than this."""
NO_DISPLAY = "ram play needs a window; to record an agent instead, use ram watch CHECKPOINT --video FILE"


def play(
    env_id: str,
    env_settings: Mapping[str, Any] | None = None,
    *,
    seed: int | None = None,
    hidden: bool = True,
    steps_per_second: float = 4.0,
) -> Score:
    """Open a window in which a person plays until they leave.

    If the package has an agent for the environment, the agent plays the same episodes.

    Args:
        env_id: The id of the environment; "RAM-Glimpse-v0" plays any other environment, named in ``env_settings``.
        env_settings: Its arguments; the action and the observation format are ignored.
        seed: Random seed of the first episode; None for a random one.
        hidden: Whether the scene is hidden at the start, so that the person sees what an agent sees.
        steps_per_second: Speed of a game. Tasks with a target, such as classification, and wrapped environments without
            an action that does nothing wait for the person.

    Returns:
        The person's score.

    Raises:
        ValueError: If an argument is unknown or not valid.
        DependencyNotInstalled: If pygame is missing.
        DisplayError: If there is no display.
    """
    check_number("steps_per_second", steps_per_second, 0.1, 1000)
    if not is_wrapper_id(env_id):
        parse_id(env_id)  # the error names the environments
    pygame = import_pygame()
    settings = {**(env_settings or {}), "action_format": "dict", "observation_format": "dict"}
    seed = secrets.randbits(31) if seed is None else seed
    env = gymnasium.make(env_id, render_mode=None, **settings)
    opponent = None
    try:
        game = Game(pygame, env, seed, hidden)
        open_display(game.view(), env_id, NO_DISPLAY)
        present(frame_surface(game.view()))  # loading the agent takes a moment
        game.opponent = opponent = find_opponent(env_id, settings, seed)
        _run(pygame, game, steps_per_second)
        return game.score
    finally:
        pygame.display.quit()
        env.close()
        if opponent is not None:
            opponent.close()


def _run(pygame: ModuleType, game: Game, steps_per_second: float) -> None:
    """Show the game and handle events and time until the person leaves."""
    clock = pygame.time.Clock()
    due = 0.0  # seconds since the last step
    while not game.left:
        for event in pygame.event.get():
            game.handle(_in_frame(pygame, event, game))
        due += min(clock.tick(FRAMES_PER_SECOND) / 1000, LONGEST_WAIT)
        while due >= 1 / steps_per_second:
            due -= 1 / steps_per_second
            game.tick()
        present(frame_surface(game.view()))


def _in_frame(pygame: ModuleType, event: pygame.event.Event, game: Game) -> pygame.event.Event:
    """Return an event with the position of the pointer in the frame, which may be scaled to fit the window."""
    if event.type not in (pygame.MOUSEMOTION, pygame.MOUSEBUTTONDOWN):
        return event
    position = frame_position(event.pos, (game.places.width, game.places.height))
    return pygame.event.Event(event.type, {**event.dict, "pos": position})
