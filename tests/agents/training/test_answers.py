"""The hybrid loss in an environment that hands out the right answers, in the manner of ap_gym."""

from dataclasses import replace

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space

from agents.environments.ap_gym import ActivePerceptionAdapter
from agents.environments.world import World
from agents.errors import SettingsError
from agents.evaluation.worlds import evaluate_world
from agents.ram.checkpoint import load_checkpoint
from agents.ram.decisions import SequenceEvaluation
from agents.ram.settings import NetworkSettings
from agents.training import answers
from agents.training.answers import _alive, _answers
from agents.training.folder import TrainingError
from agents.training.trainer import resume, train
from agents.training.vector_rollout import Segment
from agents.training.vector_settings import AnswerSettings
from tests.agents.environments.scripted import Cue

STEPS = 4


class Sides(gymnasium.vector.VectorEnv):
    """The class is the sign of the picture at the right edge; everywhere else it is grey, and the gaze starts left."""

    metadata = {"autoreset_mode": AutoresetMode.NEXT_STEP}
    spec = gymnasium.envs.registration.EnvSpec("Sides-v0", entry_point="none:none", max_episode_steps=STEPS)

    def __init__(self, num_envs=16):
        self.num_envs = num_envs
        self.single_observation_space = spaces.Dict(
            glimpse=spaces.Box(0, 1, (2, 1, 1), np.float32),
            glimpse_pos=spaces.Box(-1, 1, (2,), np.float32),
            time_step=spaces.Box(-1, 1, (), np.float32),
            hint=spaces.Discrete(3),
        )
        self.single_action_space = spaces.Dict(
            action=spaces.Box(-1, 1, (2,), np.float32), prediction=spaces.Box(-np.inf, np.inf, (2,), np.float32)
        )
        self.single_prediction_target_space = spaces.Discrete(2)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.label = self.np_random.integers(0, 2, self.num_envs)
        self.position = np.tile(np.float32([-0.5, 0]), (self.num_envs, 1))
        self.time = 0
        return self._observation(), {}

    def step(self, action):
        assert self.action_space["action"].contains(action["action"])
        if self.time == STEPS:
            observation, info = self.reset()
            return observation, np.zeros(self.num_envs), *self._flags(False), info | self._target()
        self.time += 1
        self.position = np.clip(self.position + 0.6 * action["action"], -1, 1).astype(np.float32)
        reward = (action["prediction"].argmax(1) == self.label).astype(float)
        return self._observation(), reward, *self._flags(self.time == STEPS), self._target()

    def _flags(self, over):
        return np.full(self.num_envs, over), np.zeros(self.num_envs, bool)

    def _target(self):
        return {"prediction": {"target": self.label.copy()}}

    def _observation(self):
        seen = np.where(self.position[:, 0] > 0.3, self.label, 0.5)[:, None]
        return {
            "glimpse": np.concatenate([seen, 1 - seen], 1, dtype=np.float32).reshape(-1, 2, 1, 1),
            "glimpse_pos": self.position.copy(),
            "time_step": np.full(self.num_envs, self.time / STEPS, np.float32),
            "hint": np.full(self.num_envs, 2),
        }


LEARNS = AnswerSettings(
    network=NetworkSettings(
        core="lstm", core_size=32, glimpse_hidden=32, glimpse_features=32, location_hidden=32, location_std=0.5
    ),
    frames=16_000,
    num_envs=16,
    learning_rate=5e-3,
    location_weight=0.1,
)


def test_the_adapter_of_ap_gym_reads_sizes_observations_and_answers():
    env = Sides(3)
    world = World(env)
    adapter = world.adapter
    assert isinstance(adapter, ActivePerceptionAdapter) and adapter.is_supervised
    assert (adapter.glimpse_shape, adapter.gaze_size, adapter.choices) == ((1, 1, 2, 1), 2, (2,))
    assert adapter.senses == {"time_step": 1, "hint": 3}
    observation = world.reset(0)
    assert {key: value.shape for key, value in observation.items()} == {
        "glimpse": (3, 2),
        "location": (3, 2),
        "time_step": (3, 1),
        "hint": (3, 3),
    }
    np.testing.assert_array_equal(adapter.right_answers(env._target()), env.label)


