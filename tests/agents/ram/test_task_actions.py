"""Task actions of several choices and numbers, against torch's own distributions."""

import torch
from torch.distributions import Categorical, Normal

from agents.ram.policy import RAMPolicy
from agents.ram.settings import RAMSettings
from agents.ram.task_actions import SeveralActions, make_task_actions

SMALL = {"core_size": 8, "glimpse_hidden": 8, "location_hidden": 8, "glimpse_features": 8}


def test_log_probabilities_and_entropies_are_those_of_the_parts():
    actions = SeveralActions((3, 2), 2, std=0.5)
    torch.manual_seed(0)
    outputs = torch.randn(10, 7)
    task_action = actions.choose(outputs, torch.empty(10, 5).exponential_(), torch.randn(10, 2))
    evaluation = actions.evaluate(outputs, task_action)
    first, second = Categorical(logits=outputs[:, :3]), Categorical(logits=outputs[:, 3:5])
    numbers = Normal(outputs[:, 5:], 0.5)
    expected = first.log_prob(task_action[:, 0]) + second.log_prob(task_action[:, 1])
    torch.testing.assert_close(evaluation.log_prob, expected + numbers.log_prob(task_action[:, 2:]).sum(1))
    torch.testing.assert_close(evaluation.entropy, first.entropy() + second.entropy() + numbers.entropy().sum(1))


def test_without_noise_the_likeliest_options_and_the_means_are_taken():
    actions = SeveralActions((3, 2), 1, std=0.5)
    chosen = actions.choose(torch.tensor([[0.0, 1.0, 0.0, 2.0, 1.0, 0.3]]), None)
    torch.testing.assert_close(chosen, torch.tensor([[1.0, 0.0, 0.3]]))


def test_samples_have_the_probabilities_of_the_softmax():
    actions = SeveralActions((2, 3), 0, std=0.5)
    outputs = torch.tensor([[0.0, 1.0, 0.5, 0.0, -1.0]]).expand(50_000, 5)
    noise = torch.empty(50_000, 5).exponential_(generator=torch.Generator().manual_seed(0))
    chosen = actions.choose(outputs, noise)
    shares = torch.stack([(chosen[:, 0] == 1).float().mean(), (chosen[:, 1] == 0).float().mean()])
    expected = torch.stack([outputs[0, :2].softmax(0)[1], outputs[0, 2:].softmax(0)[0]])
    torch.testing.assert_close(shares, expected, atol=0.01, rtol=0)


def test_one_choice_stays_an_integer():
    actions = make_task_actions((4,), 0, 0.5)
    assert actions.choose(torch.eye(4), None).tolist() == [0, 1, 2, 3]
    assert not list(actions.parameters())


def test_a_policy_without_a_gaze_has_no_location_network():
    policy = RAMPolicy(RAMSettings(num_actions=0, numbers=2, gaze_size=0, glimpse_shape=(1, 1, 1, 3), **SMALL))
    assert not [name for name, _ in policy.named_parameters() if "location" in name or "where" in name]
    decision, _ = policy.act({"glimpse": torch.zeros(5, 3)}, policy.initial_state(5))
    assert decision.fixation.shape == (5, 0) and decision.task_action.shape == (5, 2)
    assert (decision.location_log_prob == 0).all()


def test_starts_inside_a_sequence_erase_the_memory():
    for core in ("relu", "lstm"):
        policy = RAMPolicy(RAMSettings(num_actions=2, glimpse_shape=(1, 1, 1, 3), gaze_size=0, core=core, **SMALL))
        observation = {"glimpse": torch.randn(6, 2, 3)}
        starts = torch.zeros(6, 2, dtype=torch.bool)
        starts[2, 0] = starts[4, 1] = True
        h, state = policy.encode(observation, policy.initial_state(2), starts)
        for row, first in ((0, 2), (1, 4)):
            alone = {"glimpse": observation["glimpse"][first:, row : row + 1]}
            expected, state_alone = policy.encode(alone, policy.initial_state(1))
            torch.testing.assert_close(h[first:, row], expected[:, 0])
            torch.testing.assert_close(state[0][row], state_alone[0][0])
