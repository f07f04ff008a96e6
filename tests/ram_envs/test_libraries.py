"""The environments keep the contracts of the libraries that they are made for: Gymnasium and Stable-Baselines3."""

import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env as check_gymnasium
from sb3_contrib import RecurrentPPO
from stable_baselines3 import A2C, DQN, PPO, SAC
from stable_baselines3.common.env_checker import check_env as check_sb3
from stable_baselines3.common.env_util import make_vec_env

import ram_envs  # noqa: F401 (registers the environments)

# RAM-Glimpse-v0 wraps another environment, which has no default.
IDS = sorted(id for id in gymnasium.registry if id.startswith("RAM-") and not id.startswith("RAM-Glimpse"))
PAIR = np.random.default_rng(0).integers(256, size=(12, 28, 28), dtype=np.uint8), np.arange(12) % 10
IMAGES = {"dataset": {"train": PAIR, "test": PAIR}}
"""In the place of MNIST, so that the tests run without it."""


@pytest.fixture(autouse=True)
def no_display(monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")


def make(id, **settings):
    return gymnasium.make(id, **(IMAGES if "MNIST" in id or "Images" in id else {}), **settings)


@pytest.mark.parametrize("id", IDS)
def test_gymnasium_checks_every_id_without_a_warning(id):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_gymnasium(make(id).unwrapped, skip_render_check=True)


@pytest.mark.parametrize("id", ["RAM-CatchGame-v0", "RAM-Digits-v0"])
@pytest.mark.parametrize("observation_format", ["dict", "flat"])
@pytest.mark.parametrize("action_format", ["box", "dict", "multidiscrete", "discrete"])
def test_gymnasium_checks_every_format_without_a_warning(id, observation_format, action_format):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        env = make(id, observation_format=observation_format, action_format=action_format)
        check_gymnasium(env.unwrapped, skip_render_check=True)


@pytest.mark.parametrize("settings", [{"stop": "learned", "glimpse_cost": 0.05}, {"first_location": "center"}])
def test_gymnasium_checks_settings_of_the_task(settings):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_gymnasium(make("RAM-Digits-v0", **settings).unwrapped, skip_render_check=True)


@pytest.mark.parametrize("id", ["RAM-CatchGame-v0", "RAM-Digits-v0"])
def test_gymnasium_checks_rendering(id):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_gymnasium(make(id).unwrapped)


@pytest.mark.parametrize("id", IDS)
def test_stable_baselines_checks_every_id_without_a_warning(id):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_sb3(make(id))


FLAT, DISCRETE = "ram_envs:RAM-CatchGame-Flat-v0", "ram_envs:RAM-CatchGame-Discrete-v0"
SMALL_ROLLOUT = {"n_steps": 64, "batch_size": 32, "n_epochs": 1}
ALGORITHMS = [
    (PPO, "MultiInputPolicy", "ram_envs:RAM-CatchGame-v0", SMALL_ROLLOUT),
    (PPO, "MlpPolicy", FLAT, SMALL_ROLLOUT),
    (PPO, "MlpPolicy", DISCRETE, SMALL_ROLLOUT),
    (PPO, "MultiInputPolicy", "ram_envs:RAM-Digits-v0", SMALL_ROLLOUT),
    (A2C, "MultiInputPolicy", "ram_envs:RAM-CatchGame-v0", {}),
    (A2C, "MlpPolicy", "ram_envs:RAM-Digits-Discrete-v0", {}),
    (SAC, "MultiInputPolicy", "ram_envs:RAM-CatchGame-v0", {"learning_starts": 150, "buffer_size": 1000}),
    (SAC, "MlpPolicy", "ram_envs:RAM-Digits-Flat-v0", {"learning_starts": 150, "buffer_size": 1000}),
    (DQN, "MlpPolicy", DISCRETE, {"learning_starts": 100, "buffer_size": 1000}),
    (RecurrentPPO, "MultiInputLstmPolicy", "ram_envs:RAM-CatchGame-v0", SMALL_ROLLOUT),
    (RecurrentPPO, "MlpLstmPolicy", "ram_envs:RAM-Digits-Flat-v0", SMALL_ROLLOUT),
]


@pytest.mark.parametrize(("algorithm", "policy", "id", "settings"), ALGORITHMS)
def test_stable_baselines_learns_without_a_wrapper(algorithm, policy, id, settings):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*GPU.*")
        model = algorithm(policy, id, device="cpu", seed=0, **settings).learn(200)
    observation = model.get_env().reset()
    action, _ = model.predict(observation)
    assert model.num_timesteps >= 200 and len(action) == 1


def test_stable_baselines_learns_multidiscrete_actions():
    env = make("RAM-CatchGame-v0", action_format="multidiscrete")
    assert PPO("MultiInputPolicy", env, device="cpu", **SMALL_ROLLOUT).learn(128).num_timesteps == 128


def test_stable_baselines_learns_from_several_environments():
    env = make_vec_env("ram_envs:RAM-CatchGame-v0", n_envs=3, seed=0)
    model = PPO("MultiInputPolicy", env, device="cpu", **SMALL_ROLLOUT).learn(192)
    lengths = {episode["l"] for episode in model.ep_info_buffer}
    assert lengths == {23}


@pytest.mark.parametrize("mode", ["vector_entry_point", "sync", "async"])
def test_gymnasium_vectorizes_and_its_wrappers_count_episodes(mode):
    envs = gymnasium.make_vec("ram_envs:RAM-Digits-Flat-v0", num_envs=2, vectorization_mode=mode)
    envs = gymnasium.wrappers.vector.RecordEpisodeStatistics(envs)
    envs.action_space.seed(0)
    envs.reset(seed=0)
    lengths = []
    for _ in range(11):
        *_, info = envs.step(envs.action_space.sample())
        lengths += info["episode"]["l"][info["_episode"]].tolist() if "episode" in info else []
    envs.close()
    assert lengths == [4, 4, 4, 4]
