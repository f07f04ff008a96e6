"""Frames show the scene, the outlines, the path, the glimpse and fog: checked on their pixels."""

import subprocess
import sys
import time

import numpy as np
import pygame
import pytest
from gymnasium.error import DependencyNotInstalled

from ram_envs.rendering import Banner, draw_frame, hide_unseen, layout
from ram_envs.rendering.style import (
    BACKGROUND,
    CAPTION_COLOUR,
    FAILURE_COLOUR,
    FOG_COLOUR,
    HATCH_COLOUR,
    LEVEL_COLOURS,
    PATH_COLOUR,
    SEEN_BLACK,
    SUCCESS_COLOUR,
    displayed,
)
from tests.ram_envs.rendering.views import NO_FIXATIONS, NO_OUTLINES, has_colour, inside, make_view


@pytest.mark.parametrize("channels", [1, 3])
def test_scene_is_enlarged_without_blur(channels: int) -> None:
    view = make_view(channels=channels, fixations=NO_FIXATIONS, outlines=NO_OUTLINES)
    places = layout(view)
    assert places.enlargement == 21
    expected = displayed(view.scene).reshape(24, 24, channels).repeat(21, axis=0).repeat(21, axis=1)
    assert np.array_equal(inside(draw_frame(view), places.scene), np.broadcast_to(expected, (504, 504, 3)))


@pytest.mark.parametrize("channels", [1, 3])
def test_panels_show_every_scale_without_blur(channels: int) -> None:
    view = make_view(channels=channels)
    frame = draw_frame(view)
    for patch, box in zip(view.glimpse, layout(view).panels, strict=True):
        times = box[2] // 6
        assert box[2] == box[3] == 6 * times
        pixels = displayed(np.rint(patch * 255).astype(np.uint8).transpose(1, 2, 0))
        pixels = pixels.repeat(times, axis=0).repeat(times, axis=1)
        assert np.array_equal(inside(frame, box), np.broadcast_to(pixels, (*pixels.shape[:2], 3)))


@pytest.mark.parametrize("brightness", [0, 255])
def test_outlines_lie_on_the_edges_of_what_the_sensor_covers(brightness: int) -> None:
    view = make_view(scene=np.full((24, 24), brightness, dtype=np.uint8), fixations=NO_FIXATIONS)
    pane = inside(draw_frame(view), layout(view).scene)
    for (top, left, side, _), colour in zip(view.outlines[:2], LEVEL_COLOURS[:2], strict=True):
        for row, column in [(top, left), (top, left + side), (top + side, left), (top + side, left + side)]:
            y = row * 21 if row == top else row * 21 - 1
            x = column * 21 if column == left else column * 21 - 1
            assert tuple(pane[y, x]) == colour
    assert tuple(pane[252, 252]) == (brightness,) * 3  # the middle stays open


def test_an_outline_that_leaves_the_scene_stays_within_its_pane() -> None:
    inner = make_view(outlines=np.array([[2, 2, 6, 6], [1, 1, 12, 12], [0, 0, 24, 24]]), fixations=NO_FIXATIONS)
    outer = inner._replace(outlines=np.array([[-3, 20, 6, 6], [-6, 17, 12, 12], [12, -12, 24, 24]]))
    frames = [draw_frame(view) for view in (inner, outer)]
    pane = layout(inner).scene
    assert all(has_colour(inside(frames[1], pane), colour) for colour in LEVEL_COLOURS[:3])
    for frame in frames:
        inside(frame, pane)[...] = 0
    assert np.array_equal(*frames)


def test_outlines_and_panels_have_the_shape_of_the_level() -> None:
    black = np.zeros((24, 24), dtype=np.uint8)
    outlines = np.array([[9, 6, 4, 12], [4, 0, 8, 24]])
    glimpse = np.random.default_rng(0).random((2, 1, 3, 9), dtype=np.float32)
    view = make_view(scene=black, outlines=outlines, glimpse=glimpse, fixations=NO_FIXATIONS)
    frame, places = draw_frame(view), layout(view)
    pane = inside(frame, places.scene)
    for (top, left, height, width), colour in zip(outlines, LEVEL_COLOURS, strict=False):
        ys, xs = np.nonzero((pane == colour).all(axis=-1))
        assert (ys.min(), xs.min()) == (21 * top, 21 * left)
        assert (ys.max() + 1, xs.max() + 1) == (21 * (top + height), 21 * (left + width))
    for patch, box in zip(glimpse, places.panels, strict=True):
        times = box[3] // 3
        assert box[2:] == (9 * times, 3 * times)
        pixels = displayed(np.rint(patch[0] * 255).astype(np.uint8)).repeat(times, axis=0).repeat(times, axis=1)
        assert np.array_equal(inside(frame, box), np.broadcast_to(pixels, (*pixels.shape[:2], 3)))


