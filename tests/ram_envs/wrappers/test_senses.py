import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Discrete

from ram_envs.errors import InvalidArgument, InvalidObservation
from ram_envs.wrappers import Glimpse, VectorGlimpse
from tests.ram_envs.wrappers.environments import HEIGHT, SMALL, WIDTH, Labelled, Shown
from tests.ram_envs.wrappers.test_vector import sync

ALL = ("cards", "direction", "speed", "switches")


def test_vector_parts_become_flat_float32_keys():
    env = Glimpse(Labelled(), **SMALL, senses="all", action_format="dict")
    assert env.sense_keys == ALL
    assert env.observation_space["speed"] == Box(-1, 1, (2,), np.float32)
    env.reset(seed=0)
    observation = env.step({"fixation": np.float32([0, 0]), "action": 1})[0]
    assert env.observation_space.contains(observation)
    np.testing.assert_array_equal(observation["speed"], np.float32([0.01, -0.5]))
    np.testing.assert_array_equal(observation["direction"], [0, 1, 0, 0])
    np.testing.assert_array_equal(observation["cards"], [0, 1, 0, 1, 0])
    np.testing.assert_array_equal(observation["switches"], [1, 0])
    assert {observation[key].dtype for key in ALL} == {np.dtype(np.float32)}


def test_senses_follow_the_location_in_the_flat_format_in_the_order_they_were_asked_for():
    senses = ["speed", "cards"]
    env, flat = (Glimpse(Labelled(), **SMALL, senses=senses, observation_format=name) for name in ("dict", "flat"))
    observation, joined = env.reset(seed=0)[0], flat.reset(seed=0)[0]
    parts = [observation[key] for key in ("glimpse", "location", "speed", "cards")]
    np.testing.assert_array_equal(joined, np.concatenate(parts))
    assert flat.observation_space.contains(joined)


def test_an_observation_that_is_a_vector_is_a_sense_beside_rendered_frames():
    vector = np.float32([1, 2])
    env = Glimpse(Shown(Box(-5, 5, (2,), np.float32), vector, "rgb_array"), **SMALL, pixels="render", senses="all")
    assert env.sense_keys == ("observation",)
    np.testing.assert_array_equal(env.reset(seed=0)[0]["observation"], vector)


def test_no_senses_are_passed_on_unless_asked_for():
    assert Glimpse(Labelled(), **SMALL).sense_keys == ()
    assert set(Glimpse(Labelled(), **SMALL).reset(seed=0)[0]) == {"glimpse", "location"}


@pytest.mark.parametrize(
    ("senses", "message"),
    [
        (["sped"], "the sense 'sped' is not part of the observation; did you mean 'speed'"),
        (["mission"], "the sense 'mission' has the space Text"),
    ],
)
def test_senses_that_are_no_vector_are_refused(senses, message):
    with pytest.raises(InvalidArgument, match=message):
        Glimpse(Labelled(), **SMALL, senses=senses)


def test_senses_of_an_observation_that_is_the_image_are_refused():
    env = Shown(Box(0, 255, (HEIGHT, WIDTH), np.uint8), np.zeros((HEIGHT, WIDTH), np.uint8))
    assert Glimpse(env, **SMALL, senses="all").sense_keys == ()
    with pytest.raises(InvalidArgument, match="the observation is the image"):
        Glimpse(env, **SMALL, senses=["observation"])


@pytest.mark.parametrize("key", ["location", "glimpse", "action", "fixation"])
def test_keys_of_the_wrapper_are_taken(key):
    space = Dict({"camera": Box(0, 255, (HEIGHT, WIDTH), np.uint8), key: Discrete(2)})
    with pytest.raises(InvalidArgument, match=f"'{key}' has a key that is taken"):
        Glimpse(Shown(space, None), **SMALL, senses=[key])


@pytest.mark.parametrize("number", [0, 1])
def test_a_sense_that_is_nan_is_named_with_row_and_step(number):
    class Broken(Labelled):
        def observation(self):
            speed = np.zeros(2)
            speed[number] = np.nan if self.steps == 2 else 0.0
            return {**super().observation(), "speed": speed}

    envs = VectorGlimpse(sync([Labelled, Broken]), **SMALL, senses=["speed"])
    envs.reset(seed=0)
    envs.step(envs.action_space.sample())
    with pytest.raises(InvalidObservation, match="'speed' has a NaN in row 1 at step 2"):
        envs.step(envs.action_space.sample())
