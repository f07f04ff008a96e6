"""The RAM policy in RecurrentPPO: the paper's decision in a box, our weights both ways, saved and loaded."""

import sys
from importlib import import_module

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.error import DependencyNotInstalled
from sb3_contrib import RecurrentPPO
from sb3_contrib.common.recurrent.type_aliases import RNNStates
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import VecFrameStack, VecMonitor
from torch.distributions import Categorical, Normal

from agents.evaluation.evaluate import evaluate
from agents.integrations.sb3 import (
    GlimpseExtractor,
    HybridDistribution,
    RAMRecurrentPolicy,
    RAMVecEnv,
    from_sb3,
    ram_settings,
    to_sb3,
)
from agents.ram.policy import RAMPolicy
from agents.ram.settings import NetworkSettings
from ram_envs.wrappers import Glimpse

CATCH = "RAM-CatchGame-v0"
SMALL = {"core_size": 12, "glimpse_hidden": 8, "location_hidden": 8, "glimpse_features": 10, "scale_gain": 4.0}
OTHER_GRADIENTS = {"location_gradient": True, "value_gradient": False}
T, B = 23, 4


def make_model(env=None, seed=0, network=None, **settings):
    env = env or RAMVecEnv(CATCH, B)
    policy_kwargs = {"settings": ram_settings(env, NetworkSettings(**{"core": "lstm", **SMALL, **(network or {})}))}
    policy_kwargs |= settings.pop("policy_kwargs", {})
    settings = {"n_steps": T, "batch_size": 2 * T, "n_epochs": 2, "device": "cpu"} | settings
    return RecurrentPPO(RAMRecurrentPolicy, env, policy_kwargs=policy_kwargs, seed=seed, **settings)


def make_policy(settings):
    torch.manual_seed(9)
    policy = RAMPolicy(settings)
    for parameter in policy.parameters():  # away from the small start of the heads
        torch.nn.init.normal_(parameter, std=0.4)
    policy.location_std.fill_(0.23)
    return policy


def episode():
    """Two episodes of B rows, the second one cut: observations (T', B, ...), actions (T', B, 5), starts (T', B)."""
    envs = RAMVecEnv(CATCH, B)
    envs.seed(3)
    envs.action_space.seed(3)
    observations, actions, starts = [envs.reset()], [], [np.ones(B, bool)]
    for _ in range(T + 6):
        actions.append(np.stack([envs.action_space.sample() for _ in range(B)]))
        observation, _, ended, _ = envs.step(actions[-1])
        observations.append(observation)
        starts.append(ended)
    sequence = {key: torch.as_tensor(np.stack([o[key] for o in observations[:-1]])) for key in observations[0]}
    return sequence, torch.as_tensor(np.stack(actions)), torch.as_tensor(np.stack(starts[:-1])).float()


@pytest.mark.parametrize(
    "network", [{}, {"core": "relu"}, {"location_network_hidden": 6, "squash_location": True, "input_gain": 2.0}]
)
def test_the_same_weights_give_the_same_distributions_through_a_sequence(network):
    model = make_model(network=network)
    policy = make_policy(model.policy.settings)
    to_sb3(policy, model)
    observations, _, starts = episode()

    state = policy.initial_state(B)
    theirs = (torch.zeros(1, B, 12), torch.zeros(1, B, 12))
    for t in range(len(starts)):
        now = {key: value[t] for key, value in observations.items()}
        if starts[t].any():
            state = policy.initial_state(B)
        with torch.no_grad():
            features, state = policy.encode({key: value[None] for key, value in now.items()}, state)
            heads = policy.heads(features[0])
            distribution, after = model.policy.get_distribution(now, theirs, starts[t])
            value = model.policy.predict_values(now, theirs, starts[t])
        theirs = after
        torch.testing.assert_close(distribution.location.mean, heads.location_mean)
        torch.testing.assert_close(distribution.location.stddev, torch.full((B, 2), 0.23))
        torch.testing.assert_close(distribution.task_action.probs, heads.action_logits.softmax(-1))
        torch.testing.assert_close(value, heads.value[:, None])
        for ours, other in zip(state, theirs, strict=False):
            torch.testing.assert_close(other[0], ours)
    assert distribution.task_action.probs.std() > 0.01


