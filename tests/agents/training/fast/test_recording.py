"""The recorded backward pass: equal to autograd, and used only for the networks that it is written for."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from agents.ram.networks import GlimpseNetwork
from agents.ram.policy import RAMPolicy
from agents.ram.settings import NetworkSettings, RAMSettings
from agents.training import trainer
from agents.training.fast.recording import Recording
from agents.training.rollout import collect_episodes
from agents.training.settings import HybridSettings
from ram_envs import make_tensor

SMALL = NetworkSettings(core_size=8, glimpse_hidden=8, location_hidden=8, glimpse_features=8)


@pytest.mark.parametrize("core", ["relu", "lstm"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_recording_has_the_rollout_and_the_gradient_that_autograd_has(dtype, core):
    """In a second rollout, with other weights: nothing is left of the first."""
    env = make_tensor("RAM-Digits-v0", 32, action_format="dict", check_actions=False, num_scales=2, num_glimpses=4)
    torch.manual_seed(0)
    # At random in bfloat16, for a gaze that is a little elsewhere sees something else.
    network = replace(SMALL, core=core, input_gain=3.0, scale_gain=2.0, random_locations=dtype == torch.bfloat16)
    policy = RAMPolicy(RAMSettings.for_environment(env, network))
    recording = Recording.of(policy, 4, 32, dtype)
    for _ in range(2):
        for parameter in policy.parameters():
            torch.nn.init.normal_(parameter, std=0.3)
        found = []
        for record in (recording, None):
            observation, _ = env.reset(seed=3)
            with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
                generator = torch.Generator().manual_seed(1)
                episodes = collect_episodes(env, policy, observation, generator, recording=record)
            heads = policy.heads(episodes.h)
            policy.zero_grad()
            (heads.action_logits.sin().sum() + heads.location_mean.square().sum() + heads.value.sum()).backward()
            found.append((episodes, {name: p.grad.clone() for name, p in policy.named_parameters()}))
        (recorded, gradient), (graph, expected) = found
        tolerance = {"atol": 1e-4, "rtol": 1e-4} if dtype == torch.float32 else {"atol": 0.1, "rtol": 0.05}
        assert recorded.h.dtype == dtype and len(gradient) == len(list(policy.parameters()))
        torch.testing.assert_close(recorded.h.float(), graph.h.float(), **tolerance)
        torch.testing.assert_close(recorded.fixation, graph.fixation, **tolerance)
        torch.testing.assert_close(recorded.observation["glimpse"], graph.observation["glimpse"].to(dtype), **tolerance)
        for name, value in gradient.items():
            error = (value - expected[name]).norm() / expected[name].norm().clamp_min(1e-9)
            assert error < (1e-4 if dtype == torch.float32 else 0.03), f"gradient of {name}"


class DeeperGlimpseNetwork(GlimpseNetwork):
    """A glimpse network with one more layer."""

    def __init__(self, *sizes, **options):
        super().__init__(*sizes, **options)
        self.last = nn.Linear(SMALL.glimpse_features, SMALL.glimpse_features)

    def forward(self, glimpse, location):
        return torch.relu(self.last(super().forward(glimpse, location)))


def make_policy(**network):
    env = make_tensor("RAM-Digits-v0", 1)
    torch.manual_seed(0)
    return RAMPolicy(RAMSettings.for_environment(env, replace(SMALL, **network)))


def of(policy):
    return Recording.of(policy, 4, 8, torch.float32)


class OtherPolicy(RAMPolicy):
    def encode_step(self, observation, state):
        h, state = super().encode_step(observation, state)
        return 2 * h, state


def test_networks_that_are_not_the_recorded_ones_fall_back_to_autograd():
    assert of(make_policy()) is not None
    assert of(make_policy(core="lstm")) is not None
    assert of(OtherPolicy(make_policy().settings)) is None

    def changed(change, core="relu"):
        policy = make_policy(core=core)
        change(policy)
        return of(policy)

    sequence = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 8))
    assert changed(lambda policy: setattr(policy.glimpse_network, "what", sequence)) is None
    assert changed(lambda policy: setattr(policy.core_network, "more", nn.Linear(8, 8))) is None
    assert changed(lambda policy: setattr(policy.core_network, "forward", lambda features, state: None)) is None
    assert changed(lambda policy: setattr(policy, "encode", lambda observation, state: None)) is None
    assert changed(lambda policy: policy.glimpse_network.where.register_forward_hook(lambda *_: None)) is None
    assert changed(lambda policy: policy.core_network.register_full_backward_hook(lambda *_: None)) is None
    assert changed(lambda policy: nn.utils.parametrizations.weight_norm(policy.core_network.from_core)) is None
    for lstm in (nn.LSTM(8, 8, num_layers=2), nn.LSTM(8, 8, bias=False), nn.LSTM(8, 8, batch_first=True), nn.GRU(8, 8)):
        assert changed(lambda policy, lstm=lstm: setattr(policy.core_network, "lstm", lstm), "lstm") is None
    assert changed(lambda policy: policy.core_network.lstm.register_forward_hook(lambda *_: None), "lstm") is None
    weight_norm = nn.utils.parametrizations.weight_norm
    assert changed(lambda policy: weight_norm(policy.core_network.lstm, "weight_hh_l0"), "lstm") is None


def test_a_subclass_with_one_more_layer_trains_and_acts_alike(tmp_path, monkeypatch):
    """In version 0.1 the recording trained the layers that it knew, and left the new one out."""
    policies = []

    def deeper(settings):
        policy = RAMPolicy(settings)
        sizes = settings.glimpse_shape, settings.glimpse_hidden, settings.location_hidden, settings.glimpse_features
        policy.glimpse_network = DeeperGlimpseNetwork(*sizes)
        policies.append(policy)
        policies.append({name: value.clone() for name, value in policy.state_dict().items()})
        return policy

    monkeypatch.setattr(trainer, "RAMPolicy", deeper)
    played = []

    def collected(env, policy, *arguments, **options):
        episodes = collect_episodes(env, policy, *arguments, **options)
        played.append((episodes, policy.encode(episodes.observation, policy.initial_state(env.num_envs))[0]))
        return episodes

    monkeypatch.setattr("agents.training.hybrid.collect_episodes", collected)
    settings = HybridSettings(
        network=SMALL, environment={"split": "train[:64]"}, num_envs=32, epochs=2, precision="float32"
    )
    trainer.train("RAM-Digits-v0", settings, tmp_path, device="cpu", progress_bar=False)
    policy, before = policies
    for name in ("last.weight", "what.weight", "from_glimpse.weight"):
        assert not torch.equal(policy.glimpse_network.get_parameter(name), before[f"glimpse_network.{name}"]), name
    assert len(played) == 4
    for episodes, h in played:  # what it acted on is what its own networks compute
        torch.testing.assert_close(episodes.h, h)


def test_a_shifted_glimpse_falls_back_to_autograd():
    """A recording computes no shift; without the fallback such a policy would train on other inputs than it acts on."""
    assert of(make_policy(input_shift=0.5)) is None
