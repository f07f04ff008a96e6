import pydoc
import subprocess
import sys

import gymnasium as gym
import numpy as np
import pytest
import torch

import ram_envs
from ram_envs import arrays
from ram_envs.errors import InvalidArgument, UnknownName

BASE_IDS = list(ram_envs.ENVIRONMENTS)
PROMISED = ["CatchGame", "MNIST", "TranslatedMNIST", "ClutteredMNIST", "ClutteredMNIST100", "Digits", "Images"]


def test_importing_the_suite_imports_nothing_heavy():
    heavy = ("torch", "pygame", "matplotlib", "sklearn", "PIL")
    code = f"import sys, ram_envs; print([m for m in {heavy} if m in sys.modules])"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.strip() == "[]"


def test_an_environment_needs_no_torch_and_no_pygame():
    code = (
        "import sys, gymnasium as gym; env = gym.make('ram_envs:RAM-CatchGame-v0'); env.reset(seed=0); "
        "env.step(env.action_space.sample()); print([m for m in ('torch', 'pygame') if m in sys.modules])"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.strip() == "[]"


def test_every_environment_is_registered_in_three_formats():
    assert {f"RAM-{name}-v0" for name in PROMISED} <= set(BASE_IDS)
    for base in BASE_IDS:
        for variant in ("", "-Flat", "-Discrete"):
            spec = gym.spec(f"{base.removesuffix('-v0')}{variant}-v0")
            assert spec.max_episode_steps is None  # these episodes end by themselves


@pytest.mark.parametrize(
    ("id", "observation", "num_actions", "steps"),
    [("RAM-CatchGame", 108 + 2, 3, 23), ("RAM-Digits", 16 + 2, 10, 4)],
)
def test_variants_have_flat_spaces(id, observation, num_actions, steps):
    flat, discrete = gym.make(f"{id}-Flat-v0"), gym.make(f"{id}-Discrete-v0")
    assert flat.observation_space.shape == discrete.observation_space.shape == (observation,)
    assert flat.action_space.shape == (2 + num_actions,)
    assert discrete.action_space.n == num_actions * 25
    assert flat.unwrapped.task.max_episode_steps == steps


def test_settings_of_the_paper_are_the_defaults(tiny_images):
    expected = {  # scene side, patch_size, num_scales, num_glimpses, clutter
        "RAM-MNIST-v0": (28, 8, 1, 6, 0),
        "RAM-TranslatedMNIST-v0": (60, 12, 3, 6, 0),
        "RAM-ClutteredMNIST-v0": (60, 12, 3, 8, 4),
        "RAM-ClutteredMNIST100-v0": (100, 12, 4, 8, 8),
    }
    for id, settings in expected.items():
        task = gym.make(id, dataset=tiny_images).unwrapped.task
        assert (task.scene_shape[0], task.patch_size, task.num_scales, task.num_glimpses, task.num_clutter) == settings


def test_a_foreign_id_is_refused():
    with pytest.raises(ValueError, match="CartPole"):
        ram_envs.make_tensor("CartPole-v1", 2)


def test_an_absent_device_is_refused():
    with pytest.raises(ValueError, match="device='cuda:99'"):
        ram_envs.make_tensor("RAM-CatchGame-v0", 2, device="cuda:99")


def test_ids_work_with_the_module_before_them():
    id = "ram_envs:RAM-CatchGame-v0"
    assert gym.make(id).observation_space == gym.make_vec(id, 2).single_observation_space
    assert ram_envs.make_tensor(id, 2).num_envs == 2


def test_help_on_an_environment_opens_with_its_task():
    for env in (gym.make("RAM-CatchGame-v0").unwrapped, gym.make_vec("RAM-CatchGame-v0", 2)):
        page = pydoc.render_doc(env, renderer=pydoc.plaintext)
        assert "The game Catch, seen through glimpses." in "\n".join(page.splitlines()[:6])


def test_a_registered_limit_reaches_every_interface():
    gym.register(
        "RAM-ShortCatch-v0",
        "ram_envs.envs.single:GlimpseEnv",
        vector_entry_point="ram_envs.envs.vector:GlimpseVectorEnv",
        max_episode_steps=3,
        kwargs={"task": "catch"},
    )
    single, vector = gym.make("RAM-ShortCatch-v0"), gym.make_vec("RAM-ShortCatch-v0", 2)
    for env in (single, vector):
        env.reset(seed=0)
        results = [env.step(env.action_space.sample()) for _ in range(3)]
        assert not np.any(results[1][3]) and np.all(results[2][3]) and not np.any(results[2][2])
    limited = gym.make_vec("RAM-CatchGame-v0", 2, max_episode_steps=4)
    limited.reset(seed=0)
    assert [bool(limited.step(limited.action_space.sample())[3].all()) for _ in range(4)] == [False] * 3 + [True]


def test_registering_twice_is_refused_unless_it_says_the_same():
    ram_envs.register("RAM-CatchGame-v0", "catch")
    with pytest.raises(ValueError, match="registered already"):
        ram_envs.register("RAM-CatchGame-v0", "catch", screen_size=12)
    for id in ("RAM-Mine", "a:RAM-Mine-v0", "-v0"):
        with pytest.raises(ValueError, match="expected a name and a version"):
            ram_envs.register(id, "catch")


@pytest.mark.parametrize(
    ("id", "expected"),
    [
        ("RAM-CatchGame-v0", ("RAM-CatchGame-v0", "", "")),
        ("ram_envs:RAM-CatchGame-v0", ("RAM-CatchGame-v0", "", "")),
        ("ram_envs:RAM-MNIST-Discrete-v0", ("RAM-MNIST-v0", "Discrete", "")),
    ],
)
def test_ids_are_read_with_module_and_variant(id, expected):
    assert ram_envs.parse_id(id) == expected


@pytest.mark.parametrize(
    ("id", "hint"),
    [
        ("RAM-CachGame-v0", "did you mean RAM-CatchGame-v0"),
        ("no_such_module:RAM-Mine-v0", "no module 'no_such_module'"),
        ("CartPole-v1", "no environment 'CartPole-v1'"),
        (7, "no environment 7"),
    ],
)
def test_unknown_ids_are_refused_with_a_hint(id, hint):
    with pytest.raises(ValueError, match=hint):
        ram_envs.parse_id(id)


def test_the_keys_that_gymnasium_plays_with_give_valid_actions():
    for id, count in (("RAM-CatchGame-v0", 3), ("RAM-Digits-v0", 10)):
        for action_format in ("box", "dict", "multidiscrete", "discrete"):
            env = gym.make(id, action_format=action_format).unwrapped
            keys = env.get_keys_to_action()
            assert len(keys) == count and all(env.action_space.contains(action) for action in keys.values())
    catch = gym.make("RAM-CatchGame-v0", action_format="dict").unwrapped.get_keys_to_action()
    import pygame

    assert [catch[key]["move"] for key in ((pygame.K_LEFT,), (), (pygame.K_RIGHT,))] == [0, 1, 2]


def test_the_users_torch_generator_is_left_alone():
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    env = ram_envs.make_tensor("RAM-CatchGame-v0", 2)
    env.reset()
    assert torch.rand(1) == expected
    other = ram_envs.make_tensor("RAM-CatchGame-v0", 2)
    other.reset()
    assert not torch.equal(env.state.location, other.state.location)  # each first reset draws its own seed


def test_wrappers_that_cannot_be_applied_are_refused():
    wrapper = gym.wrappers.TimeAwareObservation.wrapper_spec(flatten=True)
    gym.register(
        "RAM-Wrapped-v0",
        "ram_envs.envs.single:GlimpseEnv",
        vector_entry_point="ram_envs.envs.vector:GlimpseVectorEnv",
        additional_wrappers=(wrapper,),
        kwargs={"task": "catch"},
    )
    with pytest.raises((gym.error.Error, ValueError)):
        gym.make_vec("RAM-Wrapped-v0", 2, vectorization_mode="vector_entry_point")


def test_a_broken_numba_is_reported(monkeypatch):
    monkeypatch.setattr(arrays, "WORTH_LOADING", 0)
    arrays._import_kernels.cache_clear()
    monkeypatch.setitem(sys.modules, "ram_envs.sensors.kernels", None)  # importing it raises ImportError
    monkeypatch.delattr("ram_envs.sensors.kernels", raising=False)
    with pytest.warns(RuntimeWarning, match="numba is installed but cannot be used"):
        assert arrays.compiled_kernels(np.empty(0)) is None
    arrays._import_kernels.cache_clear()


@pytest.mark.parametrize("id", ["my env-v0", "", 5, None])
def test_an_id_that_gymnasium_refuses_is_not_registered(id):
    for _ in range(2):
        with pytest.raises(InvalidArgument, match=r"id=.* is not valid"):
            ram_envs.register(id, "catch")
    assert id not in ram_envs.ENVIRONMENTS


@pytest.mark.parametrize("id", [":RAM-CatchGame-v0", ".x:RAM-CatchGame-v0"])
def test_what_is_no_name_of_a_module_is_refused(id):
    with pytest.raises(UnknownName, match="is no name of a module"):
        ram_envs.make_task(id)
