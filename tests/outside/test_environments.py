"""A stranger's tasks, dataset and sensor keep the contract on every interface, without an edit in the packages."""

import subprocess
import sys

import gymnasium as gym
import numpy as np
import pytest

import ram_envs
from ram_envs.testing import TaskContract

IDS = ["Counting-v0", "Chasing-v0", "Stripes-v0", "CrossStripes-v0"]


class TestCounting(TaskContract):
    id = "strangers:Counting-v0"


class TestChasing(TaskContract):
    id = "strangers:Chasing-v0"


class TestStripes(TaskContract):
    id = "strangers:Stripes-v0"


class TestCrossStripes(TaskContract):
    id = "strangers:CrossStripes-v0"


class TestChasingThroughZoom(TaskContract):
    id = "strangers:Chasing-v0"
    settings = {"sensor": "zoom"}


@pytest.mark.parametrize("id", IDS)
def test_another_process_finds_it_by_its_module(id):
    code = f"import gymnasium as gym; print(gym.make('strangers:{id}').reset(seed=3)[0]['glimpse'].sum())"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert float(output) == pytest.approx(float(gym.make(f"strangers:{id}").reset(seed=3)[0]["glimpse"].sum()))


def test_variants_and_asynchronous_workers():
    assert gym.make("strangers:Counting-Discrete-v0").action_space.n == 3 * 25
    env = gym.make_vec("strangers:Chasing-Flat-v0", 2, vectorization_mode="async")
    native = gym.make_vec("strangers:Chasing-Flat-v0", 2)
    np.testing.assert_array_equal(env.reset(seed=5)[0], native.reset(seed=5)[0])
    env.close()


def test_ids_say_which_module_registered_them():
    assert ram_envs.parse_id("strangers:Counting-v0").portable == "strangers:Counting-v0"
    assert ram_envs.parse_id("Counting-Flat-v0").portable == "strangers:Counting-v0"


def test_a_setting_that_a_stranger_refuses_is_a_user_error():
    with pytest.raises(ram_envs.errors.InvalidArgument, match="num_objects=99 is too many"):
        gym.make("strangers:Counting-v0", num_objects=99)


def test_a_sensor_can_be_named_by_its_class():
    env = gym.make("RAM-Digits-v0", sensor="strangers:Cross")
    assert env.unwrapped.task.glimpse_sensor.glimpse_shape == (2, 1, 1, 9)
    with pytest.raises(ValueError, match="sensor='strangers:Nobody'"):
        gym.make("RAM-Digits-v0", sensor="strangers:Nobody")
