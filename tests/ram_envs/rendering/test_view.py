"""A hidden scene shows the glimpse where it was taken, and nothing else."""

import numpy as np
import pytest

from ram_envs.rendering import View, hide_unseen
from tests.ram_envs.rendering.views import make_view


def test_the_glimpse_lies_where_it_was_taken_finer_levels_on_top() -> None:
    view = View(
        scene=np.zeros((8, 8), dtype=np.uint8),
        fixations=np.array([[0.0, 1.0]]),
        outlines=np.array([[0, -1, 2, 2], [-1, -2, 4, 4]]),
        glimpse=np.array([[[[1, 0.2], [1, 0.4]]], [[[1, 0.6], [1, 0.8]]]], dtype=np.float32),
        caption="",
    )
    hidden = hide_unseen(view)
    assert hidden.scene[:4, :3].tolist() == [[51, 153, 0], [102, 204, 0], [204, 204, 0], [0, 0, 0]]
    expected = np.zeros((8, 8), dtype=bool)
    expected[:3, :2] = True
    assert np.array_equal(hidden.visible, expected)
    assert not hidden.scene[4:].any()


def test_cells_may_differ_by_a_pixel_and_levels_need_not_be_square() -> None:
    glimpse = np.array([[[[0.2, 0.4, 0.6], [0.8, 1.0, 0.0]]]], dtype=np.float32)  # 2 rows, 3 columns
    view = make_view(8, 8, glimpse=glimpse, outlines=np.array([[1, 1, 3, 5]]))
    hidden = hide_unseen(view)
    # 3 rows in 2 cells: 1 and 2. 5 columns in 3 cells: 1, 2 and 2.
    assert hidden.scene[1].tolist() == [0, 51, 102, 102, 153, 153, 0, 0]
    assert hidden.scene[2].tolist() == hidden.scene[3].tolist() == [0, 204, 255, 255, 0, 0, 0, 0]
    assert hidden.visible is not None
    assert hidden.visible.sum() == 15


@pytest.mark.parametrize("channels", [1, 3])
def test_a_sensor_that_misses_the_scene_shows_nothing(channels: int) -> None:
    view = make_view(channels=channels, outlines=np.array([[30, 0, 6, 6], [-12, 0, 12, 12], [0, 24, 24, 24]]))
    hidden = hide_unseen(view)
    assert hidden.scene.shape == view.scene.shape
    assert hidden.visible is not None
    assert not hidden.visible.any()
