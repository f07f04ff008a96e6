"""The action that moves the gaze to a given location."""

import numpy as np
import pytest
import torch

from ram_envs.sensors.gaze import GazeControl

HERE, THERE = [[0.0, 0.0], [0.5, -0.5], [-1.0, -1.0]], [[0.3, 0.4], [0.5, -0.5], [1.0, 0.2]]


@pytest.mark.parametrize("array", [np.float32, torch.tensor], ids=["numpy", "torch"])
@pytest.mark.parametrize(
    ("gaze", "max_step", "expected"),
    [
        ("absolute", None, THERE),
        ("relative", 2.0, [[0.15, 0.2], [0.0, 0.0], [0.8575, 0.5145]]),  # the last one is cut to length 1
        ("relative", 0.25, [[0.6, 0.8], [0.0, 0.0], [0.8575, 0.5145]]),
    ],
)
def test_an_action_moves_towards_a_location(gaze, max_step, expected, array):
    control = GazeControl(gaze, max_step)
    here, there = array(HERE), array(THERE)
    action = control.towards(here, there)
    np.testing.assert_allclose(np.asarray(action), expected, atol=1e-4)
    assert action.dtype == there.dtype
    moved, wanted = np.asarray(control.move(here, action)) - np.asarray(here), np.asarray(there) - np.asarray(here)
    length = np.linalg.norm(wanted, axis=1)
    reached = np.minimum(length, np.inf if max_step is None else max_step)
    np.testing.assert_allclose(moved, wanted / np.maximum(length, 1e-9)[:, None] * reached[:, None], atol=1e-5)
