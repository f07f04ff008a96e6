"""Calls that property tests and hostile calls once found to end in another way than documented."""

import warnings

import gymnasium as gym
import numpy as np
import pytest
import torch

import ram_envs
from ram_envs.errors import InvalidArgument, shown

CATCH, DIGITS = "RAM-CatchGame-v0", "RAM-Digits-v0"


def three(env_id):
    return [gym.make(env_id).unwrapped, gym.make_vec(env_id, 2), ram_envs.make_tensor(env_id, 2)]


@pytest.mark.parametrize("seed", [-1, 1.5, True, "1", np.ma.masked_array([1, 2], mask=[True, False])])
def test_a_wrong_seed_is_the_same_error_on_every_interface(seed):
    for env in three(CATCH):
        with pytest.raises(InvalidArgument, match="seed"):
            env.reset(seed=seed)


def test_a_refused_reset_leaves_the_seed_of_the_next_one_alone():
    for env in three(DIGITS)[:2]:
        env.reset(seed=3)
        with pytest.raises(InvalidArgument, match="image_index"):
            env.reset(seed=8, options={"image_index": np.full(getattr(env, "num_envs", ()), -1)})
        assert env.np_random_seed == 3


def test_a_refused_first_reset_is_no_reset():
    env = ram_envs.make_tensor(DIGITS, 300)  # enough rows for compiled kernels
    with pytest.raises(InvalidArgument):
        env.reset(seed=[1, 2])
    with pytest.raises(gym.error.ResetNeeded):
        _ = env.state


@pytest.mark.parametrize(
    "index",
    [
        np.ma.masked_array(0, mask=True),
        np.ma.masked_array([0, 0], mask=[True, False]),
        torch._neg_view(torch.zeros(2)),
        torch.zeros(2).to_sparse(),
        torch.zeros(2, dtype=torch.int64, device="meta"),
        [1, [2]],
        "x",
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_image_index_that_is_no_integer_is_refused(index):
    for env in three(DIGITS):
        with pytest.raises(InvalidArgument, match="image_index") as error:
            env.reset(options={"image_index": index})
        assert len(str(error.value).splitlines()) == 1


def test_read_only_seeds_indices_and_masks_are_taken_without_a_warning():
    env = ram_envs.make_tensor(DIGITS, 2)
    frozen = [np.array([3, 4]), np.array([1, 2]), np.array([True, False])]
    for array in frozen:
        array.flags.writeable = False
    with warnings.catch_warnings(action="error"):
        env.reset(seed=frozen[0], options={"image_index": frozen[1]})
        env.reset(options={"reset_mask": frozen[2]})


@pytest.mark.parametrize("mask", [[True, [False]], torch.ones(2, dtype=torch.bool, device="meta"), np.ma.ones(2, bool)])
def test_a_mask_that_is_no_array_of_bools_is_refused_by_the_tensor_environment(mask):
    env = ram_envs.make_tensor(CATCH, 2)
    env.reset()
    with pytest.raises(InvalidArgument, match="reset_mask"):
        env.reset(options={"reset_mask": mask})


def test_a_masked_mask_is_refused_by_the_vector_environment():
    env = gym.make_vec(CATCH, 2, autoreset_mode="Disabled")
    env.reset()
    with pytest.raises(TypeError, match="reset_mask"):
        env.reset(options={"reset_mask": np.ma.masked_array([True, True], mask=[True, True])})


def test_huge_numbers_are_clipped_without_a_warning():
    action = np.array([1e300, -1e300, 0, 1e300, 0])
    for env in three(CATCH)[:2]:
        env.reset(seed=0)
        with warnings.catch_warnings(action="error"):
            observation, *_ = env.step(np.broadcast_to(action, env.action_space.shape))
        assert observation["location"].reshape(-1, 2)[0].tolist() == [1, -1]


@pytest.mark.parametrize("value", [np.zeros((40, 40)), "a\nb" * 1000, list(range(10**5)), 10**5000], ids=type)
def test_any_value_is_shown_in_one_short_line(value):
    assert len(shown(value)) < 600 and len(shown(value).splitlines()) == 1
    with pytest.raises(InvalidArgument) as error:
        gym.make(CATCH, screen_size=value)
    assert len(str(error.value)) < 700 and len(str(error.value).splitlines()) == 1


def test_a_generator_that_was_set_decides_the_episodes():
    def first_images(seed):
        envs = three(DIGITS)[:2]
        for env in envs:
            env.np_random = np.random.default_rng(seed)
        return [np.ravel(env.reset()[1]["image_index"])[0] for env in envs]

    assert first_images(1) == first_images(1) != first_images(2)


def test_minus_one_is_no_limit_as_in_gymnasium():
    for env in (gym.make_vec(CATCH, 2, max_episode_steps=-1), ram_envs.make_tensor(CATCH, 2, max_episode_steps=-1)):
        env.reset(seed=0)
        still = np.zeros(env.action_space.shape, np.float32)
        for _ in range(22):
            action = still if isinstance(env, gym.vector.VectorEnv) else torch.as_tensor(still)
            _, _, terminated, truncated, _ = env.step(action)
            assert not terminated.any() and not truncated.any()
    for wrong in (0, -2, 2**70):
        with pytest.raises(InvalidArgument, match="max_episode_steps"):
            gym.make_vec(CATCH, 2, max_episode_steps=wrong)


@pytest.mark.parametrize(
    "settings", [{"num_glimpses": 2**63}, {"clutter_size": 2**63}, {"image_size": 20, "texture": 10**30}]
)
def test_numbers_without_end_are_refused(settings):
    with pytest.raises(InvalidArgument, match=f"{list(settings)[-1]}=.* is out of range"):
        ram_envs.make_task(DIGITS, **settings)
