"""The agent in ap_gym's own environments, unmodified."""

import numpy as np
import pytest

from agents.environments.make import make_world
from agents.environments.player import WorldPlayer
from agents.errors import SettingsError
from agents.ram.policy import RAMPolicy
from agents.ram.settings import NetworkSettings
from tests.integrations.programs import ROOT, run_program


@pytest.mark.parametrize("name", ["CircleSquare-v0", "CircleSquareInverted-v0", "CircleSquare-sparse-v0"])
def test_a_policy_plays_and_is_told_the_right_answers(name):
    world = make_world(f"ap_gym:{name}", 4)
    policy = RAMPolicy(world.adapter.settings(NetworkSettings(core="lstm")))
    assert policy.settings.glimpse_shape == (1, 1, 5, 5) and policy.settings.gaze_size == 2
    assert policy.settings.senses == {"time_step": 1, **({"inverted_label": 3} if "Inverted" in name else {})}
    player = WorldPlayer(policy, 4, greedy=False)
    observation, starts = world.reset(0), np.ones(4, bool)
    lengths = 0
    for t in range(34):  # two episodes of 16 steps, each with a step that starts it anew
        choice = player.act(observation, starts)
        step = world.step(choice)
        observation, starts = step.observation, step.starts
        assert step.over.all() == (t in (15, 32)) and step.taken.all() == (t not in (16, 33))
        right = choice.outputs.argmax(1) == world.adapter.right_answers(step.info)
        np.testing.assert_array_equal(step.success, right)
        lengths += step.over.all()
    assert lengths == 2
    world.close()


def test_the_same_seed_shows_the_same_images():
    first, second = (make_world("ap_gym:CircleSquare-v0", 8) for _ in range(2))
    np.testing.assert_array_equal(first.reset(5)["glimpse"], second.reset(5)["glimpse"])
    assert not np.array_equal(first.reset(5)["glimpse"], second.reset(6)["glimpse"])


def test_environments_with_numbers_to_predict_are_refused():
    with pytest.raises(SettingsError, match="can only predict one of several classes"):
        make_world("ap_gym:LIDARLocRooms-v0", 2)


def test_the_example_runs(tmp_path):
    example = ROOT / "examples" / "ap_gym_circle_square.py"
    result = run_program(example, "--steps", "2048", "--episodes", "64", folder=tmp_path)
    assert result.status == 0, result.stderr
    assert "CircleSquare-v0, seed 0: success_rate" in result.stdout
