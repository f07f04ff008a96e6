"""Segments: advantages computed by hand, rollouts in every auto-reset mode, and tasks that need a memory."""

import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv

from agents.environments.world import World
from agents.errors import SettingsError
from agents.evaluation.worlds import evaluate_world
from agents.ram.checkpoint import load_checkpoint
from agents.ram.decisions import Heads
from agents.ram.policy import RAMPolicy
from agents.ram.settings import NetworkSettings, RAMSettings
from agents.training import segments
from agents.training.folder import TrainingError
from agents.training.returns import segment_advantages
from agents.training.reward_scale import RewardScale
from agents.training.trainer import resume, train
from agents.training.vector_rollout import Rollout
from agents.training.vector_settings import SegmentSettings
from tests.agents.environments.scripted import Cue, Scripted

SMALL = {"core_size": 32, "glimpse_hidden": 32, "glimpse_features": 32, "location_hidden": 8}
LEARNS = SegmentSettings(
    frames=8_192,
    num_envs=16,
    segment_length=16,
    learning_rate=3e-3,
    network=NetworkSettings(core="lstm", **SMALL),
)


def column(*values):
    """One row over time: (T, 1)."""
    return torch.tensor(values)[:, None]


@pytest.mark.parametrize(
    ("terminated", "truncated", "expected"),
    [
        # delta = r + 0.5 * next - b = 1, 4.5, 2.5; decay 0.25; nothing flows back over an end.
        (None, 1, (2.125, 4.5, 2.5)),
        (1, None, (1.25, 1.0, 2.5)),  # delta_1 = 2 - 1: a terminated episode is worth nothing afterwards
        (None, None, (2.28125, 5.125, 2.5)),  # the last step bootstraps from the end of the segment
    ],
)
def test_advantages_of_a_segment_by_hand(terminated, truncated, expected):
    ends = torch.arange(3)[:, None]
    is_terminated, is_truncated = (
        ends == (-1 if terminated is None else terminated),
        ends == (-1 if truncated is None else truncated),
    )
    advantage = segment_advantages(
        reward=column(1.0, 2.0, 3.0),
        value=column(0.5, 1.0, 1.5),
        next_value=column(1.0, 7.0, 2.0),
        terminated=is_terminated,
        over=is_terminated | is_truncated,
        discount=0.5,
        gae_lambda=0.5,
    )
    torch.testing.assert_close(advantage, column(*expected))


class Counting(RAMPolicy):
    """Its memory counts the steps since the start, and its value is ``observation + 100 * count``."""

    def initial_state(self, num_rows):
        return (torch.zeros(num_rows, 1),)

    def encode_step(self, observation, state):
        count = state[0] + 1
        return torch.cat([observation["glimpse"], count], 1), (count,)

    def heads(self, h, **_):
        return Heads(h[:, :0], torch.zeros(len(h), 2), h[:, 0] + 100 * h[:, 1])


def collect(mode, *lengths):
    world = World(SyncVectorEnv([Scripted], autoreset_mode=mode))
    policy = Counting(RAMSettings(num_actions=2, glimpse_shape=(1, 1, 1, 1), gaze_size=0, **SMALL))
    rollout = Rollout([world], policy, torch.Generator(), 1)
    rollout.reset(0)
    return [rollout.collect(length) for length in lengths]


def row(values):
    return values[:, 0].tolist()


def test_next_step_bootstraps_from_the_final_observation_in_the_stream():
    (segment,) = collect(AutoresetMode.NEXT_STEP, 6)
    assert row(segment.observation["glimpse"][..., 0]) == [0, 1, 2, 10, 11, 12]
    assert row(segment.starts) == [True, False, False, True, False, False]
    assert row(segment.taken) == [True, True, False, True, True, False]
    assert row(segment.over) == [False, True, False, False, True, False]
    assert row(segment.terminated) == [False, False, False, False, True, False]
    assert row(segment.value) == [100, 201, 302, 110, 211, 312]
    # 302: observation 2 after three steps of memory, where the episode was truncated; 120: a new episode.
    assert row(segment.next_value) == [201, 302, 110, 211, 312, 120]