def test_whole_sequences_are_judged_like_single_steps_and_like_our_policy():
    model = make_model()
    policy = make_policy(model.policy.settings)
    to_sb3(policy, model)
    observations, actions, starts = episode()
    steps = len(starts)

    def rows_first(values):  # (T, B, ...) -> (B * T, ...), as RecurrentPPO's buffer has it
        return values.swapaxes(0, 1).flatten(0, 1)

    empty = (torch.zeros(1, B, 12), torch.zeros(1, B, 12))
    value, log_prob, entropy = model.policy.evaluate_actions(
        {key: rows_first(value) for key, value in observations.items()},
        rows_first(actions),
        RNNStates(empty, empty),
        rows_first(starts),
    )
    assert value.shape == (B * steps, 1) and log_prob.shape == entropy.shape == (B * steps,)
    for first, last in ((0, T), (T, steps)):
        expected = policy.evaluate_sequence(
            {key: value[first:last] for key, value in observations.items()},
            policy.initial_state(B),
            actions[first:last, :, :2],
            actions[first:last, :, 2:].argmax(-1),
        )
        part = slice(first, last)
        torch.testing.assert_close(value.reshape(B, steps).T[part], expected.value)
        torch.testing.assert_close(entropy.reshape(B, steps).T[part], expected.action_entropy)
        both = expected.location_log_prob + expected.action_log_prob
        torch.testing.assert_close(log_prob.reshape(B, steps).T[part], both)


def test_weights_come_back():
    model = make_model().learn(T * B)
    policy = from_sb3(model)
    other = make_model(seed=1)
    to_sb3(policy, other)
    for name, value in from_sb3(other).state_dict().items():
        assert torch.equal(value, policy.state_dict()[name])
    observation = model.get_env().reset()
    np.testing.assert_array_equal(
        model.predict(observation, deterministic=True)[0], other.predict(observation, deterministic=True)[0]
    )
    assert evaluate(policy, CATCH, {}, episodes=20, seed=0, num_envs=10).episodes == 20


def test_it_trains_every_network():
    model = make_model()
    before = {name: value.clone() for name, value in from_sb3(model).named_parameters()}
    model.learn(3 * T * B)
    for name, value in from_sb3(model).named_parameters():
        assert torch.isfinite(value).all() and not torch.equal(value, before[name]), name


def test_a_gaze_that_zooms_trains_and_its_locations_have_three_numbers():
    model = make_model(RAMVecEnv(CATCH, B, sensor="zoom"))
    before = from_sb3(model).location_network.mean.weight.clone()
    model.learn(T * B)
    policy = from_sb3(model)
    assert policy.settings.gaze_size == 3 and not torch.equal(policy.location_network.mean.weight, before)
    observation = {key: torch.as_tensor(value) for key, value in model.get_env().reset().items()}
    decision, _ = policy.act(observation, policy.initial_state(B), greedy=True)
    action, _ = model.predict({key: value.numpy() for key, value in observation.items()}, deterministic=True)
    torch.testing.assert_close(torch.as_tensor(action[:, :3]), decision.fixation.clamp(-1, 1))
    assert torch.equal(torch.as_tensor(action[:, 3:].argmax(1)), decision.task_action)


@pytest.mark.parametrize("may", [True, False])
@pytest.mark.parametrize("head", ["location", "value"])
def test_a_head_trains_the_core_only_if_it_may(head, may):
    model = make_model(policy_kwargs={f"{head}_gradient": may})
    observations, actions, starts = episode()
    now = {key: value[0] for key, value in observations.items()}
    empty = (torch.zeros(1, B, 12), torch.zeros(1, B, 12))
    if head == "value":
        loss, own = model.policy.evaluate_actions(now, actions[0], RNNStates(empty, empty), starts[0])[0], "value_net"
    else:
        loss = model.policy.get_distribution(now, empty, starts[0])[0].location.log_prob(actions[0, :, :2])
        own = "action_net.location_network"
    loss.sum().backward()
    assert next(model.policy.get_submodule(own).parameters()).grad is not None
    assert (next(model.policy.lstm_actor.parameters()).grad is not None) == may


