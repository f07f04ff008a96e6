import subprocess
import sys

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv

from ram_envs.errors import InvalidArgument, UnknownArgument, UnknownName
from ram_envs.testing import assert_same
from ram_envs.wrappers import Glimpse, VectorGlimpse
from ram_envs.wrappers.make import import_environment
from tests.ram_envs.wrappers import test_single, test_vector
from tests.ram_envs.wrappers.environments import SMALL, Dots, VectorDots

ID = "ram_envs:RAM-Glimpse-v0"
DOTS, NATIVE, LABELLED = "WrapperTests/Dots-v0", "WrapperTests/NativeDots-v0", "WrapperTests/Labelled-v0"


def layer(env, kind):
    while not isinstance(env, kind):
        env = env.env
    return env


def test_the_id_wraps_any_environment():
    env = gym.make(ID, env_id=DOTS, env_kwargs={"length": 4}, action_format="dict", **SMALL)
    assert env.unwrapped.length == 4
    expected = Glimpse(gym.make(DOTS, length=4), action_format="dict", **SMALL)
    assert_same(test_single.play(env), test_single.play(expected))


def test_the_spec_makes_the_same_environment_again():
    env = gym.make(ID, env_id=LABELLED, senses="all", **SMALL)
    assert env.spec.id == "RAM-Glimpse-v0"
    again = gym.make(env.spec)
    assert_same(test_single.play(env), test_single.play(again))
    assert gym.envs.registration.EnvSpec.from_json(env.spec.to_json()).kwargs["env_id"] == LABELLED


def test_render_modes_are_the_wrappers():
    env = gym.make(ID, env_id=DOTS, render_mode="rgb_array", **SMALL)
    env.reset(seed=0)
    assert env.unwrapped.render_mode is None and env.render().ndim == 3
    env = gym.make(ID, env_id=DOTS, pixels="render", **SMALL)
    assert env.unwrapped.render_mode == "rgb_array"


def test_variants_have_flat_spaces():
    flat = gym.make("ram_envs:RAM-Glimpse-Flat-v0", env_id=DOTS, **SMALL)
    assert flat.observation_space.shape == (2 * 16 + 2,)
    discrete = gym.make("ram_envs:RAM-Glimpse-Discrete-v0", env_id=DOTS, **SMALL)
    assert discrete.action_space.n == 3 * 25


@pytest.mark.parametrize("mode", [None, "NextStep", "SameStep", "Disabled"])
def test_vector_environments_are_made_of_rows(mode):
    settings = {} if mode is None else {"autoreset_mode": mode}
    envs = gym.make_vec(ID, 3, env_id=DOTS, **settings, **SMALL)
    assert isinstance(envs, VectorGlimpse) and isinstance(envs.unwrapped, SyncVectorEnv)
    assert envs.metadata["autoreset_mode"] == AutoresetMode(mode or "NextStep")
    singles = gym.make_vec(ID, 3, env_id=DOTS, vectorization_mode="sync", vector_kwargs=settings, **SMALL)
    assert not isinstance(singles, VectorGlimpse)
    assert_same(test_vector.play(envs), test_vector.play(singles))


def test_native_vector_environments_are_used_where_there_are_any():
    envs = gym.make_vec(ID, 2, env_id=NATIVE, env_kwargs={"stack": 2}, autoreset_mode="SameStep", **SMALL)
    assert isinstance(envs.unwrapped, VectorDots) and envs.unwrapped.stack == 2
    assert envs.autoreset_mode == AutoresetMode.SAME_STEP
    envs = gym.make_vec(ID, 2, env_id=NATIVE, env_vectorization="sync", **SMALL)
    assert isinstance(envs.unwrapped, SyncVectorEnv)
    envs = gym.make_vec(ID, 2, env_id=DOTS, env_vectorization="async", **SMALL)
    assert isinstance(envs.unwrapped, AsyncVectorEnv)
    envs.close()


def test_limits_on_the_steps_reach_the_inner_environment():
    envs = gym.make_vec(ID, 2, env_id=DOTS, max_episode_steps=2, **SMALL)
    envs.reset(seed=0)
    envs.step(envs.action_space.sample())
    np.testing.assert_array_equal(envs.step(envs.action_space.sample())[3], [True, True])
    envs = gym.make_vec(ID, 1, env_id=LABELLED, **SMALL)
    envs.reset(seed=0)
    assert [bool(envs.step(envs.action_space.sample())[3][0]) for _ in range(5)] == [False] * 4 + [True]


def test_arguments_are_checked():
    with pytest.raises(UnknownArgument, match="'patchsize'; did you mean 'patch_size'"):
        gym.make(ID, env_id=DOTS, patchsize=3)
    with pytest.raises(UnknownArgument, match="'length'.*belong in env_kwargs"):
        gym.make_vec(ID, 2, env_id=DOTS, length=3)
    with pytest.raises(InvalidArgument, match="env_id=None.*name the environment to wrap"):
        gym.make(ID)
    with pytest.raises(InvalidArgument, match="env_kwargs=3"):
        gym.make(ID, env_id=DOTS, env_kwargs=3)
    with pytest.raises(InvalidArgument, match="env_vectorization='threads'"):
        gym.make_vec(ID, 2, env_id=DOTS, env_vectorization="threads")
    with pytest.raises(InvalidArgument, match="autoreset_mode='Never'"):
        gym.make_vec(ID, 2, env_id=DOTS, autoreset_mode="Never")
    with pytest.raises(gym.error.NameNotFound):
        gym.make(ID, env_id="WrapperTests/Dot-v0")


@pytest.mark.parametrize(
    ("env_id", "module", "extra"),
    [
        ("ALE/Pong-v5", "ale_py", "atari"),
        ("MiniGrid-Empty-5x5-v0", "minigrid", "minigrid"),
        ("minigrid:BabyAI-GoToObj-v0", "minigrid", "minigrid"),
    ],
)
def test_a_missing_package_is_named_with_its_extra(env_id, module, extra, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    message = f"{env_id}.* needs the package {module}.*ram-active-vision\\[{extra}\\]"
    for make in (gym.make, lambda *a, **k: gym.make_vec(*a, num_envs=2, **k)):
        with pytest.raises(gym.error.DependencyNotInstalled, match=message):
            make(ID, env_id=env_id)


def test_modules_before_the_id_are_imported():
    assert import_environment("tests.ram_envs.wrappers.environments:WrapperTests/Dots-v0") == DOTS
    with pytest.raises(UnknownName, match="no module 'nowhere'"):
        gym.make(ID, env_id="nowhere:Thing-v0")


def test_the_wrapper_needs_no_torch_and_no_pygame():
    code = (
        "import sys, gymnasium as gym; env = gym.make('ram_envs:RAM-Glimpse-v0', env_id="
        "'tests.ram_envs.wrappers.environments:WrapperTests/Dots-v0'); env.reset(seed=0); "
        "env.step(env.action_space.sample()); print([m for m in ('torch', 'pygame') if m in sys.modules])"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.strip() == "[]"
    assert isinstance(layer(gym.make(ID, env_id=DOTS, **SMALL), Glimpse).unwrapped, Dots)
