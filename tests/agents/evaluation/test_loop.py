"""The play loop: the same moments on NumPy and on tensors, whatever the player and the end of an episode."""

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.spaces import Box
from gymnasium.vector import AutoresetMode

import ram_envs
import ram_envs.arrays
from agents.evaluation.loop import play, play_all
from agents.evaluation.players import FORMATS, OraclePlayer, PolicyPlayer, RandomPlayer, row_noise
from agents.ram.policy import RAMPolicy
from agents.ram.settings import NetworkSettings, RAMSettings
from ram_envs.tasks import Answer
from tests.agents.training.fast.test_graph import Watch

DIGITS, CATCH = "RAM-Digits-v0", "RAM-CatchGame-v0"


class Scripted:
    """Looks at the centre and gives the answers of a script, one a step, on NumPy or torch."""

    def __init__(self, key, answers, torch_env=False):
        self.key, self.answers, self.torch_env = key, answers, torch_env

    def start(self, num_envs):
        self.num_envs, self.step = num_envs, 0

    def act(self, observation):
        answer = np.broadcast_to(self.answers[self.step], self.num_envs).astype(np.int64)
        action = {"fixation": np.zeros((self.num_envs, 2), np.float32), self.key: answer}
        self.step += 1
        return {name: torch.as_tensor(value) for name, value in action.items()} if self.torch_env else action


def vector(env_id, rows, **settings):
    return gymnasium.make_vec(env_id, rows, autoreset_mode=AutoresetMode.SAME_STEP, **FORMATS, **settings)


LEARNED = {"stop": "learned", "glimpse_cost": 0.125, "num_glimpses": 4}
IMAGES = np.arange(6)


def test_vector_and_tensor_environments_give_the_same_moments():
    labels = ram_envs.make_task(DIGITS, split="test").data.labels[IMAGES]
    script = [10, np.where(IMAGES % 2, labels, 10), labels, 0]  # look on, then half of the rows answer, then the others
    env, tensor = (
        vector(DIGITS, 6, **LEARNED, split="test"),
        ram_envs.make_tensor(DIGITS, 6, **FORMATS, **LEARNED, split="test"),
    )
    ours = list(play(env, Scripted("label", script), seed=5, options={"image_index": IMAGES}))
    theirs = list(play(tensor, Scripted("label", script, True), seed=5, options={"image_index": IMAGES}))
    assert (len(ours), len(theirs)) == (4, 5), "an array can be looked at, a tensor would be waited for"
    for one, other in zip(ours, theirs, strict=False):
        for name in ("running", "success", "returns"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name).numpy())
    assert theirs[-1].success.tolist() == theirs[-2].success.tolist() == [True] * 6
    assert theirs[-1].returns.tolist() == pytest.approx([0.75, 0.875] * 3)
    assert [moment.running.sum() for moment in ours] == [6, 6, 3, 0]


def test_every_episode_is_counted_once_whatever_the_batches():
    for rows in (1, 4, 50):
        task = ram_envs.make_task(DIGITS, **LEARNED)
        ended = play_all(vector(DIGITS, rows, **LEARNED), lambda seeds: Scripted("label", [10, 3]), IMAGES + 7, IMAGES)
        assert ended.success.tolist() == (task.data.labels[IMAGES] == 3).tolist()
        assert ended.glimpses.tolist() == [2] * 6
        assert ended.returns.tolist() == [success - 0.125 for success in ended.success]


def test_a_limit_on_the_steps_ends_an_episode_without_success():
    env = ram_envs.make_tensor(CATCH, 3, **FORMATS, max_episode_steps=5)
    *_, end = play(env, Scripted("move", [1] * 23, True), seed=0)
    assert not end.running.any() and not end.success.any()


@pytest.mark.parametrize("env_id", [DIGITS, CATCH])
def test_the_oracle_wins(env_id):
    env = vector(env_id, 40)
    assert play_all(env, lambda seeds: OraclePlayer(env, env.task.oracle()), np.arange(40)).success.mean() > 0.95


def test_the_random_player_draws_gazes_of_any_size():
    zooming = vector(DIGITS, 40, sensor="zoom")
    player = RandomPlayer(zooming.task, seed=1)
    player.start(40)
    assert zooming.action_space.contains(player.act(None))


def test_the_random_player_answers_in_numbers_where_numbers_are_asked_for():
    class Asks:
        answer = Answer("angle", Box(np.float32([-3, 0]), np.float32([3, 1])))
        glimpse_sensor = ram_envs.make_task(DIGITS).glimpse_sensor

    player = RandomPlayer(Asks())
    player.start(7)
    angles = player.act(None)["angle"]
    assert angles.shape == (7, 2) and all(Asks.answer.space.contains(row) for row in angles)


def test_noise_of_more_numbers_is_independent_and_starts_with_that_of_two():
    seeds = torch.arange(20_000)
    normal, gumbel = row_noise(seeds, 2, 3, 4)
    assert normal.shape == (20_000, 3) and gumbel.shape == (20_000, 4)
    assert torch.equal(row_noise(seeds, 2, 2, 4)[0], normal[:, :2])
    assert np.abs(np.corrcoef(normal.T.numpy()) - np.eye(3)).max() < 0.03


@pytest.mark.parametrize("greedy", [True, False])
@pytest.mark.parametrize(("env_id", "settings"), [(CATCH, {}), (DIGITS, LEARNED)])
def test_no_step_waits_for_the_device(env_id, settings, greedy, monkeypatch):
    monkeypatch.setattr(ram_envs.arrays, "_import_kernels", lambda: None)  # those of the CPU
    env = ram_envs.make_tensor(env_id, 5, **FORMATS, check_actions=False, **settings)
    policy = RAMPolicy(RAMSettings.for_environment(env, NetworkSettings(core_size=8)))
    seeds = torch.arange(5)
    player = PolicyPlayer(policy, env.task.answer.key, seeds, greedy=greedy, greedy_answer=greedy)
    moments = play(env, player, seed=seeds)
    for _ in range(2):  # constants are brought to the device once
        next(moments)
    with Watch() as watch:
        assert sum(1 for _ in moments) == env.task.max_episode_steps - 1
    assert watch.waited == []
