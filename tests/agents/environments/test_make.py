"""What a vector environment can be made from."""

import gymnasium
import pytest

from agents.environments.make import make_world
from agents.errors import SettingsError


def test_a_function_makes_every_row():
    world = make_world(lambda: gymnasium.make("CartPole-v1"), 3)
    assert world.env.num_envs == 3
    world.close()


@pytest.mark.parametrize("source", [None, 3, ["CartPole-v1"]])
def test_what_is_no_environment_is_refused(source):
    with pytest.raises(SettingsError, match="expected an id, a vector environment, or a function"):
        make_world(source, 2)


def test_a_single_environment_is_refused_with_the_remedy():
    with pytest.raises(SettingsError, match=r"a function that makes one environment, such as lambda: gymnasium\.make"):
        make_world(gymnasium.make("CartPole-v1"), 2)


def test_a_function_that_returns_something_else_is_named():
    with pytest.raises(SettingsError, match="returned None: expected a Gymnasium environment"):
        make_world(lambda: None, 2)


def test_an_id_must_be_registered():
    with pytest.raises(SettingsError, match="there is no environment 'Cartpool-v1'"):
        make_world("Cartpool-v1", 2)
