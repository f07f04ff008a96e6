import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.error import InvalidAction, ResetNeeded

import ram_envs

CATCH = "RAM-CatchGame-v0"


def play(action_format, actions, **settings):
    env = gym.make(CATCH, action_format=action_format, **settings).unwrapped
    env.reset(seed=4)
    return [env.step(action) for action in actions]


def test_the_four_formats_say_the_same():
    """Look at the centres of cells of a 3 x 3 grid while moving left, right, right, and nowhere."""
    cells = [(0, 0, 0), (2, 2, 0), (2, 1, 1), (1, 0, 2)]  # move, column, row
    centers = np.array([-2 / 3, 0, 2 / 3], np.float32)
    fixations = [np.array([centers[column], centers[row]], np.float32) for _, column, row in cells]
    scores = [np.eye(3, dtype=np.float32)[move] for move, _, _ in cells]
    histories = [
        play("box", [np.concatenate(pair) for pair in zip(fixations, scores, strict=True)]),
        play("dict", [{"fixation": f, "move": c[0]} for f, c in zip(fixations, cells, strict=True)]),
        play("multidiscrete", [np.array(cell) for cell in cells], grid_size=3),
        play("discrete", [(move * 3 + column) * 3 + row for move, column, row in cells], grid_size=3),
    ]
    for history in histories[1:]:
        for step, other in zip(histories[0], history, strict=True):
            np.testing.assert_array_equal(step[0]["glimpse"], other[0]["glimpse"])
            np.testing.assert_array_equal(step[0]["location"], other[0]["location"])


def test_a_fixation_outside_the_scene_is_clipped():
    observation, *_ = play("box", [np.array([3.0, -1.5, 0, 0, 0], np.float32)])[0]
    assert observation["location"].tolist() == [1.0, -1.0]


BAD = [
    ("box", np.zeros(4, np.float32), "shape"),
    ("box", np.zeros((1, 5), np.float32), "shape"),
    ("box", np.zeros(5, np.int64), "int64"),
    ("box", np.array([0, np.nan, 0, 0, 0], np.float32), "NaN"),
    ("box", np.array([0, 0, np.nan, 0, 0], np.float32), "NaN"),
    ("box", None, "object"),
    ("box", "left", "expected float32"),
    ("dict", {"fixation": np.zeros(2, np.float32)}, "'move'"),
    ("dict", {"fixation": np.zeros(2, np.float32), "label": 1}, "'move'"),
    ("dict", {"fixation": np.zeros(3, np.float32), "move": 1}, "fixation"),
    ("dict", {"fixation": np.full(2, np.nan, np.float32), "move": 1}, "NaN"),
    ("dict", {"fixation": np.zeros(2, np.float32), "move": 3}, "move'\\]=3 does not exist"),
    ("dict", {"fixation": np.zeros(2, np.float32), "move": 1.0}, "float64"),
    ("dict", np.zeros(5, np.float32), "dictionary"),
    ("multidiscrete", np.array([0, 5, 0]), "=5 does not exist"),
    ("multidiscrete", np.array([-1, 0, 0]), "=-1 does not exist"),
    ("multidiscrete", np.zeros(3, np.float32), "float32"),
    ("discrete", 75, "=75 does not exist"),
    ("discrete", True, "bool"),
    ("discrete", np.array([1]), "shape"),
]


@pytest.mark.parametrize(("action_format", "action", "message"), BAD)
def test_a_bad_action_is_refused_and_changes_nothing(action_format, action, message):
    env = gym.make(CATCH, action_format=action_format).unwrapped
    env.reset(seed=0)
    before = env.scene
    with pytest.raises(InvalidAction, match=message):
        env.step(action)
    np.testing.assert_array_equal(env.scene, before)
    twin = gym.make(CATCH, action_format=action_format).unwrapped
    twin.reset(seed=0)
    env.action_space.seed(0)
    good = env.action_space.sample()
    np.testing.assert_array_equal(env.step(good)[0]["glimpse"], twin.step(good)[0]["glimpse"])


def test_a_bad_row_is_refused_by_the_vector_and_the_tensor_environment():
    action = np.zeros((3, 5), np.float32)
    action[2, 1] = np.nan
    vector = gym.make_vec(CATCH, 3)
    tensor = ram_envs.make_tensor(CATCH, 3)
    for env, bad in [(vector, action), (tensor, torch.from_numpy(action))]:
        env.reset(seed=0)
        with pytest.raises(InvalidAction, match="row 2"):
            env.step(bad)
        with pytest.raises(InvalidAction, match="shape"):
            env.step(bad[:2])
    with pytest.raises(InvalidAction, match="ndarray"):
        tensor.step(action)


def test_stepping_where_no_episode_runs_is_refused():
    single = gym.make(CATCH, screen_size=4).unwrapped
    vector = gym.make_vec(CATCH, 2, autoreset_mode="Disabled", screen_size=4)
    tensor = ram_envs.make_tensor(CATCH, 2, screen_size=4)
    for env in (single, vector, tensor):
        with pytest.raises(ResetNeeded, match="before reset"):
            env.step(env.action_space.sample())
        with pytest.raises(ResetNeeded):
            _ = env.scene
    with pytest.raises(ResetNeeded, match="mask"):
        vector.reset(options={"reset_mask": np.array([True, False])})
    single.reset()
    vector.reset()
    for _ in range(3):
        single.step(single.action_space.sample())
        vector.step(vector.action_space.sample())
    with pytest.raises(ResetNeeded, match="after the episode's end"):
        single.step(single.action_space.sample())
    with pytest.raises(ResetNeeded, match=r"rows \[0, 1\]"):
        vector.step(vector.action_space.sample())


@pytest.mark.parametrize(
    ("seed", "message"),
    [
        (-1, "-1"),
        (1.5, "seed=1.5"),
        (np.array(1), r"seed=array\(1\)"),
        ([1, 2], "2 entries"),
        ([1, -2, 3], "-2"),
        ([1, 2.5, 3], "2.5"),
    ],
)
def test_bad_seeds_are_refused(seed, message):
    with pytest.raises((ValueError, gym.error.Error), match=message):
        gym.make_vec(CATCH, 3).reset(seed=seed)
    with pytest.raises(ValueError, match=message):
        ram_envs.make_tensor(CATCH, 3).reset(seed=seed)


def test_seeds_may_be_given_for_some_rows():
    envs = gym.make_vec(CATCH, 3)
    envs.reset(seed=[5, 6, 7])
    first = envs.unwrapped.scene
    envs.reset(seed=[None, 6, 9])
    single = gym.make(CATCH).unwrapped
    expected = []
    for seed, episodes in [(5, 2), (6, 1), (9, 1)]:
        single.reset(seed=seed)
        for _ in range(episodes - 1):
            single.reset()
        expected.append(single.scene)
    np.testing.assert_array_equal(envs.unwrapped.scene, np.stack(expected))
    np.testing.assert_array_equal(envs.unwrapped.scene[1], first[1])


def test_bad_masks_and_modes_are_refused():
    envs = gym.make_vec(CATCH, 3, autoreset_mode="Disabled")
    envs.reset()
    for mask, error in [([True] * 3, TypeError), (np.ones(2, bool), ValueError), (np.zeros(3, bool), ValueError)]:
        with pytest.raises(error, match="reset_mask"):
            envs.reset(options={"reset_mask": mask})
    with pytest.raises(ValueError, match="autoreset_mode='Sometimes'"):
        gym.make_vec(CATCH, 3, autoreset_mode="Sometimes")
    with pytest.raises(ValueError, match="num_envs=0"):
        gym.make_vec(CATCH, 0)
