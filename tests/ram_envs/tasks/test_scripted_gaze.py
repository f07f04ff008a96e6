"""Gazes that a script moves: baselines for a learned gaze, on every interface."""

import gymnasium as gym
import numpy as np
import pytest
import torch

import ram_envs
from ram_envs.errors import InvalidArgument
from ram_envs.sensors.gaze import raster
from ram_envs.testing import assert_same

SIDE, CANVAS, B = 4, 30, 50
IMAGES = np.full((10, SIDE, SIDE), 200, np.uint8)
IMAGES += np.arange(10, dtype=np.uint8)[:, None, None]
SMALL = {"dataset": (IMAGES, np.arange(10)), "image_size": CANVAS, "patch_size": SIDE, "num_scales": 1}
OPEN = {**SMALL, "num_clutter": 0, "action_format": "dict"}


def locations(id="RAM-TranslatedMNIST-v0", steps=5, **settings):
    """Return the environment and the locations after reset and steps, whose actions look into a corner: (T, B, 2)."""
    envs = gym.make_vec(id, B, **{**OPEN, **settings}).unwrapped
    observation, _ = envs.reset(seed=3)
    found = [observation["location"]]
    action = {"fixation": np.ones((B, found[0].shape[1]), np.float32), "label": np.zeros(B, np.int64)}
    for _ in range(steps):
        found.append(envs.step(action)[0]["location"])
    return envs, np.stack(found)


def test_a_raster_divides_the_scene_in_reading_order():
    third = 2 / 3
    np.testing.assert_allclose(
        raster(6), [(-third, -0.5), (0, -0.5), (third, -0.5), (-third, 0.5), (0, 0.5), (third, 0.5)], atol=1e-6
    )
    assert raster(1).tolist() == [[0, 0]]
    for count in range(1, 30):
        cells = raster(count)
        assert cells.shape == (count, 2) and len({tuple(cell) for cell in cells.tolist()}) == count
        assert np.abs(cells).max() < 1


def test_the_center_and_the_raster_follow_the_script_after_the_first_glimpse():
    _, found = locations(gaze="center", num_glimpses=6)
    assert np.abs(found[0]).max() > 0.5 and not found[1:].any()
    _, found = locations(gaze="raster", num_glimpses=6, first_location=raster(6)[0].tolist())
    np.testing.assert_array_equal(found, np.broadcast_to(raster(6)[:, None], found.shape))


def test_the_oracle_looks_at_the_digit_and_sees_all_of_it():
    envs, _ = locations(gaze="object", num_glimpses=6)
    observation, *_ = envs.step({"fixation": np.ones((B, 2), np.float32), "label": np.zeros(B, np.int64)})
    observation, info = envs.reset(seed=5, options={"image_index": np.arange(B) % 10})
    observation, *_ = envs.step({"fixation": np.ones((B, 2), np.float32), "label": np.zeros(B, np.int64)})
    seen = np.rint(observation["glimpse"] * 255).astype(int)
    np.testing.assert_array_equal(seen, np.repeat(200 + info["image_index"], SIDE**2).reshape(B, -1))


def test_without_a_canvas_the_oracle_looks_at_the_center():
    _, found = locations("RAM-MNIST-v0", gaze="object", num_glimpses=6, image_size=None)
    assert not found[1:].any()


def test_several_objects_take_turns():
    envs, _ = locations("RAM-MNISTPairs-v0", gaze="object", num_glimpses=9, combine="sum")
    observation, info = envs.reset(seed=5)
    action = {"fixation": np.ones((B, 2), np.float32), "label": np.zeros(B, np.int64)}
    sums = []
    for _ in range(2):
        glimpse = np.rint(envs.step(action)[0]["glimpse"] * 255).astype(int)
        sums.append(np.where((glimpse == glimpse[:, :1]).all(1), glimpse[:, 0] - 200, np.nan))
    apart = ~np.isnan(sums).any(axis=0)
    assert apart.sum() > B / 2
    np.testing.assert_array_equal((sums[0] + sums[1])[apart], info["label"][apart])
    assert not np.array_equal(sums[0], sums[1])


@pytest.mark.parametrize("gaze", ["center", "raster", "object"])
@pytest.mark.parametrize("settings", [{}, {"sensor": "zoom", "num_clutter": 3, "clutter_size": 2}])
@pytest.mark.parametrize("mode", ["NextStep", "SameStep"])
def test_a_script_is_the_same_on_every_interface(gaze, settings, mode):
    settings = {**SMALL, "gaze": gaze, "num_glimpses": 3, **settings}
    id = "RAM-TranslatedMNIST-v0"
    make = lambda: gym.make(id, **settings)  # noqa: E731
    vector = gym.make_vec(id, 4, autoreset_mode=mode, **settings)
    singles = gym.vector.SyncVectorEnv([make] * 4, autoreset_mode=mode)
    tensor = ram_envs.make_tensor(id, 4, autoreset_mode=mode, **settings)
    assert_same(vector.reset(seed=9)[0], singles.reset(seed=9)[0])
    tensor.reset(seed=9)
    vector.action_space.seed(1)
    for _ in range(10):
        action = vector.action_space.sample()
        result, expected = vector.step(action), singles.step(action)
        assert_same(result[0], expected[0])
        for key, value in tensor.step(torch.from_numpy(action))[0].items():
            np.testing.assert_array_equal(value.numpy(), result[0][key])


def test_a_game_knows_the_scripts_that_need_no_object():
    env = gym.make("RAM-CatchGame-v0", gaze="raster", action_format="dict")
    env.reset(seed=0)
    seen = [env.step({"fixation": np.ones(2, np.float32), "move": 1})[0]["location"] for _ in range(23)]
    np.testing.assert_array_equal(seen, np.append(raster(23)[1:], raster(23)[-1:], axis=0))


def test_what_does_not_go_together_is_refused():
    with pytest.raises(InvalidArgument, match="gaze='object' is not known to Catch: it shows no object to look at"):
        ram_envs.make_task("RAM-CatchGame-v0", gaze="object")
    with pytest.raises(InvalidArgument, match="max_step=0.3 has no effect with gaze='raster': pass gaze='relative'"):
        ram_envs.make_task("RAM-CatchGame-v0", gaze="raster", max_step=0.3)
    with pytest.raises(InvalidArgument, match="gaze='center' is not"):
        gym.make("RAM-Glimpse-v0", env_id="RAM-CatchGame-v0", gaze="center")
