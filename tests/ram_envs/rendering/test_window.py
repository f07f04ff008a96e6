"""Windows open, close, pace themselves and share the one window of pygame."""

import numpy as np
import pygame

from ram_envs.rendering import Renderer
from tests.ram_envs.rendering.views import make_view


def test_the_window_shows_the_frame() -> None:
    renderer, view = Renderer(), make_view()
    renderer.show(view, fps=0)
    shown = pygame.surfarray.array3d(pygame.display.get_surface()).swapaxes(0, 1)
    assert np.array_equal(shown, renderer.draw(view))


def test_show_keeps_the_frame_rate() -> None:
    renderer, view = Renderer(), make_view()
    renderer.show(view, fps=50)
    start = pygame.time.get_ticks()
    for _ in range(5):
        renderer.show(view, fps=50)
    assert pygame.time.get_ticks() - start >= 90


def test_the_close_button_ends_the_window_and_nothing_else() -> None:
    renderer, view = Renderer(), make_view()
    renderer.show(view, fps=0)
    pygame.event.post(pygame.event.Event(pygame.QUIT))
    renderer.show(view, fps=0)
    assert renderer.window_closed
    assert not pygame.display.get_init()
    renderer.show(view, fps=0)
    assert not pygame.display.get_init()
    renderer.draw(view)
    renderer.close()
    renderer.show(view, fps=0)
    assert pygame.display.get_surface() is not None


def test_closing_one_renderer_leaves_the_others_working() -> None:
    first, second, drawer, view = Renderer(), Renderer(), Renderer(), make_view()
    first.show(view, fps=0)
    second.show(make_view(60, 60), fps=0)
    first.close()
    first.close()
    assert pygame.display.get_surface() is not None
    second.show(make_view(60, 60), fps=0)
    second.close()
    assert not pygame.display.get_init()
    drawer.draw(view)


def test_closing_without_showing_is_harmless() -> None:
    Renderer().close()
