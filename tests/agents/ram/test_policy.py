"""The policy: acting and learning are two readings of the same parameters."""

import math

import pytest
import torch
from torch.distributions import Categorical, Normal

from agents.ram.policy import RAMPolicy
from agents.ram.settings import RAMSettings

T, B = 5, 6


def make_policy(**settings):
    torch.manual_seed(0)
    sizes = {"core_size": 8, "glimpse_hidden": 8, "location_hidden": 8, "glimpse_features": 8}
    policy = RAMPolicy(RAMSettings(**{"num_actions": 3, "glimpse_shape": (2, 1, 2, 2), **sizes, **settings}))
    for parameter in policy.parameters():  # away from the small start of the heads
        torch.nn.init.normal_(parameter, std=0.5)
    return policy


def observations():
    generator = torch.Generator().manual_seed(1)
    return {
        "glimpse": torch.rand(T, B, 8, generator=generator),
        "location": torch.rand(T, B, 2, generator=generator) * 2 - 1,
    }


def act_through(policy, observation, **how):
    state, decisions = policy.initial_state(B), []
    for t in range(T):
        decision, state = policy.act({key: value[t] for key, value in observation.items()}, state, **how)
        decisions.append(decision)
    return [torch.stack(values) for values in zip(*decisions, strict=True)]


@pytest.mark.parametrize("core", ["relu", "lstm"])
@pytest.mark.parametrize("location_network_hidden", [0, 4])
def test_one_step_and_whole_sequence_agree(core, location_network_hidden):
    policy = make_policy(core=core, location_network_hidden=location_network_hidden)
    observation = observations()
    fixation, action, location_log_prob, action_log_prob, value = act_through(policy, observation)
    evaluation = policy.evaluate_sequence(observation, policy.initial_state(B), fixation, action)
    torch.testing.assert_close(evaluation.location_log_prob, location_log_prob)
    torch.testing.assert_close(evaluation.action_log_prob, action_log_prob)
    torch.testing.assert_close(evaluation.value, value)


def test_log_probabilities_are_those_of_the_distributions_and_of_the_unclipped_location():
    policy = make_policy(location_std=0.7)
    observation = observations()
    h, _ = policy.encode(observation, policy.initial_state(B))
    heads = policy.heads(h)
    fixation, action = heads.location_mean.detach() + 3.0, torch.arange(T * B).reshape(T, B) % 3
    evaluation = policy.evaluate_sequence(observation, policy.initial_state(B), fixation, action)
    assert (fixation.abs() > 1).any()
    normal, categorical = Normal(heads.location_mean, 0.7), Categorical(logits=heads.action_logits)
    torch.testing.assert_close(evaluation.location_log_prob, normal.log_prob(fixation).sum(-1))
    torch.testing.assert_close(evaluation.action_log_prob, categorical.log_prob(action))
    torch.testing.assert_close(evaluation.action_entropy, categorical.entropy())


def test_draws_follow_the_distributions():
    policy = make_policy(location_std=0.3)
    rows = 20_000
    observation = {key: value[0, :1].expand(rows, -1) for key, value in observations().items()}
    decision, _ = policy.act(observation, policy.initial_state(rows), generator=torch.Generator().manual_seed(0))
    h, _ = policy.encode({key: value[None, :1] for key, value in observation.items()}, policy.initial_state(1))
    heads = policy.heads(h[0, 0])
    shares = decision.task_action.bincount(minlength=3) / rows
    torch.testing.assert_close(shares, heads.action_logits.softmax(-1), atol=0.015, rtol=0)
    torch.testing.assert_close(decision.fixation.mean(0), heads.location_mean, atol=0.01, rtol=0)
    torch.testing.assert_close(decision.fixation.std(0), torch.tensor([0.3, 0.3]), atol=0.01, rtol=0)


def test_greedy_takes_the_mean_and_the_likeliest_and_needs_no_randomness():
    policy = make_policy()
    observation = observations()
    first, again = (act_through(policy, observation, greedy=True) for _ in range(2))
    for a, b in zip(first, again, strict=True):
        assert torch.equal(a, b)
    fixation, action, location_log_prob, *_ = first
    h, _ = policy.encode(observation, policy.initial_state(B))
    torch.testing.assert_close(fixation, policy.heads(h).location_mean)
    assert torch.equal(action, policy.heads(h).action_logits.argmax(-1))
    peak = -2 * math.log(0.1) - math.log(2 * math.pi)
    torch.testing.assert_close(location_log_prob, torch.full((T, B), peak))


def test_the_generator_decides_the_draws():
    policy = make_policy()
    observation = observations()
    draws = [act_through(policy, observation, generator=torch.Generator().manual_seed(seed)) for seed in (3, 3, 4)]
    assert torch.equal(draws[0][0], draws[1][0])
    assert torch.equal(draws[0][1], draws[1][1])
    assert not torch.equal(draws[0][0], draws[2][0])


