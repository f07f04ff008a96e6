"""A policy plays episodes to their end, and in a window until a person leaves, who may pause and step."""

import itertools

import gymnasium
import numpy as np
import pygame
import pytest
import torch

import ram_envs
from agents.pictures import watch as playing
from agents.pictures.watch import looks, make_one, watch
from agents.play import DisplayError
from agents.ram.policy import RAMPolicy
from agents.ram.settings import NetworkSettings, RAMSettings

CATCH, DIGITS = "RAM-CatchGame-v0", "RAM-Digits-v0"
KEYS = {"space": pygame.K_SPACE, "right": pygame.K_RIGHT, "escape": pygame.K_ESCAPE, "q": pygame.K_q}


def make_policy(env_id):
    torch.manual_seed(0)
    env = ram_envs.make_tensor(env_id, 1)
    sizes = NetworkSettings(core_size=8, glimpse_hidden=8, location_hidden=8, glimpse_features=8)
    return RAMPolicy(RAMSettings.for_environment(env, sizes))


@pytest.fixture
def policy():
    return make_policy(CATCH)


@pytest.fixture
def shown(monkeypatch):
    """The views that a real window showed, without waiting; `at` posts keys once so many were shown."""
    views, posts = [], {}
    draw = playing.frame_surface

    def record(view):
        views.append(view)
        for name in posts.pop(len(views), ()):
            event = pygame.QUIT if name == "close" else pygame.KEYDOWN
            pygame.event.post(pygame.event.Event(event, {} if name == "close" else {"key": KEYS[name]}))
        return draw(view)

    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setattr(playing, "frame_surface", record)
    monkeypatch.setattr(playing, "FRAME_SECONDS", (0, 0))
    monkeypatch.setattr(playing, "HOLD_SECONDS", 0)
    views_and_posts = type("Shown", (list,), {"at": lambda self, count, *names: posts.update({count: names})})
    views = views_and_posts()
    yield views
    pygame.quit()


def distinct(views):
    """Leave out the views that were drawn more than once: when a window opens, is resized or paused."""
    return [next(same) for _, same in itertools.groupby(views, key=lambda view: (view.caption, len(view.fixations)))]


def test_every_moment_of_the_episodes_is_yielded(policy):
    env = make_one(CATCH, {})
    seen = list(looks(policy, env, 2, seed=0))
    assert [look.over for look in seen] == 2 * ([False] * 23 + [True])
    assert not any(look.result for look in seen if not look.over)
    single = gymnasium.make(CATCH)
    for number, episode_seed in ((0, 0), (24, None)):
        single.reset(seed=episode_seed)
        assert np.array_equal(seen[number].view.scene, single.unwrapped.view().scene)
        assert seen[number].view.caption == single.unwrapped.view().caption


def test_the_result_is_that_of_the_environment(policy):
    env = make_one(CATCH, {"screen_size": 4})
    seen = looks(policy, env, 20, seed=0)
    results = [(look.result, env.scene[0, -1].sum()) for look in seen if look.over]
    # A ball on the paddle hides one of no further pixels: two are lit, otherwise three.
    assert all(success == (lit == 2 * 255) for success, lit in results)
    assert len({success for success, _ in results}) == 2


def test_episodes_have_no_end_unless_numbered(policy):
    env = make_one(CATCH, {"screen_size": 4})
    seen = itertools.islice(looks(policy, env, None, seed=0), 1000)
    assert sum(look.over for look in seen) == 250


def test_probabilities_and_values_are_those_of_the_glimpses_so_far():
    policy = make_policy(DIGITS)
    env = make_one(DIGITS, {})
    observation, _ = env.reset(seed=3)
    batch = {key: torch.as_tensor(value) for key, value in observation.items()}
    with torch.inference_mode():
        h, _ = policy.encode_step(batch, policy.initial_state(1))
        expected = policy.heads(h).action_logits[0].softmax(-1).numpy()
    seen = list(looks(policy, env, 1, seed=3))
    readouts = [look.readout for look in seen]
    assert np.array_equal(readouts[0].probabilities, expected[None])
    assert [len(readout.probabilities) for readout in readouts] == [1, 2, 3, 4, 4]
    assert np.array_equal(readouts[1].probabilities[:1], readouts[0].probabilities)
    assert readouts[0].names == tuple("0123456789")
    assert readouts[-1].probabilities.sum(axis=1) == pytest.approx(np.ones(4))
    assert len(readouts[-1].values) == 0


def test_values_are_shown_in_games(policy):
    env = make_one(CATCH, {})
    readout = [look.readout for look in looks(policy, env, 1, seed=0)][-1]
    assert readout.names == ("left", "stay", "right")
    assert len(readout.values) == len(readout.probabilities) == 23


def test_all_episodes_are_shown_with_their_number_and_the_score(policy, shown):
    assert watch(policy, CATCH, {"action_format": "discrete"}, episodes=2) == 2
    views = distinct(shown)
    assert [len(view.fixations) for view in views] == 2 * list(range(1, 25))
    assert "episode 1 · score 0 of 0" in views[0].caption
    assert "episode 1 · score" in views[23].caption
    assert "of 1" in views[23].caption
    assert "episode 2" in views[24].caption
    assert not pygame.display.get_init()


@pytest.mark.parametrize("name", ["close", "escape", "q"])
def test_a_person_leaves(policy, shown, name):
    shown.at(30, name)
    assert watch(policy, CATCH, {}) in (0, 1)
    assert 30 <= len(shown) <= 32
    assert not pygame.display.get_init()


def test_space_pauses_and_the_right_arrow_steps(policy, shown):
    shown.at(5, "space")  # drawn again, paused, as number 6
    shown.at(6, "right")
    shown.at(7, "right")
    shown.at(8, "space")  # resumes
    shown.at(12, "q")
    watch(policy, CATCH, {})
    paused = [view.hint.startswith("paused") for view in shown]
    glimpses = [len(view.fixations) for view in shown]
    assert paused[:9] == [False] * 5 + [True] * 3 + [False]
    assert glimpses[5] == glimpses[4]
    assert glimpses[6:8] == [glimpses[5] + 1, glimpses[5] + 2]
    assert glimpses[8] == glimpses[7] + 1


def test_bad_arguments_are_refused(policy):
    with pytest.raises(ValueError, match="episodes=0"):
        watch(policy, CATCH, {}, episodes=0)
    with pytest.raises(ValueError, match="seed=-1 is out of range"):
        watch(policy, CATCH, {}, episodes=1, seed=-1)


@pytest.mark.parametrize("driver", [None, "nope"])
def test_no_display_ends_at_once_and_names_the_way_out(policy, monkeypatch, driver):
    for name in ("SDL_VIDEODRIVER", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    if driver is not None:
        monkeypatch.setenv("SDL_VIDEODRIVER", driver)
    with pytest.raises(DisplayError, match="^no display.*: use --video FILE"):
        watch(policy, CATCH, {})
    assert not pygame.display.get_init()
