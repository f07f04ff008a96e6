"""A policy at play in a window: episodes to their end, until the window is closed."""

import itertools

import gymnasium
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
    env = gymnasium.make(CATCH, action_format="dict")
    moments = list(watch.play_episodes(policy, env, 2, seed=0))
    assert moments == 2 * ([False] * 23 + [True])


def test_episodes_go_on_for_ever_unless_numbered(policy):
    env = gymnasium.make(CATCH, action_format="dict", screen_size=4)
    moments = itertools.islice(watch.play_episodes(policy, env, None, seed=0), 1000)
    assert sum(moments) == 250


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