def answers_by_hand(**settings):
    """The answers of two rows of three steps: the first episode of the first row ends after two of them."""
    over = torch.tensor([[False, False], [True, False], [True, True]])
    blank = dict.fromkeys(Segment._fields)
    segment = Segment(**(blank | {"over": over, "target": torch.tensor([[0, 1]] * 3)}))
    probs = torch.tensor([[[0.3, 0.7], [0.8, 0.2]], [[0.9, 0.1], [0.5, 0.5]], [[0.1, 0.9], [0.1, 0.9]]])
    zeros = torch.zeros(3, 2)
    evaluation = SequenceEvaluation(zeros, zeros, zeros, probs.log().requires_grad_(), zeros)
    return _answers(segment, _alive(segment), evaluation, AnswerSettings(num_envs=2, **settings))


def test_locations_are_trained_up_to_the_one_before_the_last_glimpse():
    found = answers_by_hand()
    assert found.location_steps.mask.tolist() == [[True, True], [False, True], [False, False]]
    assert found.steps.mask.tolist() == [[True, True], [True, True], [False, True]]
    assert (found.location_steps.number, found.steps.number) == (3, 5)


@pytest.mark.parametrize(
    ("class_loss", "mask"),
    [
        ("last", [[False, False], [True, False], [False, True]]),
        ("every", [[True, True], [True, True], [False, True]]),
    ],
)
def test_answers_are_trained_at_the_last_step_or_at_every_one(class_loss, mask):
    steps = answers_by_hand(class_loss=class_loss).answer_steps
    assert steps.mask.tolist() == mask and steps.number == np.sum(mask)


@pytest.mark.parametrize("discount", [0.0, 0.5, 1.0])
def test_a_location_gets_the_discounted_gains_of_confidence_after_it(discount):
    found = answers_by_hand(confidence_discount=discount)
    assert found.baseline is None and not found.returns.requires_grad
    torch.testing.assert_close(found.returns[:2, 0], torch.tensor([0.6, 0.0]))
    torch.testing.assert_close(found.returns[:, 1], torch.tensor([0.3 + discount * 0.4, 0.4, 0.0]))


def test_the_weights_of_the_settings_reach_the_loss(tmp_path, monkeypatch):
    given, loss = [], answers.hybrid_loss

    def remember(evaluation, right, **weights):
        given.append(weights)
        return loss(evaluation, right, **weights)

    monkeypatch.setattr(answers, "hybrid_loss", remember)
    settings = replace(LEARNS, frames=64, location_weight=0.3, baseline_weight=0.6, normalise_advantage=False)
    train(Sides(), settings, tmp_path, progress_bar=False)
    assert given == [{"location_weight": 0.3, "baseline_weight": 0.6, "normalise_advantage": False}]


@pytest.mark.slow
def test_the_gaze_learns_to_go_where_the_class_is_seen(tmp_path):
    result = train(Sides(), LEARNS, tmp_path / "run", progress_bar=False)
    policy = load_checkpoint(result.folder).policy
    evaluation = evaluate_world(policy, Sides(), episodes=200)
    assert evaluation.figure == "success_rate" and evaluation.mean_glimpses == STEPS
    assert evaluation.value > 0.95  # a gaze that stays is right in half of the episodes


def test_a_resumed_run_is_the_run_that_never_stopped(tmp_path):
    settings = replace(LEARNS, frames=6 * 64, log_every=1)
    train(Sides(), settings, tmp_path / "whole", progress_bar=False)
    train(
        Sides(), settings, tmp_path / "half", progress_bar=False, callback=lambda progress, *_: progress.iteration < 3
    )
    resume(tmp_path / "half", env=Sides(), progress_bar=False)
    whole, half = (load_checkpoint(tmp_path / name).policy.state_dict() for name in ("whole", "half"))
    assert all((whole[name] == half[name]).all() for name in whole)


def test_environments_without_right_answers_or_a_known_length_are_refused(tmp_path):
    with pytest.raises(SettingsError, match="hands out no right answers"):
        train(Cue, LEARNS, tmp_path, progress_bar=False)
    endless = Sides()
    endless.spec = None
    with pytest.raises(SettingsError, match="set episode_steps"):
        train(endless, LEARNS, tmp_path, progress_bar=False)
    with pytest.raises(TrainingError, match="has not ended after 2 steps: set episode_steps"):
        train(endless, replace(LEARNS, episode_steps=2), tmp_path, progress_bar=False)


def test_an_environment_is_given_again_to_resume(tmp_path):
    train(Sides(), replace(LEARNS, frames=64), tmp_path, progress_bar=False)
    with pytest.raises(SettingsError, match="trained on an environment without an id: pass it again"):
        resume(tmp_path, progress_bar=False)