@pytest.mark.parametrize("greedy_action", [False, True])
def test_choosing_with_the_same_noise_equals_deciding_for_all_rows_and_for_some(greedy_action):
    policy = make_policy()
    h, _ = policy.encode(observations(), policy.initial_state(B))
    noise = policy.noise(B, torch.Generator().manual_seed(1), greedy_action=greedy_action)

    def choose(rows):
        return policy.choose(h[0, rows], noise.of(rows))

    decision = policy.decide(h[0], generator=torch.Generator().manual_seed(1), greedy_action=greedy_action)
    half = B // 2
    first, second = choose(slice(half)), choose(slice(half, B))
    for decided, whole, *parts in zip(decision, choose(slice(B)), first, second, strict=False):
        torch.testing.assert_close(whole, decided)
        torch.testing.assert_close(torch.cat(parts), decided)
        assert not whole.requires_grad


def test_no_gradient_passes_through_the_draw():
    decision, _ = make_policy().act({k: v[0] for k, v in observations().items()}, make_policy().initial_state(B))
    assert not decision.fixation.requires_grad
    assert decision.location_log_prob.requires_grad


@pytest.mark.parametrize("core", ["relu", "lstm"])
def test_bf16_autocast_stays_close_and_answers_in_float32(core):
    policy = make_policy(core=core)
    observation = observations()
    fixation, action, *_ = act_through(policy, observation)
    exact = policy.evaluate_sequence(observation, policy.initial_state(B), fixation, action)
    with torch.autocast("cpu", torch.bfloat16):
        rough = policy.evaluate_sequence(observation, policy.initial_state(B), fixation, action)
    assert all(value.dtype == torch.float32 for value in rough)
    torch.testing.assert_close(rough.value, exact.value, atol=0.1, rtol=0.1)


@pytest.mark.parametrize(
    ("setting", "value"),
    [("core", "gru"), ("core_size", 0), ("location_std", 0.0), ("location_std", float("nan")), ("scale_gain", -1)],
)
def test_a_bad_setting_is_named(setting, value):
    with pytest.raises(ValueError, match=setting):
        make_policy(**{setting: value})


def test_random_locations_are_uniform_whatever_the_network_says():
    policy = make_policy(random_locations=True)
    observation = {key: value[0, :1].expand(4000, -1) for key, value in observations().items()}
    decision, _ = policy.act(observation, policy.initial_state(4000), greedy=True)
    assert decision.fixation.abs().max() <= 1
    for axis in decision.fixation.T:
        assert torch.histc(axis, 4, -1, 1).sub(1000).abs().max() < 150
    assert torch.corrcoef(decision.fixation.T)[0, 1].abs() < 0.06
    assert decision.location_log_prob.allclose(torch.tensor(-math.log(4)))
    again = [
        policy.act(observation, policy.initial_state(4000), generator=torch.Generator().manual_seed(1)) for _ in "ab"
    ]
    assert torch.equal(again[0][0].fixation, again[1][0].fixation)


def test_random_locations_teach_the_location_network_nothing():
    policy = make_policy(random_locations=True)
    fixation, action, *_ = act_through(policy, observations())
    evaluation = policy.evaluate_sequence(observations(), policy.initial_state(B), fixation, action)
    (evaluation.location_log_prob.sum() + evaluation.action_log_prob.sum()).backward()
    assert all(parameter.grad is None for parameter in policy.location_network.parameters())
    assert policy.action_network.logits.weight.grad is not None


@pytest.mark.parametrize("gaze_size", [1, 3, 5])
def test_a_gaze_may_have_any_number_of_numbers(gaze_size):
    policy = make_policy(gaze_size=gaze_size, location_std=0.7)
    observation = {"glimpse": observations()["glimpse"], "location": torch.rand(T, B, gaze_size) * 2 - 1}
    fixation, action, location_log_prob, *_ = act_through(policy, observation)
    assert fixation.shape == (T, B, gaze_size)
    evaluation = policy.evaluate_sequence(observation, policy.initial_state(B), fixation, action)
    torch.testing.assert_close(evaluation.location_log_prob, location_log_prob)
    mean = policy.heads(policy.encode(observation, policy.initial_state(B))[0]).location_mean
    torch.testing.assert_close(location_log_prob, Normal(mean, 0.7).log_prob(fixation).sum(-1))
    random = make_policy(gaze_size=gaze_size, random_locations=True)
    decision, _ = random.act({key: value[0] for key, value in observation.items()}, random.initial_state(B))
    assert decision.fixation.shape == (B, gaze_size) and decision.fixation.abs().max() <= 1
    torch.testing.assert_close(decision.location_log_prob, torch.full((B,), -gaze_size * math.log(2)))


def test_a_glimpse_may_have_levels_that_are_not_square():
    policy = make_policy(glimpse_shape=(2, 3, 1, 4), scale_gain=2.0)
    gains = policy.glimpse_network.input_gains
    assert gains.tolist() == [1.0] * 12 + [2.0] * 12
    assert policy.settings.glimpse_size == 24
    policy.act({"glimpse": torch.rand(B, 24), "location": torch.zeros(B, 2)}, policy.initial_state(B))
