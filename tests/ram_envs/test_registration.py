import subprocess
import sys

import gymnasium as gym
import pytest

import ram_envs

BASE_IDS = list(ram_envs.ENVIRONMENTS)
PROMISED = ["CatchGame", "MNIST", "TranslatedMNIST", "ClutteredMNIST", "ClutteredMNIST100", "Digits"]


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