def test_same_step_bootstraps_from_the_final_observation_in_the_infos():
    (segment,) = collect(AutoresetMode.SAME_STEP, 4)
    assert row(segment.observation["glimpse"][..., 0]) == [0, 1, 10, 11]
    assert row(segment.starts) == [True, False, True, False]
    assert row(segment.taken) == [True, True, True, True]
    assert row(segment.value) == [100, 201, 110, 211]
    assert row(segment.next_value)[:3] == [201, 302, 211]  # after a terminated episode it has no meaning


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_both_modes_give_the_same_advantages_to_the_steps_that_were_taken(mode):
    (segment,) = collect(mode, 9)
    parts = (segment.reward, segment.value, segment.next_value, segment.terminated, segment.over)
    advantage = segment_advantages(*parts, 0.9, 0.8)[segment.taken][:4]
    second = 2 + 0.9 * 302 - 201
    fourth = 12 - 211
    expected = [1 + 0.9 * 201 - 100 + 0.72 * second, second, 11 + 0.9 * 211 - 110 + 0.72 * fourth, fourth]
    torch.testing.assert_close(advantage, torch.tensor(expected))


def test_the_state_is_carried_into_the_next_segment():
    first, second = collect(AutoresetMode.NEXT_STEP, 1, 2)
    assert row(first.next_value) == [201]
    assert second.state[0].item() == 1
    assert row(second.value) == [201, 302]


@pytest.mark.parametrize("core", ["lstm", "relu"])
@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_a_segment_evaluates_to_what_was_collected(core, mode):
    world = World(SyncVectorEnv([lambda delay=delay: Cue(delay) for delay in (2, 3, 5)], autoreset_mode=mode))
    torch.manual_seed(0)
    policy = RAMPolicy(world.adapter.settings(NetworkSettings(core=core, **SMALL)))
    rollout = Rollout([world], policy, torch.Generator().manual_seed(0), 3)
    rollout.reset(0)
    for segment in (rollout.collect(7), rollout.collect(11)):
        evaluation = policy.evaluate_sequence(
            segment.observation, segment.state, segment.fixation, segment.task_action, starts=segment.starts
        )
        torch.testing.assert_close(evaluation.action_log_prob, segment.action_log_prob)
        torch.testing.assert_close(evaluation.value, segment.value)


SCRIPTS = (
    ((2, "truncated"), (2, "terminated"), (3, "terminated"), (9, "terminated")),
    ((3, "terminated"), (1, "truncated"), (4, "truncated"), (9, "terminated")),
    ((5, "terminated"), (3, "truncated"), (9, "terminated")),
)
TINY = SegmentSettings(
    frames=3 * 2 * 7,  # two iterations
    num_envs=3,
    segment_length=7,
    minibatches=1,
    update_epochs=2,
    learning_rate=0.01,
    discount=0.9,
    gae_lambda=0.6,
    reward_gain=3.0,
    clip_range=0.15,
    entropy_weight=0.02,
    location_weight=0.4,
    baseline_weight=0.7,
    network=NetworkSettings(core="lstm", input_gain=0.1, **SMALL),
)


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """The segments of a short training, and what the loss got in each update: evaluation, targets and weights."""
    collected, updates, collect_segment, loss = [], [], Rollout.collect, segments.ppo_loss

    def remember_segment(self, num_steps):
        collected.append(collect_segment(self, num_steps))
        return collected[-1]

    def remember_update(evaluation, targets, **weights):
        updates.append((evaluation, targets, weights))
        return loss(evaluation, targets, **weights)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Rollout, "collect", remember_segment)
        patch.setattr(segments, "ppo_loss", remember_update)
        env = SyncVectorEnv([partial(Scripted, script) for script in SCRIPTS])
        train(env, TINY, tmp_path_factory.mktemp("run"), seed=1, progress_bar=False)
    assert (len(collected), len(updates)) == (2, 4)
    return list(zip(collected, updates[::2], strict=True)), updates


def rows_of(targets, segment):
    """The rows of a minibatch, int64 (B,): minibatches are drawn in random order."""
    same = (targets.action_log_prob[:, :, None] == segment.action_log_prob[:, None]).all(0)
    assert (same.sum(1) == 1).all()
    return same.int().argmax(1)


