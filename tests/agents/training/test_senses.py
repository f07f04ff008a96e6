"""Agents with a further sense: trained, saved, loaded and used from Python."""

import gymnasium as gym
import numpy as np
import pytest
import torch

import agents
from agents.errors import SettingsError
from agents.evaluation.evaluate import evaluate
from agents.ram.checkpoint import load_checkpoint
from agents.ram.policy import RAMPolicy
from agents.ram.settings import NetworkSettings, RAMSettings
from agents.training.fast.recording import Recording
from agents.training.settings import GameSettings
from agents.training.trainer import train
from ram_envs import make_task
from ram_envs.errors import InvalidArgument

HEARING = {"hearing": True, "hidden_rows": (0, 15)}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "hearing"
    network = NetworkSettings(core="lstm", core_size=16, glimpse_hidden=16, location_hidden=16, glimpse_features=16)
    settings = GameSettings(environment=HEARING, network=network, num_envs=64, frames=4 * 23 * 64, minibatches=1)
    train("RAM-CatchGame-v0", settings, folder, progress_bar=False)
    return folder


def test_a_trained_agent_hears(run):
    agent = agents.load(run)
    assert agent.policy.settings.senses == {"sound": 2}
    before = RAMPolicy(agent.policy.settings).glimpse_network
    assert not torch.equal(agent.policy.glimpse_network.from_senses.weight, before.from_senses.weight)
    env = agent.make_env()
    observation, _ = env.reset(seed=0)
    agent.act(observation)
    silent = {**observation, "sound": np.zeros(2, np.float32)}
    with torch.no_grad():
        heads = [
            agent.policy.heads(
                agent.policy.encode_step(
                    {key: torch.from_numpy(value)[None] for key, value in seen.items()},
                    agent.policy.initial_state(1),
                )[0]
            )
            for seen in (observation, silent)
        ]
    assert not torch.equal(heads[0].action_logits, heads[1].action_logits)
    vector = agent.make_vec(3)
    action, _ = agent.act(vector.reset(seed=0)[0])
    assert action["move"].shape == (3,)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda seen: seen.pop("sound"), "'sound' is missing"),
        (lambda seen: seen.update(sound=np.zeros(3, np.float32)), r"observation\['sound'\] has the shape \(3,\)"),
        (lambda seen: seen.update(sound=np.zeros(2, np.uint8)), r"observation\['sound'\] is uint8"),
        (lambda seen: seen.update(sound=np.full(2, np.nan, np.float32)), r"observation\['sound'\] ranges from nan"),
    ],
)
def test_a_sense_that_does_not_fit_is_named(change, message, run):
    agent = agents.load(run)
    observation, _ = agent.make_env().reset(seed=0)
    change(observation)
    with pytest.raises(SettingsError, match=message):
        agent.act(observation)


def test_an_agent_that_hears_needs_an_environment_with_sound(run):
    content = load_checkpoint(run)
    assert evaluate(content.policy, content.env_id, content.env_settings, episodes=64).episodes == 64
    with pytest.raises(InvalidArgument, match=r"made for senses=.*sound"):
        evaluate(content.policy, content.env_id, {}, episodes=64)


def test_a_recording_leaves_further_senses_to_autograd():
    task = make_task("RAM-CatchGame-v0", hearing=True)
    policy = RAMPolicy(RAMSettings.for_task(task, NetworkSettings()))
    assert Recording.of(policy, 3, 4, torch.float32) is None
    deaf = RAMPolicy(RAMSettings.for_task(make_task("RAM-CatchGame-v0"), NetworkSettings()))
    assert Recording.of(deaf, 3, 4, torch.float32) is not None


def test_the_space_has_the_sense():
    env = gym.make("ram_envs:RAM-CatchGame-v0", **HEARING)
    assert list(env.observation_space) == ["glimpse", "location", "sound"]
