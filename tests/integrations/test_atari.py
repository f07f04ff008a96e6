"""Atari games through glimpses: single, natively vectorized, and played by a person's keys."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from PIL import Image

from ram_envs.errors import InvalidArgument
from ram_envs.testing import assert_same
from ram_envs.wrappers import Glimpse, VectorGlimpse
from tests.integrations.programs import ROOT, run_program

ale_vector = pytest.importorskip("ale_py.vector_env")
ID, PONG = "ram_envs:RAM-Glimpse-v0", "ALE/Pong-v5"
SHORT = {"max_num_frames_per_episode": 120}


def play(envs, steps=80, seed=3):
    envs.action_space.seed(0)
    outcomes = [envs.reset(seed=seed)]
    for _ in range(steps):
        outcomes.append(envs.step(envs.action_space.sample()))
        ended = outcomes[-1][2] | outcomes[-1][3]
        if envs.metadata["autoreset_mode"] == AutoresetMode.DISABLED and ended.any():
            outcomes.append(envs.reset(options={"reset_mask": ended}))
    return tuple(outcomes)


def test_an_id_is_enough():
    env = gym.make(ID, env_id=PONG, render_mode="rgb_array", action_format="dict")
    observation, _ = env.reset(seed=0)
    assert observation["glimpse"].shape == (3 * 3 * 12 * 12,)
    assert env.get_wrapper_attr("answer").names == ("noop", "fire", "right", "left", "rightfire", "leftfire")
    frame = env.unwrapped.ale.getScreenRGB()
    np.testing.assert_array_equal(env.get_wrapper_attr("scene"), frame)
    observation, *_ = env.step({"fixation": np.float32([0.5, 0.5]), "action": 2})
    np.testing.assert_array_equal(observation["location"], [0.5, 0.5])
    assert env.render().ndim == 3


@pytest.mark.parametrize("mode", ["NextStep", "SameStep", "Disabled"])
def test_a_row_equals_the_single_game(mode):
    settings = {"env_id": PONG, "env_kwargs": {**SHORT, "obs_type": "grayscale"}}
    envs = gym.make_vec(ID, 3, env_vectorization="sync", autoreset_mode=mode, **settings)
    singles = gym.make_vec(ID, 3, vectorization_mode="sync", vector_kwargs={"autoreset_mode": mode}, **settings)
    assert isinstance(envs, VectorGlimpse) and not isinstance(singles, VectorGlimpse)
    played = play(envs)
    assert_same(played, play(singles))
    assert sum(int(outcome[3].sum()) for outcome in played if len(outcome) == 5) >= 6


@pytest.mark.parametrize("mode", ["NextStep", "SameStep"])
def test_the_native_environment_shows_the_last_frame_of_its_stack(mode):
    envs = gym.make_vec(ID, 4, env_id=PONG, env_kwargs=SHORT, autoreset_mode=mode, action_format="dict")
    assert isinstance(envs.unwrapped, ale_vector.AtariVectorEnv)
    assert envs.autoreset_mode == AutoresetMode(mode)
    inner = gym.make_vec(PONG, num_envs=4, autoreset_mode=mode, **SHORT)
    inner.reset(seed=3)
    envs.reset(seed=3)
    envs.action_space.seed(0)
    ends = 0
    for _ in range(60):
        actions = envs.action_space.sample()
        observations, *_, truncated, infos = envs.step(actions)
        frames, *_, inner_truncated, inner_infos = inner.step(actions["action"])
        np.testing.assert_array_equal(envs.scene, frames[:, -1])
        np.testing.assert_array_equal(truncated, inner_truncated)
        expected = envs.glimpse_sensor.read(np.ascontiguousarray(frames[:, -1:]), observations["location"])
        np.testing.assert_array_equal(observations["glimpse"], expected)
        ends += int(truncated.sum())
        if mode == "SameStep" and truncated.any():
            for row in np.flatnonzero(truncated):
                location = envs.gaze_control.within(actions["fixation"][row : row + 1])
                final = inner_infos["final_obs"][row][None, -1:]
                np.testing.assert_array_equal(infos["final_obs"][row]["location"], location[0])
                expected = envs.glimpse_sensor.read(np.ascontiguousarray(final), location)
                np.testing.assert_array_equal(infos["final_obs"][row]["glimpse"], expected[0])
            np.testing.assert_array_equal(infos["_final_obs"], truncated)
    assert ends >= 4


def test_two_native_environments_keep_their_own_autoreset_modes():
    modes = ["NextStep", "SameStep"]
    envs = [gym.make_vec(ID, 2, env_id=PONG, autoreset_mode=mode) for mode in modes]
    assert [one.autoreset_mode for one in envs] == [AutoresetMode(mode) for mode in modes]
    assert [one.metadata["autoreset_mode"] for one in envs] == [AutoresetMode(mode) for mode in modes]


def test_native_steps_may_be_begun_and_ended_later():
    envs, expected = (gym.make_vec(ID, 4, env_id=PONG) for _ in range(2))
    assert envs.can_step_async
    envs.reset(seed=1)
    expected.reset(seed=1)
    for _ in range(5):
        actions = envs.action_space.sample()
        envs.step_async(actions)
        assert_same(envs.step_wait(), expected.step(actions))


def test_continuous_actions_are_scaled():
    env = Glimpse(gym.make(PONG, continuous=True))
    assert env.action_space.shape == (2 + 3,)
    env.reset(seed=0)
    for _ in range(5):
        env.step(env.action_space.sample())


def test_a_limit_that_the_native_environment_does_not_take_is_refused():
    with pytest.raises(InvalidArgument, match="max_episode_steps=9 .*max_num_frames_per_episode"):
        gym.make_vec(ID, 2, env_id=PONG, max_episode_steps=9)
    envs = gym.make_vec(ID, 2, env_id=PONG, max_episode_steps=9, env_vectorization="sync")
    assert play(envs, steps=9)[9][3].all()


def test_keys_are_those_of_the_game():
    keys = Glimpse(gym.make(PONG), action_format="dict").get_keys_to_action()
    assert keys["d", " "]["action"] == 4


@pytest.mark.parametrize("gaze", ["center", "random", "frame"])
def test_the_example_trains(gaze, tmp_path):
    example = ROOT / "examples" / "pong_through_glimpses.py"
    short = ("--gaze", gaze, "--num-envs", "4", "--steps", "512", "--episodes", "1", "--out", "run")
    result = run_program(example, *short, folder=tmp_path)
    assert result.status == 0, result.stderr
    assert f"ALE/Pong-v5, gaze {gaze}, seed 0: episode_return -2" in result.stdout


def test_the_example_trains_an_agent_further_and_films_it(tmp_path):
    example = ROOT / "examples" / "pong_through_glimpses.py"
    short = ("--num-envs", "4", "--steps", "512", "--episodes", "1")
    result = run_program(example, *short, "--out", "run", folder=tmp_path)
    assert "ALE/Pong-v5, gaze learned, seed 0: episode_return -2" in result.stdout, result.stderr
    further = (*short, "--init-from", "run", "--out", "further", "--video", "pong.gif", "--json", "pong.json")
    result = run_program(example, *further, folder=tmp_path)
    assert result.status == 0, result.stderr
    with Image.open(tmp_path / "pong.gif") as film:
        assert 130 <= film.n_frames <= 161
