"""Settings of the model: they survive JSON, and those of version 0.1 load."""

import json
from dataclasses import asdict
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from gymnasium import spaces

from agents.errors import RAMError
from agents.pretrained import load_pretrained, pretrained_ids
from agents.ram.policy import RAMPolicy
from agents.ram.settings import NetworkSettings, RAMSettings
from agents.training.settings import HybridSettings
from ram_envs import make_tensor
from ram_envs.tasks import Answer


def test_settings_survive_json():
    settings = RAMSettings(num_actions=3, glimpse_shape=(2, 1, 4, 6), gaze_size=3, core="lstm")
    assert RAMSettings.from_dict(json.loads(json.dumps(settings.to_dict()))) == settings


def test_settings_of_version_0_1_are_converted():
    old = {"num_actions": 10, "patch_size": 8, "num_scales": 3, "channels": 2, "core_size": 16}
    settings = RAMSettings.from_dict(old)
    assert settings == RAMSettings(num_actions=10, glimpse_shape=(3, 2, 8, 8), gaze_size=2, core_size=16)
    assert (settings.patch_size, settings.num_scales, settings.channels) == (8, 3, 2)
    del old["channels"]
    assert RAMSettings.from_dict(old).glimpse_shape == (3, 1, 8, 8)
    for missing in ("patch_size", "num_scales", "num_actions"):
        with pytest.raises(TypeError):
            RAMSettings.from_dict({name: value for name, value in old.items() if name != missing})


@pytest.mark.parametrize("env_id", pretrained_ids())
def test_packaged_agents_fit_their_environments(env_id, tiny_images):
    policy = load_pretrained(env_id).policy
    assert isinstance(policy, RAMPolicy) and policy.settings.gaze_size == 2
    arguments = {"dataset": tiny_images} if "MNIST" in env_id else {}
    expected = RAMSettings.for_environment(make_tensor(env_id, 1, **arguments), NetworkSettings())
    assert policy.settings.glimpse_shape == expected.glimpse_shape


@pytest.mark.parametrize("sensor", ["retina", "zoom"])
def test_the_environment_determines_glimpse_and_gaze(sensor):
    env = make_tensor("RAM-CatchGame-v0", 2, sensor=sensor, action_format="dict")
    settings = RAMSettings.for_environment(env, NetworkSettings())
    assert settings.glimpse_shape == env.task.glimpse_sensor.glimpse_shape == (3, 1, 6, 6)
    assert settings.gaze_size == (3 if sensor == "zoom" else 2)
    policy = RAMPolicy(settings)
    observation, _ = env.reset(seed=0)
    decision, _ = policy.act(observation, policy.initial_state(2), generator=torch.Generator().manual_seed(0))
    env.step({"fixation": decision.fixation, "move": decision.task_action})


def test_an_answer_that_is_a_number_is_refused():
    answer = Answer("angle", spaces.Box(-1, 1, (2,), np.float32))
    env = SimpleNamespace(task=SimpleNamespace(answer=answer))
    with pytest.raises(RAMError, match="asks for 2 numbers .* can only choose"):
        RAMSettings.for_environment(env, NetworkSettings())


@pytest.mark.parametrize("value", [(1, 2, 3), (1, 1, 0, 4), (1.0, 1, 2, 2)])
def test_a_bad_glimpse_shape_is_named(value):
    with pytest.raises(RAMError, match="glimpse_shape"):
        RAMSettings(num_actions=3, glimpse_shape=value)


@pytest.mark.parametrize("name", ["squash_location", "random_locations", "normalise_inputs"])
def test_what_is_neither_true_nor_false_is_refused(name):
    with pytest.raises(RAMError, match=f"{name}='no' is not valid: expected True or False"):
        NetworkSettings(**{name: "no"})


def test_numbers_of_numpy_become_those_of_python():
    network = NetworkSettings(core_size=np.int64(16), location_std=np.float32(0.5), squash_location=np.bool_(True))
    assert json.loads(json.dumps(asdict(network)))["core_size"] == 16
    assert (type(network.core_size), type(network.location_std), network.squash_location) == (int, float, True)
    settings = HybridSettings(num_envs=np.int64(64), environment={"num_glimpses": np.int64(3), "first": (np.int8(1),)})
    assert settings == HybridSettings(num_envs=64, environment={"num_glimpses": 3, "first": (1,)})
    assert json.dumps(settings.to_dict())