def test_the_first_update_evaluates_the_decisions_as_the_rollout_made_them(learned):
    """In the second segment too, where the core starts with the state that it had at the end of the first."""
    iterations, updates = learned
    for segment, (evaluation, targets, _) in iterations:
        assert segment.starts[1:].any()
        torch.testing.assert_close(evaluation.action_log_prob, targets.action_log_prob, atol=1e-6, rtol=0)
        torch.testing.assert_close(evaluation.value, segment.value[:, rows_of(targets, segment)], atol=1e-6, rtol=0)
    assert any(state.abs().max() > 0.01 for state in iterations[1][0].state)
    (later, targets, _) = updates[1]  # the second update, after a step of the optimizer
    assert (later.action_log_prob - targets.action_log_prob).abs().max() > 1e-4


def test_the_baseline_learns_the_advantages_of_the_settings_plus_the_value(learned):
    for segment, (_, targets, _) in learned[0]:
        parts = (segment.value, segment.next_value, segment.terminated, segment.over)
        advantage = segment_advantages(3.0 * segment.reward, *parts, discount=0.9, gae_lambda=0.6)
        expected = (advantage + segment.value)[:, rows_of(targets, segment)]
        torch.testing.assert_close(targets.returns, expected)
        shifted = targets.advantage[targets.action_steps.mask]
        torch.testing.assert_close(shifted.mean(), torch.tensor(0.0), atol=1e-5, rtol=0)
        torch.testing.assert_close(shifted.std(correction=0), torch.tensor(1.0))


def test_the_location_after_which_an_episode_terminates_does_not_count(learned):
    """No glimpse follows it. One follows where the episode is truncated: the next value is that of its location."""
    for segment, (_, targets, _) in learned[0]:
        rows = rows_of(targets, segment)
        assert targets.action_steps.mask.equal(segment.taken[:, rows]) and not segment.taken.all()
        expected = segment.taken & ~segment.terminated
        assert targets.location_steps.mask.equal(expected[:, rows]) and not expected.equal(segment.taken)
        assert targets.location_steps.number == expected.sum()


def test_the_weights_of_the_settings_reach_the_loss(learned):
    weights = {"clip_range": 0.15, "location_weight": 0.4, "entropy_weight": 0.02, "baseline_weight": 0.7}
    assert all(given == weights for *_, given in learned[1])


@pytest.mark.slow
@pytest.mark.parametrize("core", ["lstm", "relu"])
def test_a_memory_task_is_learned_far_above_the_ceiling_without_memory(core, tmp_path):
    settings = replace(LEARNS, network=replace(LEARNS.network, core=core))
    result = train(Cue, settings, tmp_path / "run", progress_bar=False)
    policy = load_checkpoint(result.folder).policy
    evaluation = evaluate_world(policy, Cue, episodes=400)
    assert evaluation.value > 0.95  # a policy without memory reaches 0.5
    forgetful = Forgetful(policy)
    assert evaluate_world(forgetful, Cue, episodes=400).value < 0.6


class Forgetful(RAMPolicy):
    """A trained policy whose core forgets everything at every step."""

    def __init__(self, policy):
        super().__init__(policy.settings)
        self.load_state_dict(policy.state_dict())

    def encode_step(self, observation, state):
        return super().encode_step(observation, self.initial_state(len(state[0])))


class Reach(Cue):
    """The reward is highest where a number of the action is the number of the first observation."""

    observation_space = spaces.Box(-1, 1, (1,), np.float32)
    action_space = spaces.Dict(sign=spaces.Discrete(2), force=spaces.Box(-2, 2, (1,), np.float32))

    def reset(self, *, seed=None, options=None):
        super(Cue, self).reset(seed=seed)
        self.goal = self.np_random.uniform(-1, 1)
        return np.array([self.goal], np.float32), {}

    def step(self, action):
        assert self.action_space.contains(action)
        error = abs(float(action["force"][0]) - self.goal) + (int(action["sign"]) != (self.goal > 0))
        return np.zeros(1, np.float32), -error, True, False, {}


@pytest.mark.slow
def test_choices_and_numbers_are_learned_together(tmp_path):
    result = train(Reach, LEARNS, tmp_path / "run", progress_bar=False)
    policy = load_checkpoint(result.folder).policy
    assert (policy.settings.num_actions, policy.settings.numbers, policy.settings.gaze_size) == (2, 1, 0)
    # Always (sign 0, force 0) costs 0.5 + 0.5.
    assert evaluate_world(policy, Reach, episodes=400).value > -0.3


