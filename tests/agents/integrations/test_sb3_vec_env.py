"""RAMVecEnv does what DummyVecEnv does over single environments, and SB3's wrappers and algorithms take it."""

import gymnasium
import numpy as np
import pytest
from sb3_contrib import RecurrentPPO
from stable_baselines3 import A2C, DQN, PPO, SAC, TD3
from stable_baselines3.common.callbacks import EvalCallback
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecCheckNan, VecFrameStack, VecMonitor, VecNormalize

from agents.integrations.sb3 import RAMVecEnv

CATCH, DIGITS = "RAM-CatchGame-v0", "RAM-Digits-v0"


def dummy(id, rows, **settings):
    return DummyVecEnv([lambda: gymnasium.make(f"ram_envs:{id}", **settings)] * rows)


def play(envs, steps, seed=5):
    """Step environments with random actions; return everything that they say, in order."""
    envs.seed(seed)
    said = [(envs.reset(), envs.reset_infos)]
    envs.action_space.seed(seed)
    for _ in range(steps):
        actions = np.stack([envs.action_space.sample() for _ in range(envs.num_envs)])
        said.append((*envs.step(actions), list(envs.reset_infos)))
    envs.close()
    return said


def same(a, b):
    if isinstance(a, dict):
        assert set(a) == set(b)
        for key in a:
            same(a[key], b[key])
    elif isinstance(a, (list, tuple)):
        for x, y in zip(a, b, strict=True):
            same(x, y)
    elif isinstance(a, np.ndarray):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        np.testing.assert_array_equal(a, b)
    else:
        assert type(a) is type(b) and a == b


@pytest.mark.parametrize(
    ("id", "settings"),
    [
        (CATCH, {}),
        (CATCH, {"action_format": "multidiscrete"}),
        ("RAM-CatchGame-Discrete-v0", {"screen_size": 5}),
        ("RAM-Digits-Flat-v0", {}),
        (DIGITS, {"stop": "learned", "glimpse_cost": 0.05}),  # rows end at different steps
    ],
)
def test_rows_are_single_environments_in_a_dummy_vec_env(id, settings):
    ours, theirs = play(RAMVecEnv(id, 3, **settings), 30), play(dummy(id, 3, **settings), 30)
    same(ours[0], theirs[0])
    ends = 0
    for our_step, their_step in zip(ours[1:], theirs[1:], strict=True):
        (*our_values, our_infos, our_reset_infos), (*their_values, their_infos, their_reset_infos) = (
            our_step,
            their_step,
        )
        same(our_values, their_values)
        same(our_reset_infos, their_reset_infos)
        for ended, our_info, their_info in zip(our_values[2], our_infos, their_infos, strict=True):
            same(our_info, their_info if ended else {})
        ends += our_values[2].sum()
    assert ends >= 3


def test_infos_of_running_rows_are_no_shared_dictionary():
    envs = RAMVecEnv(CATCH, 3)
    envs.reset()
    *_, infos = envs.step(np.zeros((3, 5), np.float32))
    infos[0]["mine"] = 1
    assert infos[1:] == [{}, {}]


def test_seeds_decide_the_episodes_and_are_used_once():
    first, again, other = (play(RAMVecEnv(CATCH, 2), 30, seed) for seed in (1, 1, 2))
    same(first, again)
    with pytest.raises(AssertionError):
        same(first, other)

    envs = RAMVecEnv(CATCH, 2)
    assert list(envs.seed(7)) == [7, 8]
    episode, next_episode = envs.reset(), envs.reset()
    assert not np.array_equal(episode["location"], next_episode["location"])
    np.testing.assert_array_equal(episode["location"][1], gymnasium.make(CATCH).reset(seed=8)[0]["location"])


def test_rows_without_a_seed_differ():
    locations = RAMVecEnv(CATCH, 4).reset()["location"]
    assert len(np.unique(locations, axis=0)) == 4


def test_options_choose_the_images():
    envs = RAMVecEnv(DIGITS, 2)
    envs.set_options([{"image_index": 4}, {"image_index": 9}])
    envs.reset()
    assert [info["image_index"] for info in envs.reset_infos] == [4, 9]
    envs.set_options([{"image_index": 4}, {}])
    with pytest.raises(ValueError, match="image_index.*each of the 2 rows"):
        envs.reset()


