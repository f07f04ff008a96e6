"""Segments: advantages computed by hand, rollouts in every auto-reset mode, and tasks that need a memory."""

import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from agents.environments.world import World
from agents.evaluation.worlds import evaluate_world
from agents.ram.checkpoint import load_checkpoint
from agents.ram.decisions import Heads
from agents.ram.policy import RAMPolicy
from agents.ram.settings import NetworkSettings, RAMSettings
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
    rollout = Rollout(world, policy, torch.Generator(), 1, slice(0, 1))
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
    rollout = Rollout(world, policy, torch.Generator().manual_seed(0), 3, slice(0, 3))
    rollout.reset(0)
    for segment in (rollout.collect(7), rollout.collect(11)):
        evaluation = policy.evaluate_sequence(
            segment.observation, segment.state, segment.fixation, segment.task_action, starts=segment.starts
        )
        torch.testing.assert_close(evaluation.action_log_prob, segment.action_log_prob)
        torch.testing.assert_close(evaluation.value, segment.value)


@pytest.mark.slow
@pytest.mark.parametrize("core", ["lstm", "relu"])
def test_a_memory_task_is_learned_far_above_the_ceiling_without_memory(core, tmp_path):
    from dataclasses import replace

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
    from dataclasses import replace

    settings = replace(LEARNS, num_envs=1, minibatches=1, segment_length=4, frames=40, checkpoint_every=1)
    script = ((1000, "terminated"),)
    with pytest.raises(TrainingError, match="'glimpse' is NaN at step 10 of row 0.*the last checkpoint is kept"):
        train(lambda: Scripted(script, broken_at=10), settings, tmp_path / "run", progress_bar=False)
    assert load_checkpoint(tmp_path / "run").progress["iteration"] == 2


def test_a_run_resumes_with_the_weights_and_statistics_of_its_checkpoint(tmp_path):
    from dataclasses import replace

    network = replace(LEARNS.network, normalise_inputs=True)
    settings = replace(LEARNS, frames=2_048, network=network, normalise_rewards=True, log_every=1)
    stopped = train(Cue, settings, tmp_path, progress_bar=False, callback=lambda progress, *_: progress.iteration < 3)
    assert stopped.stopped_by == "callback"
    before = load_checkpoint(tmp_path)
    assert before.policy.glimpse_network.glimpse_norm.count == 3 * 256
    assert before.progress["rewards"]["count"] > 0
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
