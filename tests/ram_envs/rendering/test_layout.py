"""Layouts translate positions in a frame to the scene, and find room for any number and shape of panels."""

import numpy as np
import pytest

from ram_envs.rendering import layout
from tests.ram_envs.rendering.views import make_view


def test_a_position_in_the_frame_is_translated_back_to_the_scene() -> None:
    for view in (make_view(), make_view(1000, 1000)):
        places = layout(view)
        height, width = view.scene.shape
        left, top, pane_width, pane_height = places.scene
        assert places.scene_point((left, top)) == (0, 0)
        assert places.scene_point((left + pane_width, top + pane_height)) == (width, height)
        assert places.scene_point((left - places.enlargement, top))[0] < 0


@pytest.mark.parametrize("levels", [1, 2, 5, 8, 12])
@pytest.mark.parametrize("rows, columns", [(1, 1), (1, 40), (12, 3), (300, 7)])
def test_panels_of_any_number_and_shape_fit(levels: int, rows: int, columns: int) -> None:
    glimpse = np.zeros((levels, 1, rows, columns), dtype=np.float32)
    view = make_view(40, 40, glimpse=glimpse, outlines=np.zeros((levels, 4), dtype=int))
    places = layout(view)
    covered = np.zeros((places.height, places.width), dtype=int)
    for left, top, width, height in (places.scene, *places.panels, places.caption):
        assert min(width, height) >= 1
        assert max(left + width - places.width, top + height - places.height) <= 0
        covered[top : top + height, left : left + width] += 1
    assert covered.max() == 1
    assert covered.any(axis=0).argmax() >= 16  # a margin