def test_panels_are_labelled_with_the_size_of_the_outline() -> None:
    """Nothing but the label depends on an outline outside the scene."""
    frames = [draw_frame(make_view(outlines=NO_OUTLINES + [0, 0, 0, wider])) for wider in (0, 1, 0)]
    changed = (frames[0] != frames[1]).any(axis=-1)
    ys, xs = np.nonzero(changed)
    panels = layout(make_view()).panels
    assert len(ys) > 0
    assert ys.min() >= panels[0][1] + panels[0][3]
    assert xs.min() >= panels[0][0]
    assert np.array_equal(frames[0], frames[2])


def test_grey_is_brightened_without_changing_its_order_and_colour_stays() -> None:
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
    shown = displayed(ramp)[..., 0].ravel().astype(int)
    assert (shown[0], shown[255]) == (0, 255)
    assert (np.diff(shown) >= 0).all()
    assert shown[16] > 60  # a white pixel averaged over 4 x 4
    colour = np.repeat(ramp[:, :, None], 3, axis=2)
    assert np.array_equal(displayed(colour), colour)


@pytest.mark.parametrize("channels", [1, 3])
def test_fog_is_darker_than_all_that_is_seen_and_hatched(channels: int) -> None:
    hidden = make_view(channels=channels, outlines=np.array([[4, 4, 6, 6]] * 3), fixations=NO_FIXATIONS)
    hidden = hidden._replace(glimpse=np.zeros_like(hidden.glimpse))  # black is the darkest that can be seen
    pane = inside(draw_frame(hide_unseen(hidden)), layout(hidden).scene)
    visible = np.zeros((24, 24), dtype=bool)
    visible[3:11, 3:11] = True  # with the outline, whose rim lies outside
    fog = pane[~visible.repeat(21, axis=0).repeat(21, axis=1)]
    assert {tuple(colour) for colour in np.unique(fog, axis=0).tolist()} == {FOG_COLOUR, HATCH_COLOUR}
    assert (pane[21 * 7, 21 * 7] == SEEN_BLACK).all()
    luminance = (0.2126, 0.7152, 0.0722)
    assert max(np.dot(colour, luminance) for colour in (FOG_COLOUR, HATCH_COLOUR)) < SEEN_BLACK * 0.75


def test_the_preview_is_dashed_and_lies_where_the_sensor_would_look() -> None:
    black = np.zeros((24, 24), dtype=np.uint8)
    view = make_view(scene=black, outlines=NO_OUTLINES, fixations=NO_FIXATIONS)
    preview = np.array([[6, 3, 6, 12], [500, 500, 6, 6], [500, 500, 6, 6]])
    pane = inside(draw_frame(view._replace(preview=preview)), layout(view).scene)
    marked = (pane == LEVEL_COLOURS[0]).all(axis=-1)
    rows, columns = np.nonzero(marked)
    assert (rows.min(), rows.max() + 1) == (21 * 6, 21 * 12)
    assert (columns.min(), columns.max() + 1) == (21 * 3, 21 * 15)
    assert 0.4 < marked[21 * 6, 21 * 3 : 21 * 15].mean() < 0.8
    assert not marked[21 * 6 + 1 : 21 * 12 - 1, 21 * 3 + 1 : 21 * 15 - 1].any()


@pytest.mark.parametrize("good, colour", [(True, SUCCESS_COLOUR), (False, FAILURE_COLOUR)])
@pytest.mark.parametrize("text", ["caught!", "a result that takes very many words to tell " * 3])
def test_the_banner_is_large_in_colour_and_stays_in_the_pane(good: bool, colour: tuple[int, ...], text: str) -> None:
    plain = make_view(8, 100)
    frames = [draw_frame(plain), draw_frame(plain._replace(banner=Banner(text, good)))]
    left, top, width, height = layout(plain).pane
    banner = inside(frames[1], layout(plain).pane)
    letters = (banner[:, 2:-2] == colour).all(axis=-1)
    letters = letters[letters.any(axis=1) & ~letters.all(axis=1)]
    assert len(letters) >= (24 if text == "caught!" else 8)  # rows of pixels
    for frame in frames:
        frame[top : top + height, left : left + width] = 0
    assert np.array_equal(*frames)