def test_a_run_stops_with_its_last_checkpoint_where_an_environment_returns_nan(tmp_path):
    settings = replace(LEARNS, num_envs=1, minibatches=1, segment_length=4, frames=40, checkpoint_every=1)
    script = ((1000, "terminated"),)
    with pytest.raises(TrainingError, match="'glimpse' is NaN at step 10 of row 0.*the last checkpoint is kept"):
        train(lambda: Scripted(script, broken_at=10), settings, tmp_path / "run", progress_bar=False)
    assert load_checkpoint(tmp_path / "run").progress["iteration"] == 2


def test_a_run_resumes_with_the_weights_and_statistics_of_its_checkpoint(tmp_path):
    network = replace(LEARNS.network, normalise_inputs=True)
    settings = replace(LEARNS, frames=2_048, network=network, normalise_rewards=True, log_every=1)
    stopped = train(Cue, settings, tmp_path, progress_bar=False, callback=lambda progress, *_: progress.iteration < 3)
    assert stopped.stopped_by == "callback"
    before = load_checkpoint(tmp_path)
    assert before.policy.glimpse_network.glimpse_norm.count == 3 * 256
    assert before.progress["rewards"]["count"] > 0
    assert "the environments start new episodes" in json.loads((tmp_path / "settings.json").read_text())["after_resume"]
    whole = resume(tmp_path, env=Cue, progress_bar=False)
    after = load_checkpoint(tmp_path)
    assert (whole.progress.iteration, whole.stopped_by) == (8, None)
    assert after.policy.glimpse_network.glimpse_norm.count == 8 * 256
    assert after.progress["rewards"]["count"] > before.progress["rewards"]["count"]


def test_scaled_rewards_do_not_depend_on_their_unit():
    (segment,) = collect(AutoresetMode.SAME_STEP, 4)
    small, large = (RewardScale(1, 0.9)(factor * segment.reward, segment) for factor in (1.0, 1000.0))
    torch.testing.assert_close(small, large)
    # Discounted returns 1, 2.9, 11, 21.9: variance 69.445.
    torch.testing.assert_close(small[0, 0], torch.tensor(1 / np.var([1, 2.9, 11, 21.9]) ** 0.5, dtype=torch.float32))


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_halves_that_are_stepped_by_turns_give_the_same_segment(mode):
    delays = (2, 3, 5, 4)
    torch.manual_seed(0)
    policy, segments = None, []
    for vector, parts in ((SyncVectorEnv, [delays]), (AsyncVectorEnv, [delays[:2], delays[2:]])):
        worlds = [World(vector([partial(Cue, delay) for delay in part], autoreset_mode=mode)) for part in parts]
        policy = policy or RAMPolicy(worlds[0].adapter.settings(NetworkSettings(core="lstm", **SMALL)))
        rollout = Rollout(worlds, policy, torch.Generator().manual_seed(0), 4)
        rollout.reset(0)
        segments.append((rollout.collect(3), rollout.collect(9), rollout.record.returns))
        for world in worlds:
            world.close()
    for whole, halves in zip(*(parts[:2] for parts in segments), strict=True):
        torch.testing.assert_close(halves.observation, whole.observation)
        torch.testing.assert_close(halves.state, whole.state)
        for name in ("starts", "task_action", "action_log_prob", "value", "next_value", "reward", "over", "taken"):
            torch.testing.assert_close(getattr(halves, name), getattr(whole, name))
    assert sorted(segments[0][2]) == sorted(segments[1][2]) and len(segments[0][2]) > 5


def test_rows_that_cannot_be_halved_are_refused(tmp_path):
    with pytest.raises(SettingsError, match="num_envs=5 cannot be halved"):
        SegmentSettings(num_envs=5, minibatches=1, overlap=True)
    with pytest.raises(SettingsError, match="overlap needs two vector environments"):
        train(SyncVectorEnv([Cue] * 4), replace(LEARNS, num_envs=4, overlap=True), tmp_path, progress_bar=False)
