"""Readouts show a bar for each answer and glimpse, the most probable answer bright, and the value as a curve."""

import numpy as np
import pytest

from ram_envs.rendering import Readout, draw_frame, layout
from ram_envs.rendering.sidebar import MAX_ROWS, NAME_WIDTH, NUMBER_WIDTH, PAST_BAR_COLOUR, TITLE_HEIGHT
from ram_envs.rendering.style import CAPTION_COLOUR, PATH_COLOUR
from tests.ram_envs.rendering.views import has_colour, inside, make_view


def make_readout(probabilities, values=(), names=None, num_glimpses=4) -> Readout:
    probabilities = np.asarray(probabilities, dtype=float)
    names = names or tuple(f"class {answer}" for answer in range(probabilities.shape[1]))
    return Readout("label", names, probabilities, np.asarray(values, dtype=float), num_glimpses)


def drawn(readout: Readout) -> np.ndarray:
    """Return the pixels of the readout's box."""
    view = make_view(readout=readout)
    box = layout(view).sidebar
    assert box is not None
    return inside(draw_frame(view), box)


def bars(pixels: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """Return which pixels have the colour, within the columns of the bars."""
    return (pixels[TITLE_HEIGHT:, NAME_WIDTH:-NUMBER_WIDTH] == colour).all(axis=-1)


def test_heights_are_probabilities_and_the_latest_glimpse_is_bright() -> None:
    pixels = drawn(make_readout([[0.5, 0.5, 0.0], [0.25, 0.75, 0.0]]))
    past, latest = bars(pixels, PAST_BAR_COLOUR), bars(pixels, PATH_COLOUR)
    slot = past.shape[1] // 4
    assert past[:, :slot].any() and not past[:, slot:].any()
    assert latest[:, slot : 2 * slot].any() and not latest[:, 2 * slot :].any() and not latest[:, :slot].any()
    heights = [int(row.any(axis=1).sum()) for row in (latest[:44], latest[44:88], latest[88:132])]
    assert heights[2] == 0
    assert heights[1] == pytest.approx(3 * heights[0], abs=2)
    assert heights[1] > 20


def test_the_most_probable_answer_stands_out() -> None:
    pixels = drawn(make_readout([[0.1, 0.7, 0.2]]))
    names = pixels[TITLE_HEIGHT:, :NAME_WIDTH]
    assert [has_colour(names[44 * row : 44 * row + 38], CAPTION_COLOUR) for row in range(3)] == [False, True, False]


def test_of_many_answers_the_most_probable_are_shown() -> None:
    probabilities = np.full((1, 100), 0.001)
    probabilities[0, [3, 97]] = 0.4
    few = make_readout(probabilities)
    assert bars(drawn(few), PATH_COLOUR).any()
    shuffled = probabilities.copy()
    shuffled[0, 50] = 0  # not among the ten that are shown
    assert np.array_equal(drawn(make_readout(shuffled)), drawn(few))
    shuffled[0, 97] = 0.3
    assert not np.array_equal(drawn(make_readout(shuffled)), drawn(few))
    assert MAX_ROWS == 10


def test_everything_stays_in_its_box() -> None:
    many = make_readout(
        np.full((30, 100), 0.5), np.linspace(-3, 5, 30), tuple("a very long name" * 3 for _ in range(100)), 30
    )
    for height, width in ((8, 8), (24, 24), (100, 8), (721, 40)):
        view = make_view(height, width, readout=many)
        without = view._replace(readout=many._replace(probabilities=many.probabilities * 0, values=many.values[:0]))
        frames = [draw_frame(view), draw_frame(without)]
        box = layout(view).sidebar
        assert box is not None
        assert not np.array_equal(*(inside(frame, box) for frame in frames))
        for frame in frames:
            inside(frame, box)[...] = 0
        assert np.array_equal(*frames)


def test_the_value_is_a_curve_that_rises_with_it() -> None:
    def end_of_curve(values) -> int:
        pixels = drawn(make_readout([[0.0, 0.0, 0.0]] * len(values), values))
        rows, _ = np.nonzero(bars(pixels, PATH_COLOUR))
        return int(rows.mean())

    heights = [end_of_curve([0.5, value]) for value in (0.0, 0.5, 1.0)]
    assert heights[0] > heights[1] > heights[2]
    assert heights[0] - heights[1] == pytest.approx(heights[1] - heights[2], abs=2)
    assert not np.array_equal(drawn(make_readout([[0.0, 0.0, 0.0]], [0.5])), drawn(make_readout([[0.0, 0.0, 0.0]])))


def test_frames_without_a_readout_are_narrower() -> None:
    view = make_view()
    assert layout(view).sidebar is None
    assert layout(view).width < layout(view._replace(readout=make_readout([[1.0]]))).width
