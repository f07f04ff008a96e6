import numpy as np
import pytest
from gymnasium.error import InvalidAction
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Tuple

from ram_envs.errors import InvalidArgument
from ram_envs.wrappers import Glimpse, VectorGlimpse
from tests.ram_envs.wrappers.environments import SMALL, Dots
from tests.ram_envs.wrappers.test_vector import sync

CENTER = np.float32([0, 0])
WIDE = Box(np.float32([0, -10]), np.float32([1, 10]))
SPACES = {
    "discrete": Discrete(3),
    "started": Discrete(3, start=2),
    "multidiscrete": MultiDiscrete([2, 3]),
    "grid": MultiDiscrete([[2, 3], [4, 2]], start=[[1, 0], [0, 5]]),
    "multibinary": MultiBinary(3),
    "box": WIDE,
    "matrix": Box(-2, 2, (2, 3), np.float64),
    "integers": Box(0, 8, (2,), np.int32),
    "dict": Dict(steer=Box(-1, 1, (1,)), gear=Discrete(3)),
    "tuple": Tuple([Discrete(2), Discrete(3)]),
}
CHOICES = ("discrete", "started", "multidiscrete", "grid", "multibinary")
JOINED = [*CHOICES, "box", "matrix", "integers"]


def wrap(space, action_format="dict", **settings):
    env = Glimpse(Dots(action_space=space), **SMALL, action_format=action_format, **settings)
    env.reset(seed=0)
    return env


def sent(env, action):
    """The action that arrives at the inner environment, which checks it."""
    env.step(action)
    return env.unwrapped.action


@pytest.mark.parametrize("name", SPACES)
def test_the_dict_format_passes_the_inner_action_on(name):
    env = wrap(SPACES[name])
    assert env.action_space["action"] == SPACES[name] == env.answer.space
    env.action_space.seed(0)
    for _ in range(5):
        action = env.action_space.sample()
        arrived = sent(env, action)
        if isinstance(SPACES[name], (Dict, Tuple)):
            assert arrived is action["action"]
        else:
            np.testing.assert_array_equal(arrived, action["action"])


@pytest.mark.parametrize("name", JOINED)
def test_every_joined_action_arrives_as_an_element_of_the_inner_space(name):
    for action_format in ("box", "multidiscrete", "discrete") if name in CHOICES else ("box",):
        env = wrap(SPACES[name], action_format, grid_size=3)
        env.action_space.seed(0)
        for _ in range(20):
            sent(env, env.action_space.sample())


def test_scores_choose_in_each_part():
    env = wrap(MultiDiscrete([2, 3]), "box")
    assert env.action_space == Box(-1, 1, (2 + 2 + 3,), np.float32)
    np.testing.assert_array_equal(sent(env, np.float32([0, 0, -1, 0.5, 0.1, 0.2, 0])), [1, 1])
    np.testing.assert_array_equal(sent(wrap(MultiBinary(2), "box"), np.float32([0, 0, 0, 1, 1, 0])), [1, 0])
    assert sent(wrap(Discrete(3, start=2), "box"), np.float32([0, 0, 0, 0, 1])) == 4


def test_numbers_are_scaled_to_their_bounds_and_clipped():
    env = wrap(WIDE, "box")
    assert env.action_space == Box(-1, 1, (4,), np.float32)
    np.testing.assert_allclose(sent(env, np.float32([0, 0, 0, 0])), [0.5, 0])
    np.testing.assert_allclose(sent(env, np.float32([0, 0, -1, 1])), [0, 10])
    np.testing.assert_allclose(sent(env, np.float32([0, 0, -3, 0.5])), [0, 5])
    np.testing.assert_array_equal(sent(wrap(SPACES["integers"], "box"), np.float32([0, 0, 0.6, 1])), [6, 8])


def test_vectors_are_clipped_in_the_dict_format():
    env = wrap(WIDE)
    np.testing.assert_array_equal(sent(env, {"fixation": CENTER, "action": np.float32([2, -20])}), [1, -10])
    with pytest.raises(InvalidAction, match="NaN"):
        env.step({"fixation": CENTER, "action": np.float32([np.nan, 0])})


def test_choices_and_cells_are_joined_in_c_order():
    env = wrap(MultiDiscrete([2, 3]), "multidiscrete", grid_size=3)
    assert env.action_space == MultiDiscrete([2, 3, 3, 3])
    np.testing.assert_array_equal(sent(env, np.array([1, 2, 2, 1])), [1, 2])
    np.testing.assert_allclose(env.gaze, [2 / 3, 0], atol=1e-7)
    env = wrap(MultiDiscrete([2, 3]), "discrete", grid_size=3)
    assert env.action_space == Discrete(2 * 3 * 9)
    np.testing.assert_array_equal(sent(env, ((1 * 3 + 2) * 3 + 2) * 3 + 1), [1, 2])
    np.testing.assert_allclose(env.gaze, [2 / 3, 0], atol=1e-7)


@pytest.mark.parametrize("name", CHOICES)
@pytest.mark.parametrize("action_format", ["box", "multidiscrete", "discrete"])
def test_centered_actions_make_the_choices_they_are_given(name, action_format):
    env = wrap(SPACES[name], action_format, gaze="absolute")
    counts = env.answer.counts
    for choices in ([0] * len(counts), [count - 1 for count in counts]):
        action = env._core.actions.format.centered(choices)
        assert env.action_space.contains(action)
        start = np.reshape(getattr(SPACES[name], "start", 0), -1)
        np.testing.assert_array_equal(np.reshape(sent(env, action), -1) - start, choices)
        np.testing.assert_allclose(env.gaze, CENTER, atol=1e-7)


@pytest.mark.parametrize("name", SPACES)
def test_rows_get_the_same_actions_as_single_environments(name):
    for action_format in ("dict", "box"):
        if action_format == "box" and name not in JOINED:
            continue
        envs = VectorGlimpse(sync([lambda: Dots(action_space=SPACES[name])] * 2), **SMALL, action_format=action_format)
        envs.reset(seed=0)
        envs.step(envs.action_space.sample())
        assert all(SPACES[name].contains(env.action) for env in envs.unwrapped.envs)


@pytest.mark.parametrize("action_format", ["box", "multidiscrete", "discrete"])
@pytest.mark.parametrize("name", ["dict", "tuple"])
def test_spaces_that_cannot_be_joined_are_refused(name, action_format):
    with pytest.raises(InvalidArgument, match="cannot be joined .*: use action_format='dict'"):
        wrap(SPACES[name], action_format)


@pytest.mark.parametrize("action_format", ["multidiscrete", "discrete"])
def test_numbers_do_not_fit_into_a_discrete_format(action_format):
    with pytest.raises(InvalidArgument, match="2 numbers.*action_format='box' or action_format='dict'"):
        wrap(WIDE, action_format)


def test_too_many_joined_choices_are_refused():
    with pytest.raises(InvalidArgument, match="expected at most 2,147,483,648; lower it, or use action_format='dict'"):
        wrap(MultiDiscrete([1000] * 4), "discrete")


@pytest.mark.parametrize("action_format", ["dict", "box"])
def test_boxes_without_bounds_are_refused(action_format):
    with pytest.raises(InvalidArgument, match="is not bounded: limit it first"):
        wrap(Box(-np.inf, 1, (2,)), action_format)


@pytest.mark.parametrize("action", [{"action": (0, 0)}, {"fixation": [np.nan, 0], "action": (0, 0)}, 3])
def test_the_gaze_is_checked_beside_actions_that_are_passed_on(action):
    env = wrap(SPACES["tuple"])
    with pytest.raises(InvalidAction):
        env.step(action)
