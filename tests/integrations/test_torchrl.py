"""The tensor environment in TorchRL, and the environments in TorchRL's own wrappers."""

import gymnasium
import pytest
import torch
from tensordict import TensorDict
from torchrl.envs import GymEnv, GymWrapper, check_env_specs

import ram_envs
from agents.integrations.torchrl import RAMEnv

CATCH, DIGITS, EPISODE = "RAM-CatchGame-v0", "RAM-Digits-v0", 23


@pytest.mark.parametrize("env_id", [CATCH, DIGITS])
@pytest.mark.parametrize("action_format", ["dict", "box", "multidiscrete", "discrete"])
@pytest.mark.parametrize("observation_format", ["dict", "flat", "image"])
def test_specifications_hold_in_every_format(env_id, action_format, observation_format):
    env = RAMEnv(env_id, 3, action_format=action_format, observation_format=observation_format)
    check_env_specs(env)
    assert env.rollout(2).batch_size == (3, 2)


@pytest.mark.parametrize("settings", [{"sensor": "zoom"}, {"gaze": "relative", "max_step": 0.3}])
def test_specifications_hold_for_other_sensors_and_gaze_control(settings):
    env = RAMEnv(CATCH, 3, **settings)
    check_env_specs(env)
    assert env.rollout(2)["fixation"].shape == (3, 2, 3 if "sensor" in settings else 2)


def test_specifications_hold_where_episodes_end_at_different_steps():
    check_env_specs(RAMEnv(DIGITS, 3, stop="learned", glimpse_cost=0.05))


@pytest.mark.parametrize(("env_id", "key"), [(CATCH, "move"), (DIGITS, "label")])
def test_no_key_is_shared_by_observations_and_actions(env_id, key):
    env = RAMEnv(env_id, 2)
    assert set(env.action_keys) == {"fixation", key}
    assert set(env.observation_spec.keys()) == {"glimpse", "location", "info"}
    assert not set(env.action_keys) & set(env.observation_spec.keys(include_nested=True, leaves_only=True))


def test_rollouts_are_the_episodes_of_the_tensor_environment():
    env, tensor = RAMEnv(CATCH, 4), ram_envs.make_tensor(CATCH, 4, action_format="dict")
    env.set_seed(7)
    torch.manual_seed(0)
    rollout = env.rollout(2 * EPISODE, break_when_any_done=False)
    observation, _ = tensor.reset(seed=7)
    for step in range(2 * EPISODE):
        here = rollout[:, step]
        assert torch.equal(here["glimpse"], observation["glimpse"]), step
        assert torch.equal(here["location"], observation["location"]), step
        action = {"fixation": here["fixation"], "move": here["move"]}
        observation, reward, terminated, _, info = tensor.step(action)
        assert torch.equal(here["next", "reward"][:, 0], reward)
        assert torch.equal(here["next", "terminated"][:, 0], terminated)
        assert torch.equal(here["next", "info", "is_success"], info["is_success"])
        if step == EPISODE - 1:
            observation, _ = tensor.reset()


def test_rows_that_end_early_begin_anew_and_leave_the_others_alone():
    env = RAMEnv(DIGITS, 3, stop="learned")
    env.set_seed(0)
    before = env.reset()
    look_on = env.task.answer.size - 1
    action = {"fixation": torch.zeros(3, 2), "label": torch.tensor([0, look_on, look_on])}
    after, ahead = env.step_and_maybe_reset(before.update(action))
    assert after["next", "done"][:, 0].tolist() == [True, False, False]
    assert torch.equal(ahead["glimpse"][1:], after["next", "glimpse"][1:])
    assert torch.equal(ahead["location"][0], ram_second_location(seed=0)) and not ahead["done"].any()


def ram_second_location(seed):
    """Where the second episode of the single environment with that seed begins."""
    env = gymnasium.make(f"ram_envs:{DIGITS}", stop="learned")
    env.reset(seed=seed)
    return torch.as_tensor(env.reset()[0]["location"])


def test_seed_decides_everything():
    def rollout(seed):
        env = RAMEnv(CATCH, 2)
        env.set_seed(seed)
        torch.manual_seed(0)
        return env.rollout(30, break_when_any_done=False)

    assert (rollout(1) == rollout(1)).all()
    assert not torch.equal(rollout(1)["location"], rollout(2)["location"])


def test_making_an_environment_leaves_the_global_generator_alone():
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    RAMEnv(CATCH, 2).reset()
    assert torch.equal(torch.rand(3), expected)


def test_wrong_actions_raise_unless_that_is_switched_off():
    action = TensorDict({"fixation": torch.full((2, 2), torch.nan), "move": torch.zeros(2, dtype=torch.int64)}, [2])
    env = RAMEnv(CATCH, 2)
    with pytest.raises(gymnasium.error.InvalidAction, match="NaN in row 0"):
        env.step(env.reset().update(action))
    env = RAMEnv(CATCH, 2, check_actions=False)
    env.step(env.reset().update(action))


def test_a_truncation_ends_the_episode():
    env = RAMEnv(CATCH, 2, max_episode_steps=3)
    rollout = env.rollout(8, break_when_any_done=False)
    expected = [False, False, True, False, False, True, False, False]
    for key in ("truncated", "done"):
        assert rollout["next", key][0, :, 0].tolist() == expected
    assert not rollout["next", "terminated"].any()


def test_auto_reset_is_torchrls():
    with pytest.raises(ValueError, match="autoreset_mode='SameStep' is not valid: TorchRL resets the rows"):
        RAMEnv(CATCH, 2, autoreset_mode="SameStep")


def test_unknown_arguments_are_named():
    with pytest.raises((TypeError, ValueError), match="screen_sise.*screen_size"):
        RAMEnv(CATCH, 2, screen_sise=12)


@pytest.mark.parametrize("action_format", ["box", "dict", "multidiscrete", "discrete"])
def test_gym_env_takes_the_id(action_format):
    env = GymEnv(f"ram_envs:{CATCH}", action_format=action_format)
    check_env_specs(env)
    assert env.rollout(100)["next", "terminated"].sum() == 1


@pytest.mark.parametrize("action_format", ["box", "dict", "multidiscrete", "discrete"])
def test_gym_wrapper_takes_a_single_environment(action_format):
    env = GymWrapper(gymnasium.make(f"ram_envs:{CATCH}", action_format=action_format))
    check_env_specs(env)
    assert env.rollout(100)["next", "terminated"].sum() == 1


@pytest.mark.parametrize("autoreset_mode", ["SameStep", "Disabled"])
@pytest.mark.parametrize("action_format", ["box", "multidiscrete", "discrete"])  # it takes no batched dictionaries
def test_gym_wrapper_takes_the_vector_environment(autoreset_mode, action_format):
    envs = gymnasium.make_vec(
        f"ram_envs:{CATCH}", num_envs=3, autoreset_mode=autoreset_mode, action_format=action_format
    )
    env = GymWrapper(envs)
    check_env_specs(env)
    rollout = env.rollout(2 * EPISODE, break_when_any_done=False)
    assert rollout["next", "terminated"][..., 0].sum(-1).tolist() == [2, 2, 2]
