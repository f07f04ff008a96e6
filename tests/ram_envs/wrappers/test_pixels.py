import gymnasium as gym
import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Discrete

from ram_envs.errors import InvalidArgument, InvalidObservation
from ram_envs.wrappers import Glimpse
from ram_envs.wrappers.pixels import Pixels, find_pixels
from tests.ram_envs.wrappers.environments import SMALL, Dots, Labelled, Shown

STEPS = np.zeros(2, np.int64)
NUMBERS = np.random.default_rng(0)


def images(*shape):
    return NUMBERS.integers(0, 256, (2, *shape), np.uint8)


def read(batch, layout=None, low=0, high=255):
    space = Box(low, high, batch.shape[1:], batch.dtype)
    return Pixels("the image", space, layout).read(batch, STEPS)


@pytest.mark.parametrize(
    ("shape", "layout", "expected"),
    [
        ((6, 8), None, lambda x: x[:, None]),
        ((6, 8, 1), None, lambda x: x[..., 0][:, None]),
        ((6, 8, 3), None, lambda x: np.moveaxis(x, -1, 1)),
        ((1, 6, 8), None, lambda x: x),
        ((4, 6, 8), None, lambda x: x[:, -1:]),
        ((4, 6, 8, 3), None, lambda x: np.moveaxis(x[:, -1], -1, 1)),
        ((4, 3, 6, 8), None, lambda x: x[:, -1]),
        ((3, 6, 8), "CHW", lambda x: x),
        ((3, 6, 8), "SHW", lambda x: x[:, -1:]),
        ((6, 8, 4), "HWS", lambda x: x[..., -1][:, None]),
        ((6, 8, 4), "HWC", lambda x: np.moveaxis(x[..., :3], -1, 1)),
    ],
)
def test_scenes_are_the_last_frame_with_channels_first(shape, layout, expected):
    batch = images(*shape)
    scenes = read(batch, layout)
    np.testing.assert_array_equal(scenes, expected(batch))
    assert scenes.dtype == np.uint8


@pytest.mark.parametrize("shape", [(3, 6, 8), (6, 8, 4), (5, 5, 5), (6, 8, 7, 9), (1, 3, 6, 3)])
def test_shapes_with_more_than_one_reading_ask_for_the_layout(shape):
    with pytest.raises(InvalidArgument, match="no unique reading; pass layout="):
        read(images(*shape))


@pytest.mark.parametrize(("shape", "layout"), [((6, 8), "CHW"), ((6, 8, 3), "HW"), ((6, 8, 5), "HWC"), ((6, 8, 3), 7)])
def test_layouts_that_do_not_fit_are_refused(shape, layout):
    with pytest.raises(InvalidArgument, match="layout="):
        read(images(*shape), layout)


def test_numbers_in_0_to_1_are_scaled_and_rounded():
    values = np.float32([[[0, 0.5, 1.0], [0.001, 0.002, 0.999]]] * 2)
    np.testing.assert_array_equal(read(values, high=1)[0, 0], [[0, 128, 255], [0, 1, 255]])
    np.testing.assert_array_equal(read(values.astype(np.float64), high=1)[0, 0], [[0, 128, 255], [0, 1, 255]])
    np.testing.assert_array_equal(read(np.ones((2, 3, 3), np.uint8), high=1), np.full((2, 1, 3, 3), 255))
    np.testing.assert_array_equal(read(np.ones((2, 3, 3), bool), high=1), np.full((2, 1, 3, 3), 255))


def test_numbers_in_0_to_255_are_rounded():
    values = np.float32([[[0, 127.5, 255.0], [0.4, 0.6, 255.2]]] * 2)
    np.testing.assert_array_equal(read(values)[0, 0], [[0, 128, 255], [0, 1, 255]])
    np.testing.assert_array_equal(read(images(4, 4).astype(np.int32)).dtype, np.uint8)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_pixels_that_are_not_finite_are_named_with_row_and_step(value):
    batch = np.zeros((2, 4, 4), np.float32)
    batch[1, 2, 2] = value
    pixels = Pixels("the image", Box(0, 1, (4, 4), np.float32))
    with pytest.raises(InvalidObservation, match="the image has pixels that are NaN or infinite in row 1 at step 9"):
        pixels.read(batch, np.array([3, 9]))