def test_it_learns_from_sequences_that_are_cut_and_padded():
    model = make_model(RAMVecEnv("RAM-Digits-v0", B, stop="learned"), n_steps=10, batch_size=7)
    model.learn(2 * 10 * B)
    assert all(torch.isfinite(value).all() for value in from_sb3(model).parameters())


def test_it_saves_and_loads(tmp_path):
    model = make_model(network={"location_std": 0.3}, policy_kwargs=OTHER_GRADIENTS).learn(T * B)
    model.save(tmp_path / "model")
    loaded = RecurrentPPO.load(tmp_path / "model", device="cpu")
    model.policy.save(tmp_path / "policy")
    policy = RAMRecurrentPolicy.load(tmp_path / "policy", device="cpu")
    observation = model.get_env().reset()
    action, state = model.predict(observation, deterministic=True)
    for other in (loaded, policy):
        other_action, other_state = other.predict(observation, deterministic=True)
        np.testing.assert_array_equal(other_action, action)
        np.testing.assert_array_equal(other_state[0], state[0])
    assert policy.settings == model.policy.settings
    assert not policy.value_gradient and policy.action_net.location_gradient
    assert loaded.policy.action_net.location_std == pytest.approx(0.3)
    loaded.set_env(RAMVecEnv(CATCH, B))
    assert loaded.learn(T * B, reset_num_timesteps=False).num_timesteps == 2 * T * B


def test_it_takes_single_environments_and_monitors_too():
    model = make_model(make_vec_env(f"ram_envs:{CATCH}", n_envs=2)).learn(2 * T)
    assert model.policy.settings == make_model(VecMonitor(RAMVecEnv(CATCH, 2))).policy.settings


def test_the_glimpse_network_serves_other_policies():
    env = RAMVecEnv(CATCH, B)
    extractor = {"settings": ram_settings(env, NetworkSettings(**SMALL))}
    policy_kwargs = {"features_extractor_class": GlimpseExtractor, "features_extractor_kwargs": extractor}
    model = PPO("MultiInputPolicy", env, policy_kwargs=policy_kwargs, n_steps=8, batch_size=32, device="cpu")
    assert model.learn(64).policy.features_dim == 10


def make_distribution():
    generator = torch.Generator().manual_seed(0)
    mean, logits = torch.randn(6, 2, generator=generator), torch.randn(6, 3, generator=generator)
    return HybridDistribution().proba_distribution(mean, torch.tensor(0.5), logits), mean, logits


def test_a_decision_is_a_location_and_one_task_action():
    distribution, mean, logits = make_distribution()
    torch.manual_seed(0)
    for action in (distribution.sample(), distribution.mode()):
        assert action.shape == (6, 5) and action.dtype == torch.float32
        assert torch.equal(action[:, 2:].sort(-1).values, torch.tensor([[0.0, 0, 1]]).expand(6, 3))
        expected = Normal(mean, 0.5).log_prob(action[:, :2]).sum(-1)
        expected += Categorical(logits=logits).log_prob(action[:, 2:].argmax(-1))
        torch.testing.assert_close(distribution.log_prob(action), expected)
    torch.testing.assert_close(action[:, :2], mean)
    assert torch.equal(action[:, 2:].argmax(-1), logits.argmax(-1))


def test_draws_follow_the_distribution():
    rows = 20_000
    distribution = HybridDistribution()
    torch.manual_seed(0)
    mean, logits = torch.tensor([[0.9, -0.2]]), torch.tensor([[0.0, 1.0, -1.0]])
    actions, log_prob = distribution.log_prob_from_params(
        mean.expand(rows, 2), torch.tensor(0.3), logits.expand(rows, 3)
    )
    torch.testing.assert_close(actions[:, 2:].mean(0), logits[0].softmax(-1), atol=0.015, rtol=0)
    torch.testing.assert_close(actions[:, :2].mean(0), mean[0], atol=0.01, rtol=0)
    torch.testing.assert_close(actions[:, :2].std(0), torch.tensor([0.3, 0.3]), atol=0.01, rtol=0)
    assert actions[:, 0].max() > 1 and log_prob.shape == (rows,)


def test_padding_has_a_probability():
    distribution, _, _ = make_distribution()
    assert torch.isfinite(distribution.log_prob(torch.zeros(6, 5))).all()


