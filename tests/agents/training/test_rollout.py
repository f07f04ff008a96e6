"""Rollouts: whole episodes, masks, and the order of images."""

import torch

from agents.ram.policy import RAMPolicy
from agents.ram.settings import NetworkSettings, RAMSettings
from agents.training.rollout import ImageOrder, collect_episodes, episode_seed, seed_generator
from ram_envs import make_tensor
from ram_envs.tasks import FigureOfMerit

SMALL = NetworkSettings(core_size=8, glimpse_hidden=8, location_hidden=8, glimpse_features=8)


def play(env_id, seed=0, gradient=False, **settings):
    env = make_tensor(env_id, 32, action_format="dict", check_actions=False, **settings)
    torch.manual_seed(0)
    policy = RAMPolicy(RAMSettings.for_environment(env, SMALL))
    observation, _ = env.reset(seed=seed)
    with torch.set_grad_enabled(gradient):
        return env, policy, collect_episodes(env, policy, observation, torch.Generator().manual_seed(seed))


def test_a_rollout_holds_whole_episodes():
    env, _, episodes = play("RAM-CatchGame-v0", screen_size=8)
    assert episodes.observation["glimpse"].shape == (7, 32, env.task.glimpse_sensor.glimpse_size)
    assert episodes.fixation.shape == (7, 32, 2)
    assert episodes.mask.all()
    assert episodes.over[-1].all() and not episodes.over[:-1].any()
    assert torch.equal(episodes.reward[-1] == 1, episodes.info["is_success"])
    assert (episodes.reward[:-1] == 0).all()


def test_what_was_decided_is_what_the_next_observation_shows():
    _, _, episodes = play("RAM-CatchGame-v0", screen_size=8)
    seen = episodes.observation["location"][1:]
    torch.testing.assert_close(seen, episodes.fixation[:-1].clamp(-1, 1))


def test_collected_with_a_gradient_it_evaluates_to_what_was_collected():
    env, policy, episodes = play("RAM-Digits-v0", gradient=True, split="train[:64]")
    again = policy.evaluate_sequence(
        episodes.observation, policy.initial_state(32), episodes.fixation, episodes.task_action
    )
    h, _ = policy.encode(episodes.observation, policy.initial_state(32))
    torch.testing.assert_close(h, episodes.h)
    live = policy.evaluate_heads(policy.heads(episodes.h), episodes.fixation, episodes.task_action)
    for a, b in zip(again, live, strict=True):
        torch.testing.assert_close(a, b)
    direct = torch.autograd.grad(policy.heads(episodes.h).action_logits.sum(), list(policy.core_network.parameters()))
    replayed = torch.autograd.grad(policy.heads(h).action_logits.sum(), list(policy.core_network.parameters()))
    for a, b in zip(direct, replayed, strict=True):
        torch.testing.assert_close(a, b)


def test_masks_end_where_the_agent_stops():
    env, _, episodes = play("RAM-Digits-v0", split="train[:64]", stop="learned", num_glimpses=5)
    look_on = env.task.answer.size - 1
    named = episodes.task_action != look_on
    first = torch.where(
        named.any(0), named.int().argmax(0), 4
    )  # the step at which a class was first named, or the last
    assert torch.equal(episodes.mask.sum(0), first + 1)
    assert len(set(first.tolist())) > 1
    assert torch.equal(episodes.mask, torch.arange(5)[:, None] <= first)
    assert (episodes.reward[~episodes.mask] == 0).all()
    chosen = episodes.task_action.gather(0, first[None])[0]
    assert torch.equal(episodes.info["is_success"], chosen == episodes.info["label"])


def test_the_seed_decides_the_rollout():
    a, b, c = (play("RAM-CatchGame-v0", seed=seed, screen_size=8)[2] for seed in (1, 1, 2))
    assert torch.equal(a.observation["glimpse"], b.observation["glimpse"])
    assert torch.equal(a.fixation, b.fixation)
    assert not torch.equal(a.observation["glimpse"], c.observation["glimpse"])


def test_every_image_comes_once_an_epoch_in_an_order_of_its_own():
    order = ImageOrder(10, seed=0, device=torch.device("cpu"))
    stream = torch.cat([order.batch(start, 4) for start in range(0, 40, 4)])  # batches of 4 lie across the epochs of 10
    epochs = stream.reshape(4, 10)
    assert (epochs.sort(1).values == torch.arange(10)).all()
    assert len({tuple(epoch.tolist()) for epoch in epochs}) == 4


def test_the_order_of_images_can_be_picked_up_anywhere():
    order = ImageOrder(10, seed=0, device=torch.device("cpu"))
    stream = [order.batch(start, 4) for start in range(0, 40, 4)]
    assert torch.equal(ImageOrder(10, 0, torch.device("cpu")).batch(24, 4), stream[6])
    assert not torch.equal(ImageOrder(10, 1, torch.device("cpu")).batch(0, 4), stream[0])
    assert len(set(ImageOrder(3, 0, torch.device("cpu")).batch(0, 9).tolist())) == 3


def test_no_two_rows_of_a_run_and_no_two_runs_share_an_episode_seed():
    seeds = [range(s := episode_seed(seed, iteration, 8), s + 8) for seed in (0, 1) for iteration in range(3)]
    assert len(set().union(*seeds)) == 48
    assert min(min(rows) for rows in seeds) >= 2**32


def test_generators_of_iterations_and_runs_differ():
    generator = torch.Generator()
    draws = {
        torch.rand((), generator=seed_generator(generator, seed, iteration)).item()
        for seed in range(20)
        for iteration in range(20)
    }
    assert len(draws) == 400


def test_the_figure_of_a_return_is_the_mean_over_the_episodes():
    _, _, episodes = play("RAM-CatchGame-v0", screen_size=8)
    reward = torch.arange(7 * 32.0).reshape(7, 32)
    figure = FigureOfMerit(name="return", label="return", of="return", stored_factor=2.0)
    expected = torch.tensor(2 * 7 * (7 * 32 - 1) / 2)  # 7 steps of the mean reward, 223 / 2
    torch.testing.assert_close(episodes._replace(reward=reward).figure(figure), expected)
