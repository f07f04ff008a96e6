"""A policy at play in a window: episodes to their end, until the window is closed."""

import itertools

import gymnasium
import numpy as np
import pytest
import torch

import ram_envs
from agents.pictures import watch
from agents.play import DisplayError
from agents.ram.policy import RAMPolicy
from agents.ram.settings import NetworkSettings, RAMSettings
from ram_envs.rendering import Renderer

CATCH = "RAM-CatchGame-v0"


@pytest.fixture
def policy():
    torch.manual_seed(0)
    env = ram_envs.make_tensor(CATCH, 1)
    sizes = NetworkSettings(core_size=8, glimpse_hidden=8, location_hidden=8, glimpse_features=8)
    return RAMPolicy(RAMSettings.for_environment(env, sizes))


@pytest.fixture
def shown(monkeypatch):
    """The views that were shown, without a window."""
    views = []
    monkeypatch.setattr(Renderer, "show", lambda self, view, fps: views.append(view))
    return views


def test_every_moment_of_the_episodes_is_yielded(policy):
    shown = list(watch.views(policy, watch.make_one(CATCH, {}), 2, seed=0))
    assert [over for _, over in shown] == 2 * ([False] * 23 + [True])
    env = gymnasium.make(CATCH)
    for seed, (view, _) in ((0, shown[0]), (None, shown[24])):
        env.reset(seed=seed)
        np.testing.assert_array_equal(view.scene, env.unwrapped.view().scene)
        assert view.caption == env.unwrapped.view().caption


def test_episodes_go_on_for_ever_unless_numbered(policy):
    moments = itertools.islice(watch.views(policy, watch.make_one(CATCH, {"screen_size": 4}), None, seed=0), 1000)
    assert sum(over for _, over in moments) == 250


def test_all_episodes_are_shown(policy, shown):
    assert watch.watch(policy, CATCH, {"action_format": "discrete"}, episodes=2) == 2
    assert len(shown) == 2 * (23 + watch.HOLD_FRAMES)
    assert [len(view.fixations) for view in shown[:24]] == list(range(1, 25))


def test_closing_the_window_ends_it(policy, shown, monkeypatch):
    closed = property(lambda self: len(shown) > 32, lambda self, value: None)
    monkeypatch.setattr(Renderer, "window_closed", closed, raising=False)
    assert watch.watch(policy, CATCH, {}) == 1
    assert len(shown) == 33


def test_bad_arguments_are_refused(policy, monkeypatch):
    with pytest.raises(ValueError, match="episodes=0"):
        watch.watch(policy, CATCH, {}, episodes=0)
    monkeypatch.setenv("SDL_VIDEODRIVER", "nope")
    with pytest.raises(DisplayError, match="no window can be opened"):
        watch.watch(policy, CATCH, {})
