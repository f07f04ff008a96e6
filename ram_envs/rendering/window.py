"""The window in which render mode "human" shows frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from ram_envs.rendering.frame import draw_frame, frame_surface, import_pygame
from ram_envs.rendering.view import View

if TYPE_CHECKING:
    import pygame


class Renderer:
    """Draws views as arrays, or shows them in a window.

    pygame has one window per process, so Renderers that show at the same time take turns in it. The window stays open
    until the last of them is closed. Drawing arrays needs no window and no display.

    When a person closes the window, `window_closed` becomes True and later calls of `show` do nothing, so that the
    program behind the window keeps running. `close` makes the Renderer ready to show again.
    """

    _showing: ClassVar[set[Renderer]] = set()

    def __init__(self) -> None:
        self.window_closed = False
        self._clock: pygame.time.Clock | None = None

    def draw(self, view: View) -> NDArray[np.uint8]:
        """Draw one frame; see :func:`ram_envs.rendering.frame.draw_frame`.

        Returns:
            uint8 (height, width, 3), a new array at every call.
        """
        return draw_frame(view)

    def show(self, view: View, fps: float) -> None:
        """Show one frame in the window, opening it if needed, and wait until the frame is due.

        Args:
            view: What to show.
            fps: Maximum number of frames per second; 0 does not wait.

        Raises:
            gymnasium.error.DependencyNotInstalled: If pygame is missing.
        """
        if self.window_closed:
            return
        pygame = import_pygame()
        frame = frame_surface(view)
        pygame.display.init()
        window = pygame.display.get_surface()
        # Another Renderer, or another library, may have resized or closed the window.
        if window is None or window.get_size() != frame.get_size():
            pygame.display.set_caption("ram_envs")
            window = pygame.display.set_mode(frame.get_size())
        Renderer._showing.add(self)
        window.blit(frame, (0, 0))
        pygame.display.flip()

        # Reading all events keeps the window responsive and the queue from filling up.
        if any(event.type == pygame.QUIT for event in pygame.event.get()):
            for renderer in Renderer._showing:
                renderer.window_closed = True
            Renderer._showing.clear()
            pygame.display.quit()
            return
        if self._clock is None:
            self._clock = pygame.time.Clock()
        self._clock.tick(fps)

    def close(self) -> None:
        """Release the window, which closes with the last Renderer that shows; may be called twice."""
        self.window_closed = False
        self._clock = None
        if self in Renderer._showing:
            Renderer._showing.discard(self)
            if not Renderer._showing:
                import_pygame().display.quit()
