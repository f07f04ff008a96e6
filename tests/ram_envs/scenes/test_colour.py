"""Colour for grey scenes: a tint over a texture, by hand and in the environment."""

import gymnasium as gym
import numpy as np
import pytest
import torch

import ram_envs
from ram_envs.errors import InvalidArgument
from ram_envs.scenes.colour import colour, draws_per_texture
from ram_envs.scenes.randomness import draw_words

ID = "RAM-ColourMNIST-v0"
IMAGES = np.full((10, 4, 4), 255, np.uint8)
IMAGES[:, 0, 0] = 0
RED_GREEN_BLUE = (np.arange(96, dtype=np.uint8).reshape(2, 4, 4, 3), np.arange(2))
SMALL = {"dataset": (IMAGES, np.arange(10)), "image_size": 20, "texture": 6, "patch_size": 4, "num_scales": 1}


def word(red, green, blue):
    """Return a random word whose lower bits make this colour in a texture, and whose 16 bits make it in a tint."""
    return (red << 8) + (green << 24) + (blue << 40)


def test_a_tint_over_a_texture_by_hand():
    scenes = np.array([[[[0, 255, 51], [0, 0, 0]]]], np.uint8)  # (1, 1, 2, 3)
    assert draws_per_texture(2, 3, 2) == 3
    words = np.array([[word(0, 2**15, 2**16 - 1), word(10, 20, 30), word(127, 0, 5)]])
    found = colour(scenes, words, 2)
    tint = [96, 96 + 80, 255]
    left, right = [10, 20, 30], [127, 0, 5]
    assert found.dtype == np.uint8 and found.shape == (1, 3, 2, 3)
    assert found[0, :, 0, 0].tolist() == found[0, :, 1, 1].tolist() == left
    assert found[0, :, 0, 1].tolist() == tint
    assert found[0, :, 0, 2].tolist() == [
        (204 * ground + 51 * front) // 255 for ground, front in zip(right, tint, strict=True)
    ]
    assert found[0, :, 1, 2].tolist() == right


def test_colours_are_uniform_and_the_same_on_torch():
    scenes = np.repeat(np.array([0, 255], np.uint8), 2000)[:, None, None, None]
    words = draw_words(np.arange(4000), np.zeros(4000, np.int64), 2)
    found = colour(scenes, words, 6)
    np.testing.assert_array_equal(found, colour(torch.from_numpy(scenes), torch.from_numpy(words), 6).numpy())
    grounds, tints = found[:2000, :, 0, 0].astype(int), found[2000:, :, 0, 0].astype(int)
    for values, least, most in ((grounds, 0, 127), (tints, 96, 255)):
        assert values.min() == least and values.max() == most
        np.testing.assert_allclose(values.mean(0), (least + most) / 2, atol=4)
        assert np.abs(np.corrcoef(values.T) - np.eye(3)).max() < 0.1


def test_scenes_show_a_tinted_image_on_squares():
    envs = gym.make_vec(ID, 30, **SMALL).unwrapped
    observation, info = envs.reset(seed=2)
    assert observation["glimpse"].shape == (30, 3 * 16) and envs.scene.shape == (30, 20, 20, 3)
    for scene in envs.scene:
        colours = np.unique(scene.reshape(-1, 3), axis=0)
        assert len(colours) <= 16 + 1  # a tint, and a square of the texture each
    assert len({tuple(scene[0, 0]) for scene in envs.scene}) > 25
    single = gym.make(ID, **SMALL).unwrapped
    single.reset(seed=2)
    np.testing.assert_array_equal(single.scene, envs.scene[0])


def test_grey_scenes_are_what_they_were():
    plain, coloured = (gym.make_vec(ID, 20, **{**SMALL, "texture": texture}).unwrapped for texture in (None, 6))
    _, one = plain.reset(seed=5)
    _, other = coloured.reset(seed=5)
    assert (one["label"] == other["label"]).all()
    np.testing.assert_array_equal(plain.state.location, coloured.state.location)
    same = gym.make_vec("RAM-TranslatedMNIST-v0", 20, **{**SMALL, "texture": None}).unwrapped
    same.reset(seed=5)
    np.testing.assert_array_equal(same.scene, plain.scene)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"texture": 0}, "texture=0 is out of range"),
        ({"dataset": RED_GREEN_BLUE}, "texture=6 is for grey images, and these have 3 channels: leave it out"),
        ({"texture": 1, "image_size": 100}, "texture=1 divides a scene of 100x100 into more squares"),
    ],
)
def test_what_does_not_fit_is_refused(settings, message):
    with pytest.raises(InvalidArgument, match=message):
        ram_envs.make_task(ID, **{**SMALL, **settings})
