"""Windows open, close, are resized, pace themselves and share the one window of pygame."""

import os
import subprocess
import sys

import numpy as np
import pygame
import pytest

from ram_envs.rendering import NoDisplay, Renderer, frame_position, frame_surface, layout, open_window, present
from ram_envs.rendering.style import BACKGROUND
from tests.ram_envs.rendering.views import make_view


def window_pixels() -> np.ndarray:
    """Return what the window shows, uint8 (height, width, 3)."""
    return pygame.surfarray.array3d(pygame.display.get_surface()).swapaxes(0, 1)


def test_the_window_shows_the_frame() -> None:
    renderer, view = Renderer(), make_view()
    renderer.show(view, fps=0)
    assert np.array_equal(window_pixels(), renderer.draw(view))


def test_a_resized_window_keeps_its_size_and_shows_the_frame_in_its_middle() -> None:
    renderer, view = Renderer(), make_view()
    renderer.show(view, fps=0)
    height, width, _ = renderer.draw(view).shape
    pygame.display.set_mode((width // 2 + 60, height // 2), pygame.RESIZABLE)
    renderer.show(view, fps=0)
    pixels = window_pixels()
    assert pixels.shape == (height // 2, width // 2 + 60, 3)
    assert (pixels[:, :30] == BACKGROUND).all()
    assert (pixels[:, -30:] == BACKGROUND).all()
    left, top, scene_width, scene_height = layout(view).scene
    shown = pixels[:, 30:-30][top // 2 : (top + scene_height) // 2, left // 2 : (left + scene_width) // 2]
    frame = renderer.draw(view)[top : top + scene_height, left : left + scene_width]
    assert abs(shown.mean() - frame.mean()) < 2


def test_positions_in_a_resized_window_are_those_of_the_frame() -> None:
    frame = frame_surface(make_view())
    width, height = frame.get_size()
    open_window((width, height), "a window")
    present(frame)
    assert frame_position((120, 80), (width, height)) == pytest.approx((120, 80))
    pygame.display.set_mode((width, height * 2), pygame.RESIZABLE)
    assert frame_position((120, 80 + height / 2), (width, height)) == pytest.approx((120, 80))
    pygame.display.set_mode((width // 2, height // 2), pygame.RESIZABLE)
    assert frame_position((60, 40), (width, height)) == pytest.approx((120, 80))


def test_a_window_is_not_larger_than_the_desktop() -> None:
    pygame.display.init()
    desktop = pygame.display.get_desktop_sizes()[0]
    open_window((4 * desktop[0], 4 * desktop[1]), "a window")
    size = pygame.display.get_surface().get_size()
    assert max(size[0] / desktop[0], size[1] / desktop[1]) == pytest.approx(0.9, abs=0.01)


def test_a_window_can_be_resized() -> None:
    open_window((400, 300), "a window")
    assert pygame.display.get_surface().get_flags() & pygame.RESIZABLE


@pytest.mark.parametrize("driver", [None, "nope"])
def test_without_a_display_no_window_opens(monkeypatch: pytest.MonkeyPatch, driver: str | None) -> None:
    """SDL chooses "offscreen" or "dummy" by itself: a window that nobody sees."""
    for name in ("SDL_VIDEODRIVER", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    if driver is not None:
        monkeypatch.setenv("SDL_VIDEODRIVER", driver)
    with pytest.raises(NoDisplay, match="no display"):
        open_window((400, 300), "a window")
    assert not pygame.display.get_init()


@pytest.mark.parametrize("drivers", ["dummy", "offscreen", "nope,offscreen"])
def test_a_silent_driver_that_was_asked_for_is_used(monkeypatch: pytest.MonkeyPatch, drivers: str) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", drivers)
    open_window((400, 300), "a window")
    assert pygame.display.get_driver() in drivers


def test_no_display_is_said_by_the_error_alone() -> None:
    program = "from ram_envs.rendering import open_window; open_window((400, 300), '')"
    hidden = {"SDL_VIDEODRIVER", "DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR"}
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)
    assert result.stdout == ""
    assert result.stderr.startswith("Traceback")
    assert result.stderr.strip().endswith("NoDisplay: no display")


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


def test_renderers_with_frames_of_other_sizes_take_turns() -> None:
    first, second = Renderer(), Renderer()
    views = make_view(), make_view(60, 60, num_scales=1)
    assert layout(views[0])[:2] != layout(views[1])[:2]
    for renderer, view in zip((first, second, first), (*views, views[0]), strict=True):
        renderer.show(view, fps=0)
        assert np.array_equal(window_pixels(), renderer.draw(view))


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