@pytest.mark.parametrize(
    ("env", "message"),
    [
        (lambda: RAMVecEnv("RAM-CatchGame-Discrete-v0", 2), "action_format='box'.*without -Discrete"),
        (lambda: RAMVecEnv("RAM-CatchGame-Flat-v0", 2), "expected a dictionary"),
        (lambda: VecFrameStack(RAMVecEnv(CATCH, 2), 4), "not stacked"),
    ],
)
def test_spaces_that_do_not_fit_are_named(env, message):
    with pytest.raises(ValueError, match=message):
        make_model(env())


def test_a_policy_of_other_settings_is_refused():
    model = make_model()
    with pytest.raises(ValueError, match="core_size=9, not 12.*policy_kwargs"):
        to_sb3(
            RAMPolicy(ram_settings(model.get_env(), NetworkSettings(core="lstm", **{**SMALL, "core_size": 9}))), model
        )
    with pytest.raises(ValueError, match="RAMRecurrentPolicy"):
        from_sb3(PPO("MultiInputPolicy", RAMVecEnv(CATCH, 2), device="cpu"))


def test_what_the_decision_does_not_cover_is_refused():
    with pytest.raises(ValueError, match="use_sde"):
        make_model(use_sde=True)
    with pytest.raises(ValueError, match="random_locations"):
        make_model(network={"random_locations": True})


@pytest.mark.parametrize("missing", ["stable_baselines3", "sb3_contrib"])
def test_a_missing_library_names_the_extra(missing, monkeypatch):
    monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.delitem(sys.modules, "agents.integrations.sb3")
    with pytest.raises(DependencyNotInstalled, match=rf"{missing}.*ram-active-vision\[sb3\]"):
        import_module("agents.integrations.sb3")


@pytest.mark.parametrize("settings", [{"sensor": "zoom", "num_scales": 1}, {"gaze": "relative", "max_step": 0.3}])
def test_zoom_and_relative_gaze_train_and_come_back(settings):
    env = RAMVecEnv("RAM-Digits-v0", B, **settings)
    model = make_model(env, n_steps=4, batch_size=8).learn(32)
    policy, size = from_sb3(model), env.task.glimpse_sensor.gaze_size
    assert policy.settings.gaze_size == size == (3 if "sensor" in settings else 2)
    observation = {key: torch.as_tensor(value) for key, value in env.reset().items()}
    actions, _ = model.predict(env.reset(), deterministic=True)
    assert actions.shape == (B, size + 10)
    decision, _ = policy.act(observation, policy.initial_state(B), greedy=True)
    assert decision.fixation.shape == (B, size)


class Bright(gymnasium.Env):
    """A picture that is bright on the left or on the right; an action says on which side, and a sense helps."""

    observation_space = spaces.Dict(
        picture=spaces.Box(0, 255, (8, 16), np.uint8), step=spaces.Box(0, 1, (2,), np.float32)
    )
    action_space = spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.side, self.time = int(self.np_random.integers(2)), 0
        return self._observation(), {}

    def step(self, action):
        self.time += 1
        return self._observation(), float(action == self.side), self.time == 4, False, {}

    def _observation(self):
        picture = np.zeros((8, 16), np.uint8)
        picture[:, 8 * self.side : 8 * self.side + 8] = 200
        return {"picture": picture, "step": np.float32([self.time / 4, 1])}


def test_recurrent_ppo_trains_the_policy_on_a_wrapped_environment():
    env = make_vec_env(lambda: Glimpse(Bright(), patch_size=2, num_scales=2, senses=["step"]), n_envs=4)
    model = make_model(env, n_steps=16, batch_size=32)
    settings = model.policy.settings
    assert settings.glimpse_shape == (2, 1, 2, 2) and settings.senses == {"step": 2} and settings.num_actions == 2
    before = {name: value.clone() for name, value in model.policy.state_dict().items()}
    model.learn(128)
    changed = {name for name, value in model.policy.state_dict().items() if not torch.equal(value, before[name])}
    assert any("sensed" in name for name in changed) and any("location_network" in name for name in changed)
    action, _ = model.predict(env.reset(), deterministic=True)
    assert action.shape == (4, 4) and from_sb3(model).settings == settings