def test_an_image_of_another_shape_than_its_space_is_refused():
    with pytest.raises(InvalidObservation, match=r"has shape \(5, 4\).*expected \(4, 4\)"):
        Pixels("the image", Box(0, 255, (4, 4), np.uint8)).read(images(5, 4), STEPS)
    with pytest.raises(InvalidObservation, match="in a batch of 2: expected"):
        Pixels("the image", Box(0, 255, (4, 4), np.uint8)).read(images(4, 4), np.zeros(3, np.int64))


@pytest.mark.parametrize(
    ("space", "problem"),
    [
        (Box(-1, 1, (4, 4), np.float32), "expected bounds within"),
        (Box(-np.inf, np.inf, (4, 4), np.float32), "expected bounds within"),
        (Box(0, 1000, (4, 4), np.float32), "expected bounds within"),
        (Box(0, 255, (4,), np.uint8), "expected two to four axes"),
        (Discrete(3), "expected a Box of numbers"),
    ],
)
def test_a_pixel_key_that_is_no_image_is_refused(space, problem):
    message = f"observation\\['camera'\\] has the space .* cannot be read as an image: {problem}"
    with pytest.raises(InvalidArgument, match=message):
        find_pixels(Dict(camera=space, other=Box(0, 255, (4, 4), np.uint8)), "camera", None)


def test_the_only_image_of_a_dictionary_is_found():
    assert find_pixels(Labelled.observation_space, "observation", None)[1] == "camera"
    env = Glimpse(Labelled(), **SMALL)
    env.reset(seed=0)
    np.testing.assert_array_equal(env.scene, env.unwrapped.render())


def test_keys_that_are_missing_or_needed_are_named():
    image = Box(0, 255, (4, 4), np.uint8)
    with pytest.raises(InvalidArgument, match="several images: choose one, as in pixels='a'; they are 'a', 'b'"):
        find_pixels(Dict(a=image, b=image), "observation", None)
    assert find_pixels(Dict(a=image, b=image), "b", None)[1] == "b"
    with pytest.raises(InvalidArgument, match="did you mean 'camera'"):
        find_pixels(Dict(camera=image), "kamera", None)
    with pytest.raises(InvalidArgument, match="has no keys"):
        find_pixels(image, "camera", None)
    with pytest.raises(InvalidArgument, match="the keys 'speed' has no pixels"):
        find_pixels(Dict(speed=Box(-1, 1, (2,))), "observation", None)


def test_a_render_that_is_no_image_is_refused():
    class Texts(Dots):
        def render(self):
            return "text"

    with pytest.raises(InvalidArgument, match="render.. returned str"):
        Glimpse(Texts(render_mode="rgb_array"), **SMALL, pixels="render")


def test_layout_reaches_the_wrapper():
    image = images(3, 6, 8)[0]
    env = Glimpse(Shown(Box(0, 255, image.shape, np.uint8), image), **SMALL, layout="SHW")
    env.reset(seed=0)
    np.testing.assert_array_equal(env.scene, image[-1])
    assert isinstance(env, gym.Wrapper)


def test_numbers_beyond_the_bounds_are_clipped():
    """Without that, 256 would become black and -1 white."""
    scenes = read(np.float32([[[256.0, -1.0, 300.0, 255.4, -0.4]]] * 2))
    assert scenes[0, 0].tolist() == [[255, 0, 255, 255, 0]]
    scenes = read(np.float32([[[1.1, -0.1, 0.5]]] * 2), high=1)
    assert scenes[0, 0].tolist() == [[255, 0, 128]]
