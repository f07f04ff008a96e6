"""What a person does while a window shows a policy: pause, step, leave."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from ram_envs.rendering import import_pygame, present

if TYPE_CHECKING:
    import pygame

HOLD_SECONDS = 1.0
"""The end of an episode is shown for so long."""
POLLS_PER_SECOND = 60
NO_DISPLAY = "use --video FILE (.gif or .mp4) or --html FILE"
HINT = "space: pause · right arrow: step · Esc or q: leave"


class Controls:
    """A person's control over what the open window shows.

    Attributes:
        left: Whether the person wants to leave.
        paused: Whether a view stays until the person steps or resumes.
    """

    def __init__(self) -> None:
        self.left, self.paused = False, False
        self._pygame = import_pygame()
        self._clock = self._pygame.time.Clock()

    def show(self, draw: Callable[[bool], pygame.Surface], seconds: float) -> None:
        """Show a frame for so long, or as long as the person wants.

        Args:
            draw: Returns the frame, given whether the person has paused.
            seconds: For how long.
        """
        due = time.monotonic() + seconds
        present(draw(self.paused))
        while not self.left:
            events = self._pygame.event.get()
            stepped = [self._handle(event) for event in events]
            if any(stepped) or (not self.paused and time.monotonic() >= due):
                return
            if events:
                present(draw(self.paused))  # the window may have been resized, or paused
            self._clock.tick(POLLS_PER_SECOND)

    def _handle(self, event: pygame.event.Event) -> bool:
        """React to an event, and return whether it asks for the next view."""
        pygame = self._pygame
        if event.type == pygame.QUIT:
            self.left = True
        elif event.type == pygame.KEYDOWN:
            if event.key in (pygame.K_ESCAPE, pygame.K_q):
                self.left = True
            elif event.key == pygame.K_SPACE:
                self.paused = not self.paused
            elif event.key == pygame.K_RIGHT:
                self.paused = True
                return True
        return False
