"""Frames show scene, squares, path and glimpses; windows open, close and get out of the way."""

import subprocess
import sys
import time
from collections.abc import Iterator

import numpy as np
import pygame
import pytest
from gymnasium.error import DependencyNotInstalled

from ram_envs.rendering import CAPTION_COLOUR, PATH_COLOUR, SCALE_COLOURS, Box, Renderer, View, layout


@pytest.fixture(autouse=True)
def no_display(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    yield
    Renderer._showing.clear()
    pygame.quit()


def make_view(
    height: int = 24, width: int = 24, channels: int = 1, num_scales: int = 3, patch_size: int = 6, **changes
) -> View:
    random = np.random.default_rng(0)
    shape = (height, width) if channels == 1 else (height, width, channels)
    sides = patch_size * 2 ** np.arange(num_scales)
    view = View(
        scene=random.integers(0, 256, shape, dtype=np.uint8),
        fixations=np.array([[0.0, 0.0], [width / 4, height / 3], [width / 2, height / 2]]),
        squares=np.stack([height // 2 - sides // 2, width // 2 - sides // 2, sides], axis=1),
        glimpse=random.random((num_scales, channels, patch_size, patch_size), dtype=np.float32),
        caption="step 3 of 23",
    )
    return view._replace(**changes)


def inside(frame: np.ndarray, box: Box) -> np.ndarray:
    left, top, width, height = box
    return frame[top : top + height, left : left + width]


def has_colour(pixels: np.ndarray, colour: tuple[int, ...]) -> bool:
    return bool((pixels == colour).all(axis=-1).any())


NOTHING = np.zeros((0, 2))
NO_SQUARE = np.array([[500, 500, 6]] * 3)  # far outside


@pytest.mark.parametrize("channels", [1, 3])
def test_scene_is_enlarged_without_blur(channels: int) -> None:
    view = make_view(channels=channels, fixations=NOTHING, squares=NO_SQUARE)
    places = layout(view)
    assert places.enlargement == 21
    expected = view.scene.reshape(24, 24, channels).repeat(21, axis=0).repeat(21, axis=1)
    assert np.array_equal(inside(Renderer().draw(view), places.scene), np.broadcast_to(expected, (504, 504, 3)))


@pytest.mark.parametrize("channels", [1, 3])
def test_panels_show_every_scale_without_blur(channels: int) -> None:
    view = make_view(channels=channels)
    frame = Renderer().draw(view)
    for patch, box in zip(view.glimpse, layout(view).panels, strict=True):
        times = box[2] // 6
        assert box[2] == box[3] == 6 * times
        pixels = np.rint(patch * 255).astype(np.uint8).transpose(1, 2, 0).repeat(times, axis=0).repeat(times, axis=1)
        assert np.array_equal(inside(frame, box), np.broadcast_to(pixels, (*pixels.shape[:2], 3)))


@pytest.mark.parametrize("brightness", [0, 255])
def test_outlines_lie_on_the_edges_of_the_squares(brightness: int) -> None:
    view = make_view(scene=np.full((24, 24), brightness, dtype=np.uint8), fixations=NOTHING)
    pane = inside(Renderer().draw(view), layout(view).scene)
    for (top, left, side), colour in zip(view.squares[:2], SCALE_COLOURS[:2], strict=True):
        for row, column in [(top, left), (top, left + side), (top + side, left), (top + side, left + side)]:
            y = row * 21 if row == top else row * 21 - 1
            x = column * 21 if column == left else column * 21 - 1
            assert tuple(pane[y, x]) == colour
    assert tuple(pane[252, 252]) == (brightness,) * 3  # the middle stays open


def test_a_square_that_leaves_the_scene_stays_within_its_pane() -> None:
    inner = make_view(squares=np.array([[2, 2, 6], [1, 1, 12], [0, 0, 24]]), fixations=NOTHING)
    outer = inner._replace(squares=np.array([[-3, 20, 6], [-6, 17, 12], [12, -12, 24]]))
    frames = [Renderer().draw(view) for view in (inner, outer)]
    pane = layout(inner).scene
    assert all(has_colour(inside(frames[1], pane), colour) for colour in SCALE_COLOURS[:3])
    for frame in frames:
        inside(frame, pane)[...] = 0
    assert np.array_equal(*frames)


def test_the_path_fades_and_the_current_fixation_stands_out() -> None:
    fixations = np.array([[3.0, 3.0], [20.0, 3.0], [20.0, 20.0]])
    view = make_view(scene=np.zeros((24, 24), dtype=np.uint8), fixations=fixations, squares=NO_SQUARE)
    pane = inside(Renderer().draw(view), layout(view).scene).astype(int)
    strength = [pane[int(y * 21), int(x * 21)].sum() for x, y in [(3, 3), (12, 3), (20, 3), (20, 12)]]
    assert 0 < strength[0] == strength[1] < strength[2] == strength[3] < sum(PATH_COLOUR)
    assert tuple(pane[420, 420]) == CAPTION_COLOUR
    assert not pane[200, 200].any()


def test_fixations_at_the_very_edge_are_drawn() -> None:
    corners = np.array([[0.0, 0.0], [24.0, 0.0], [24.0, 24.0]])
    view = make_view(scene=np.zeros((24, 24), dtype=np.uint8), fixations=corners, squares=NO_SQUARE)
    pane = inside(Renderer().draw(view), layout(view).scene)
    assert all(pane[y, x].any() for y, x in [(0, 0), (0, 503), (503, 503)])


@pytest.mark.parametrize("height, width", [(8, 8), (8, 100), (100, 8), (28, 28), (513, 513), (721, 40), (1000, 1000)])
@pytest.mark.parametrize("num_scales", [1, 2, 3, 4, 5, 6])
def test_everything_fits_and_nothing_overlaps(height: int, width: int, num_scales: int) -> None:
    view = make_view(height, width, num_scales=num_scales)
    places = layout(view)
    frame = Renderer().draw(view)
    assert frame.shape == (places.height, places.width, 3)
    assert frame.dtype == np.uint8
    assert places.height % 16 == places.width % 16 == 0
    assert max(places.width, places.height) <= 1250

    covered = np.zeros(frame.shape[:2], dtype=int)
    for box in (places.scene, *places.panels, places.caption):
        assert inside(covered, box).shape == (box[3], box[2])
        inside(covered, box)[...] += 1
    assert covered.max() == 1


def test_a_huge_patch_is_shrunk_to_its_panel() -> None:
    view = make_view(1000, 1000, num_scales=2, patch_size=300)
    assert all(box[2] <= 200 for box in layout(view).panels)
    Renderer().draw(view)


def test_frames_keep_their_size_and_share_no_memory() -> None:
    renderer = Renderer()
    first = renderer.draw(make_view())
    kept = first.copy()
    second = renderer.draw(make_view(caption="x" * 500, fixations=np.full((23, 2), 5.0)))
    assert first.shape == second.shape
    assert not np.shares_memory(first, second)
    assert np.array_equal(first, kept)
    assert not np.array_equal(first, second)


def test_a_position_in_the_frame_is_translated_back_to_the_scene() -> None:
    for view in (make_view(), make_view(1000, 1000)):
        places = layout(view)
        height, width = view.scene.shape
        left, top, pane_width, pane_height = places.scene
        assert places.scene_point((left, top)) == (0, 0)
        assert places.scene_point((left + pane_width, top + pane_height)) == (width, height)
        assert places.scene_point((left - places.enlargement, top))[0] < 0


def test_drawing_keeps_up_with_sixty_frames_a_second() -> None:
    renderer, view = Renderer(), make_view(60, 60, patch_size=12)

    def seconds() -> float:
        start = time.perf_counter()
        renderer.draw(view)
        return time.perf_counter() - start

    assert min(seconds() for _ in range(20)) < 1 / 60


def test_drawing_opens_no_window() -> None:
    Renderer().draw(make_view())
    assert not pygame.display.get_init()


def test_drawing_survives_another_library_quitting_pygame() -> None:
    renderer = Renderer()
    first = renderer.draw(make_view())
    pygame.quit()
    assert np.array_equal(renderer.draw(make_view()), first)


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


def test_a_missing_pygame_is_an_error_that_names_the_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pygame", None)
    with pytest.raises(DependencyNotInstalled, match="pip install pygame"):
        Renderer().draw(make_view())


def test_importing_the_module_imports_no_pygame_and_drawing_prints_nothing() -> None:
    program = (
        "import sys, numpy as np, ram_envs.rendering as r; assert 'pygame' not in sys.modules;"
        "r.Renderer().draw(r.View(np.zeros((8, 8), np.uint8), np.ones((1, 2)), np.array([[0, 0, 4]]),"
        "np.zeros((1, 1, 4, 4), np.float32), ''))"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout == result.stderr == ""