def test_attributes_and_methods_of_rows():
    envs = VecMonitor(RAMVecEnv(CATCH, 3, render_mode="rgb_array"))
    envs.seed(0)  # without it two balls start at the same place now and then
    envs.reset()
    assert envs.render_mode == "rgb_array"
    assert envs.get_attr("action_space", [0, 2]) == [envs.action_space] * 2
    scenes = envs.get_attr("scene")
    assert len(scenes) == 3 and scenes[0].shape == (24, 24) and not np.array_equal(scenes[0], scenes[1])
    assert envs.has_attr("task") and not envs.has_attr("action_masks")
    envs.set_attr("nickname", "eye")
    assert envs.get_attr("nickname", 1) == ["eye"]
    assert envs.env_is_wrapped(Monitor) == [False] * 3
    assert envs.env_method("__str__", indices=1) == [str(envs.unwrapped.env)]
    image = envs.env_method("render", indices=[2])[0]
    assert image.dtype == np.uint8 and image.ndim == 3
    assert envs.render().shape == (2 * image.shape[0], 2 * image.shape[1], 3)
    envs.close()


def test_what_one_row_cannot_do_alone_is_refused():
    envs = RAMVecEnv(CATCH, 3)
    with pytest.raises(ValueError, match="share one environment"):
        envs.set_attr("nickname", "eye", indices=[0])
    with pytest.raises(ValueError, match="call reset"):
        envs.env_method("reset", indices=0)


@pytest.mark.parametrize(
    ("id", "settings", "error", "message"),
    [
        ("CartPole-v1", {}, ValueError, "no environment 'CartPole-v1'"),
        ("RAM-Chess-v0", {}, ValueError, "RAM-Chess"),
        (CATCH, {"action_format": "dict"}, ValueError, "'box'.*'discrete'"),
        (CATCH, {"screensize": 24}, ValueError, "did you mean 'screen_size'"),
        (CATCH, {"render_mode": "human"}, ValueError, "rgb_array"),
    ],
)
def test_a_bad_argument_is_named(id, settings, error, message):
    with pytest.raises(error, match=message):
        RAMVecEnv(id, 2, **settings)


def test_wrappers_of_sb3_take_it():
    envs = VecCheckNan(VecMonitor(VecNormalize(VecFrameStack(RAMVecEnv(CATCH, 3), 4), norm_reward=False)))
    episodes = [info for step in play(envs, 50)[1:] for info in step[3] if info]
    assert [info["episode"]["l"] for info in episodes] == [23] * 6
    glimpse = episodes[0]["terminal_observation"]["glimpse"]
    assert glimpse.shape == (4 * 108,) and not np.array_equal(glimpse, glimpse.clip(0, 1))


def test_evaluation_reports_the_success_rate(tmp_path):
    train, test = VecMonitor(RAMVecEnv(CATCH, 4)), VecMonitor(RAMVecEnv(CATCH, 8))
    model = PPO("MultiInputPolicy", train, n_steps=23, batch_size=46, n_epochs=1, device="cpu", seed=0)
    callback = EvalCallback(test, n_eval_episodes=16, eval_freq=23, log_path=str(tmp_path), verbose=0)
    model.learn(92, callback=callback)
    log = np.load(tmp_path / "evaluations.npz")
    assert log["successes"].shape == (1, 16) and log["successes"].dtype == bool
    np.testing.assert_array_equal(log["results"], log["successes"])
    assert len(model.ep_success_buffer) == 4


ROLLOUT = {"n_steps": 32, "batch_size": 64, "n_epochs": 1}
REPLAY = {"learning_starts": 100, "buffer_size": 500, "batch_size": 16}
ALGORITHMS = [
    (PPO, "MultiInputPolicy", CATCH, ROLLOUT),
    (A2C, "MultiInputPolicy", CATCH, {}),
    (RecurrentPPO, "MultiInputLstmPolicy", CATCH, ROLLOUT),
    (SAC, "MultiInputPolicy", CATCH, REPLAY),
    (TD3, "MlpPolicy", "RAM-Digits-Flat-v0", REPLAY),
    (DQN, "MlpPolicy", "RAM-CatchGame-Discrete-v0", REPLAY),
]


@pytest.mark.parametrize(("algorithm", "policy", "id", "settings"), ALGORITHMS)
def test_algorithms_learn_on_it(algorithm, policy, id, settings):
    model = algorithm(policy, RAMVecEnv(id, 4), device="cpu", seed=0, **settings).learn(130)
    assert model.num_timesteps >= 130
    returns, _ = evaluate_policy(model, RAMVecEnv(id, 2), 4, warn=False)
    assert 0 <= returns <= 1


@pytest.mark.parametrize("policy_and_id", [("MultiInputPolicy", CATCH), ("MlpPolicy", "RAM-CatchGame-Flat-v0")])
def test_td3_learns_from_an_id(policy_and_id):
    policy, id = policy_and_id
    model = TD3(policy, f"ram_envs:{id}", device="cpu", seed=0, **REPLAY).learn(130)
    assert model.num_timesteps == 130
