"""Glimpse paths: where a policy looks, and how it is drawn."""

import numpy as np
import pytest
import torch
from PIL import Image

from agents.pictures.paths import as_seen, draw_glimpse_paths, follow_gaze
from agents.ram.policy import RAMPolicy
from agents.ram.settings import NetworkSettings, RAMSettings
from ram_envs import make_tensor

SMALL = {"core_size": 8, "glimpse_hidden": 8, "location_hidden": 8, "glimpse_features": 8}


def make_policy(env_id, **settings):
    torch.manual_seed(0)
    env = make_tensor(env_id, 1, **settings)
    policy = RAMPolicy(RAMSettings.for_environment(env, NetworkSettings(**SMALL)))
    torch.nn.init.normal_(policy.location_network.mean.weight)
    return policy


@pytest.mark.parametrize(("env_id", "steps"), [("RAM-Digits-v0", 4), ("RAM-CatchGame-v0", 23)])
def test_the_gaze_is_followed_and_drawn(env_id, steps, tmp_path):
    gaze = follow_gaze(make_policy(env_id), env_id, {}, episodes=2, seed=3)
    assert gaze.scenes.shape[:2] == gaze.locations.shape[:2] == gaze.glimpses.shape[:2] == (steps, 2)
    height, width = gaze.scenes.shape[-2:]
    assert np.allclose(gaze.fixations, (gaze.locations + 1) / 2 * [width, height])
    assert gaze.success.shape == (2,) and len(gaze.verdict) == 2
    draw_glimpse_paths(gaze, "a title", tmp_path / "paths.png")
    with Image.open(tmp_path / "paths.png") as picture:
        assert picture.size[0] > 400


def test_what_was_seen_is_sharp_in_the_middle_and_blurred_around():
    glimpse = np.zeros((2, 1, 2, 2), np.float32)
    glimpse[0, 0] = [[0.1, 0.2], [0.3, 0.4]]
    glimpse[1, 0] = [[0.5, 0.6], [0.7, 0.8]]
    expected = [[0.5, 0.5, 0.6, 0.6], [0.5, 0.1, 0.2, 0.6], [0.7, 0.3, 0.4, 0.8], [0.7, 0.7, 0.8, 0.8]]
    assert np.allclose(as_seen(glimpse, np.array([[-1, 6, 2, 2], [-2, 5, 4, 4]])) / 255, expected, atol=1 / 255)
    assert as_seen(np.zeros((1, 3, 4, 4), np.float32), np.array([[0, 0, 4, 4]])).shape == (4, 4, 3)
