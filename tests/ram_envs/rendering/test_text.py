"""Text frames show the scene, point at the fixation and end with the caption."""

import numpy as np

from ram_envs.rendering import draw_text
from tests.ram_envs.rendering.views import make_view


def test_characters_follow_brightness_and_marks_the_fixation() -> None:
    scene = np.array([[0, 255, 0], [128, 0, 255]], dtype=np.uint8)
    view = make_view(scene=scene, fixations=np.array([[0.0, 0.0], [1.5, 1.2]]), caption="step 2 of 23")
    assert draw_text(view).splitlines() == ["+-v-+", "| @ |", ">+ @|", "+---+", "step 2 of 23"]


def test_colour_is_drawn_by_its_mean_and_an_edge_fixation_stays_inside() -> None:
    scene = np.zeros((1, 2, 3), dtype=np.uint8)
    scene[0, 1] = (255, 255, 255)
    view = make_view(scene=scene, fixations=np.array([[2.0, 1.0]]), caption="end")
    assert draw_text(view).splitlines() == ["+-v+", "> @|", "+--+", "end"]
