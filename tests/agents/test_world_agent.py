"""The agent from Python in environments of other packages."""

import gymnasium
import numpy as np
import pytest

import agents
from agents.errors import SettingsError
from agents.ram.settings import NetworkSettings
from agents.training.trainer import train
from agents.training.vector_settings import SegmentSettings
from tests.agents.environments.scripted import Cue

NETWORK = NetworkSettings(core="lstm", core_size=8, glimpse_hidden=8, location_hidden=8, glimpse_features=8)
SETTINGS = SegmentSettings(frames=64, num_envs=4, segment_length=8, minibatches=2, network=NETWORK)


@pytest.fixture(scope="module")
def agent(tmp_path_factory):
    gymnasium.register("TestCue-v0", Cue, kwargs={"delay": 3})
    folder = tmp_path_factory.mktemp("cue")
    train("TestCue-v0", SETTINGS, folder, progress_bar=False)
    yield agents.load(folder)
    del gymnasium.registry["TestCue-v0"]


def test_an_agent_acts_in_one_environment_and_in_a_batch(agent):
    env, vector = agent.make_env(), agent.make_vec(2)
    observation, _ = env.reset(seed=3)
    batch, _ = vector.reset(seed=3)
    state = states = None
    for _ in range(3):
        action, state = agent.act(observation, state)
        actions, states = agent.act(batch, states)
        assert env.action_space.contains(action) and vector.action_space.contains(actions)
        assert action == actions[0]
        observation, _, terminated, _, _ = env.step(action)
        batch, *_ = vector.step(actions)
    assert terminated


@pytest.mark.parametrize("change", [lambda array: array + 5, np.float64, list])
def test_shapes_tell_one_environment_from_a_batch_whatever_the_values(agent, change):
    one, batch = np.float32([1, 1]), np.float32([[1, 1], [-1, 1]])
    action, state = agent.act(change(one))
    actions, states = agent.act(change(batch))
    assert np.shape(action) == () and actions.shape == (2,)
    assert len(state.core[0]) == 1 and len(states.core[0]) == 2
    for wrong in (np.zeros(3), np.zeros((2, 3)), np.zeros((2, 2, 2)), 0.0):
        with pytest.raises(SettingsError, match="nor a batch of them"):
            agent.act(wrong)


def test_the_environment_that_is_made_is_open(agent, monkeypatch):
    closed = []
    monkeypatch.setattr(Cue, "close", lambda env: closed.append(env))
    env = agent.make_env()
    assert env.unwrapped not in closed


def test_memory_is_erased_where_an_episode_starts(agent):
    observation = np.float32([[1, 1], [-1, 1]])
    _, before = agent.act(observation)
    _, after = agent.act(observation, before, episode_start=[True, False])
    assert np.allclose(after.core[0][0], before.core[0][0]) and not np.allclose(after.core[0][1], before.core[0][1])


def test_samples_can_be_repeated(agent):
    observation = np.tile(np.float32([1, 1]), (50, 1))
    first, second, other = (agent.act(observation, deterministic=False, seed=seed)[0] for seed in (1, 1, 2))
    assert (first == second).all() and (first != other).any()


def test_what_does_not_fit_is_refused(agent, tmp_path):
    with pytest.raises(SettingsError, match="not one of Box"):
        agent.act({"glimpse": np.zeros(3)})
    with pytest.raises(SettingsError, match="split='test' has no meaning"):
        agent.make_env(split="test")
    with pytest.raises(SettingsError, match="no task of the suite"):
        agent.follow_gaze()
    train(Cue, SETTINGS, tmp_path, progress_bar=False)
    with pytest.raises(SettingsError, match="trained on an environment without an id"):
        agents.load(tmp_path)