def test_the_hint_has_a_line_of_its_own() -> None:
    plain = make_view()
    hinted = plain._replace(hint="space: pause")
    assert layout(plain).hint is None
    box = layout(hinted).hint
    assert box is not None
    line = inside(draw_frame(hinted), box)
    assert not (line == BACKGROUND).all()
    height = layout(plain).caption[1] + layout(plain).caption[3]
    assert np.array_equal(draw_frame(plain)[:height], draw_frame(hinted)[:height])


def test_the_path_fades_and_the_current_fixation_stands_out() -> None:
    fixations = np.array([[3.0, 3.0], [20.0, 3.0], [20.0, 20.0]])
    view = make_view(scene=np.zeros((24, 24), dtype=np.uint8), fixations=fixations, outlines=NO_OUTLINES)
    pane = inside(draw_frame(view), layout(view).scene).astype(int)
    strength = [pane[int(y * 21), int(x * 21)].sum() for x, y in [(3, 3), (12, 3), (20, 3), (20, 12)]]
    assert 0 < strength[0] == strength[1] < strength[2] == strength[3] < sum(PATH_COLOUR)
    assert tuple(pane[420, 420]) == CAPTION_COLOUR
    assert not pane[200, 200].any()


def test_fixations_at_the_very_edge_are_drawn() -> None:
    corners = np.array([[0.0, 0.0], [24.0, 0.0], [24.0, 24.0]])
    view = make_view(scene=np.zeros((24, 24), dtype=np.uint8), fixations=corners, outlines=NO_OUTLINES)
    pane = inside(draw_frame(view), layout(view).scene)
    assert all(pane[y, x].any() for y, x in [(0, 0), (0, 503), (503, 503)])


@pytest.mark.parametrize("height, width", [(8, 8), (8, 100), (100, 8), (28, 28), (513, 513), (721, 40), (1000, 1000)])
@pytest.mark.parametrize("num_scales", [1, 2, 3, 4, 5, 6])
def test_everything_fits_and_nothing_overlaps(height: int, width: int, num_scales: int) -> None:
    view = make_view(height, width, num_scales=num_scales)
    places = layout(view)
    frame = draw_frame(view)
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
    draw_frame(view)


def test_frames_keep_their_size_and_share_no_memory() -> None:
    first = draw_frame(make_view())
    kept = first.copy()
    second = draw_frame(make_view(caption="x" * 500, fixations=np.full((23, 2), 5.0)))
    assert first.shape == second.shape
    assert not np.shares_memory(first, second)
    assert np.array_equal(first, kept)
    assert not np.array_equal(first, second)


def test_drawing_keeps_up_with_sixty_frames_a_second() -> None:
    view = make_view(60, 60, patch_size=12)

    def seconds() -> float:
        start = time.process_time()
        draw_frame(view)
        return time.process_time() - start

    assert min(seconds() for _ in range(20)) < 1 / 60


def test_drawing_opens_no_window() -> None:
    draw_frame(make_view())
    assert not pygame.display.get_init()


def test_drawing_survives_another_library_quitting_pygame() -> None:
    first = draw_frame(make_view())
    pygame.quit()
    assert np.array_equal(draw_frame(make_view()), first)


def test_a_missing_pygame_is_an_error_that_names_the_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pygame", None)
    with pytest.raises(DependencyNotInstalled, match="pip install pygame"):
        draw_frame(make_view())


def test_importing_the_module_imports_no_pygame_and_drawing_prints_nothing() -> None:
    program = (
        "import sys, numpy as np, ram_envs.rendering as r; assert 'pygame' not in sys.modules;"
        "r.draw_frame(r.View(np.zeros((8, 8), np.uint8), np.ones((1, 2)), np.array([[0, 0, 4, 4]]),"
        "np.zeros((1, 1, 4, 4), np.float32), ''))"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout == result.stderr == ""
