"""The window: opening it, fitting a frame into it at any size, and render mode "human".

pygame has one window per process.
"""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from ram_envs.rendering.frame import draw_frame, frame_surface
from ram_envs.rendering.style import BACKGROUND, import_pygame
from ram_envs.rendering.view import View

if TYPE_CHECKING:
    import pygame

SILENT_DRIVERS = ("dummy", "offscreen")
"""SDL's video drivers that show nothing; SDL chooses one by itself where there is no display."""
DESKTOP_SHARE = 0.9  # of the desktop, that a new window may take


class NoDisplay(RuntimeError):
    """No window can be opened that a person could see."""


def open_window(size: tuple[int, int], title: str) -> None:
    """Open the window, or resize the one that is open.

    Args:
        size: (width, height) in pixels; a smaller window is opened where the desktop is smaller.
        title: The text of its title bar.

    Raises:
        NoDisplay: If there is no display. A driver without one that was asked for, as with ``SDL_VIDEODRIVER=dummy``,
            is accepted.
        gymnasium.error.DependencyNotInstalled: If pygame is missing.
    """
    pygame = import_pygame()
    try:
        _init_display()
        driver = pygame.display.get_driver()
        if driver in SILENT_DRIVERS and driver not in os.environ.get("SDL_VIDEODRIVER", "").lower().split(","):
            pygame.display.quit()
            raise NoDisplay("no display")
        _set_mode(size, title)
    except pygame.error as error:
        raise NoDisplay(f"no display ({error})") from error


def present(frame: pygame.Surface) -> None:
    """Show a frame in the open window, scaled to fit, with its aspect ratio kept."""
    pygame = import_pygame()
    window = pygame.display.get_surface()
    if window.get_size() == frame.get_size():
        window.blit(frame, (0, 0))
    else:
        area = _fitted(frame.get_size(), window.get_size())
        window.fill(BACKGROUND)
        window.blit(pygame.transform.smoothscale(frame, (area[2], area[3])), (area[0], area[1]))
    pygame.display.flip()


def frame_position(position: tuple[float, float], frame_size: tuple[int, int]) -> tuple[float, float]:
    """Return the (x, y) in a frame of a position in the open window, as mouse events give it."""
    pygame = import_pygame()
    left, top, width, height = _fitted(frame_size, pygame.display.get_surface().get_size())
    return (position[0] - left) * frame_size[0] / width, (position[1] - top) * frame_size[1] / height


class Renderer:
    """Draws views as arrays, or shows them in the window.

    Renderers that show at the same time take turns in the one window. It stays open until the last of them is closed.
    Drawing arrays needs no window and no display.

    When a person closes the window, `window_closed` becomes True and later calls of `show` do nothing, so that the
    program behind the window keeps running. `close` makes the Renderer ready to show again.
    """

    _showing: ClassVar[set[Renderer]] = set()
    _opened_for: ClassVar[tuple[int, int] | None] = None
    """Size of the frames that the window was opened for; a person may have resized it since."""

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
        # Another Renderer may show frames of another size, and another library may have closed the window.
        if pygame.display.get_surface() is None or Renderer._opened_for != frame.get_size():
            _set_mode(frame.get_size(), "ram_envs")
            Renderer._opened_for = frame.get_size()
        Renderer._showing.add(self)
        present(frame)

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


def _init_display() -> None:
    """Initialize pygame's display without the line that Wayland's library prints where XDG_RUNTIME_DIR is not set."""
    unset = "XDG_RUNTIME_DIR" not in os.environ
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.gettempdir())
    try:
        import_pygame().display.init()
    finally:
        if unset:
            del os.environ["XDG_RUNTIME_DIR"]


def _set_mode(size: tuple[int, int], title: str) -> None:
    """Open the window, or give the open one another size, within the desktop."""
    pygame = import_pygame()
    desktop = pygame.display.get_desktop_sizes()[0]
    share = min(1.0, *(DESKTOP_SHARE * most / length for most, length in zip(desktop, size, strict=True)))
    pygame.display.set_caption(title)
    pygame.display.set_mode([max(int(length * share), 1) for length in size], pygame.RESIZABLE)


def _fitted(size: tuple[int, int], window: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return the largest box (left, top, width, height) in a window with the aspect ratio of a size, in its middle."""
    share = min(window[0] / size[0], window[1] / size[1])
    width, height = (max(round(length * share), 1) for length in size)
    return (window[0] - width) // 2, (window[1] - height) // 2, width, height
