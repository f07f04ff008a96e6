"""PPO with an LSTM after CleanRL: what its sequences, its advantages and its actions are."""

import numpy as np
import pytest
import torch

from agents.benchmark.algorithm import Problem
from agents.benchmark.cleanrl import PPOLSTM

DIGITS = "RAM-Digits-v0"
SMALL = {"num_envs": 4, "num_steps": 5, "hidden_size": 8, "lstm_size": 6, "num_minibatches": 2}


def make(action_format="multidiscrete", **settings):
    problem = Problem(env_id=DIGITS, action_format=action_format, observation_format="flat")
    return PPOLSTM(problem, {**SMALL, **settings})


def test_an_episode_that_starts_in_a_sequence_starts_with_an_empty_memory():
    agent = make().agent
    observations, dones = torch.rand(5, 3, agent.hidden.in_features), torch.zeros(5, 3)
    dones[2, 1] = 1
    state = torch.rand(3, 6), torch.rand(3, 6)
    h, (h_after, _) = agent.core(observations, state, dones)
    fresh, _ = agent.core(observations[2:, 1:2], agent.initial_state(1), torch.zeros(3, 1))
    torch.testing.assert_close(h[2:, 1:2], fresh)
    whole, _ = agent.core(observations[:, [0, 2]], (state[0][[0, 2]], state[1][[0, 2]]), torch.zeros(5, 2))
    torch.testing.assert_close(h[:, [0, 2]], whole)
    assert torch.equal(h_after, h[-1])


def test_advantages_are_sums_of_what_was_better_than_expected_until_the_episode_ends():
    algorithm = make(gamma=0.5, gae_lambda=0.5)
    rewards, values = torch.tensor([[1.0], [2.0], [4.0]]), torch.tensor([[0.5], [1.0], [2.0]])
    dones = torch.tensor([[0.0], [0.0], [1.0]])  # the second step ends an episode
    found = algorithm._advantages(rewards, values, dones, torch.tensor([8.0]), torch.tensor([0.0]))
    last = 4 + 0.5 * 8 - 2
    second = 2 - 1
    first = 1 + 0.5 * 1 - 0.5 + 0.25 * second
    assert found[:, 0].tolist() == [first, second, last]


def test_the_loss_is_clipped_on_both_sides():
    algorithm, one = make(clip_coef=0.1, vf_coef=1.0), torch.ones(2, 1)
    ratio, advantages = torch.tensor([[2.0], [2.0]]), torch.tensor([[1.0], [-1.0]])
    scale = 1 / advantages.std()
    loss = algorithm._loss(ratio, advantages, one, one, one)
    torch.testing.assert_close(loss, -scale * (1.1 - 2.0) / 2)  # no gain from more of it, all of the loss
    moved = algorithm._loss(one, advantages, 1.5 * one, one, 3 * one)
    torch.testing.assert_close(moved, torch.tensor(0.5 * 1.9**2))


@pytest.mark.parametrize("action_format", PPOLSTM.action_formats)
def test_it_plays_with_a_memory_and_in_the_format_of_the_environment(action_format):
    algorithm = make(action_format)
    with torch.no_grad():
        algorithm.agent.actor.weight.mul_(1000)
    env = algorithm.problem.make_vec(4)
    first, _ = env.reset(seed=0)
    algorithm.start(4)
    before = algorithm.act(first)
    assert env.action_space.contains(before.astype(env.action_space.dtype))
    observation = env.step(before)[0]
    with_memory = algorithm._state[0].clone()
    algorithm.act(observation)
    assert not torch.equal(with_memory, algorithm._state[0])
    algorithm.start(4)
    assert np.array_equal(algorithm.act(first), before)


def test_it_learns_a_task_whose_answer_is_always_the_same():
    """With the images of one class there is one right answer."""
    problem = Problem(
        env_id=DIGITS,
        env_settings={"split": "train[:1]", "num_glimpses": 2},
        action_format="multidiscrete",
        observation_format="flat",
    )
    algorithm = PPOLSTM(problem, {**SMALL, "num_envs": 16, "num_steps": 8, "learning_rate": 1e-2})
    done = []
    algorithm.learn(6_000, done.append)
    env = problem.make_vec(8)
    observation, _ = env.reset(seed=9)
    algorithm.start(8)
    for _ in range(2):
        observation, reward, *_ = env.step(algorithm.act(observation))
    assert reward.mean() == 1 and done[-1] == 6_016


def test_rows_that_make_no_equal_minibatches_are_refused():
    with pytest.raises(ValueError, match="num_minibatches=3 does not divide num_envs=4: expected a divisor"):
        make(num_minibatches=3)
