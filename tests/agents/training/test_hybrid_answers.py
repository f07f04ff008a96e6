"""What the hybrid training learns from: the reward of every location and the steps that count, on episodes by hand."""

import pytest
import torch

from agents.ram.decisions import SequenceEvaluation
from agents.training.hybrid import _answers
from agents.training.rollout import Episodes
from agents.training.settings import HybridSettings
from ram_envs.scenes.labels import CombinedLabels

TARGET = torch.tensor([[0, 2], [0, 2], [0, 2]])  # (T, B): one class in each row
# The second row ends after two steps; the answer of its third one counts for nothing.
MASK = torch.tensor([[True, True], [True, True], [True, False]])
OVER = torch.tensor([[False, False], [False, True], [True, True]])
COUNTS = torch.tensor([[False, False], [True, True], [True, True]])
REWARD = torch.tensor([[0.0, 0.0], [0.5, 2.0], [1.0, 0.0]])
PROBS = torch.tensor(
    [
        [[0.2, 0.5, 0.3], [0.3, 0.6, 0.1]],
        [[0.4, 0.4, 0.2], [0.1, 0.4, 0.5]],
        [[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]],
    ]
)


def answers(*, overlap=None, early_weight=0.0, **settings):
    """The answers of two episodes of three and of two glimpses."""
    zeros = torch.zeros(3, 2)
    episodes = Episodes(
        observation={},
        fixation=torch.zeros(3, 2, 2),
        task_action=torch.zeros(3, 2, dtype=torch.int64),
        h=torch.zeros(3, 2, 1),
        reward=REWARD,
        over=OVER,
        mask=MASK,
        target=TARGET,
        answer_counts=COUNTS,
        info={},
    )
    evaluation = SequenceEvaluation(zeros, zeros, zeros, PROBS.log().requires_grad_(), zeros)
    found = _answers(episodes, evaluation, HybridSettings(num_envs=2, **settings), overlap, torch.tensor(early_weight))
    assert not found.returns.requires_grad
    return found


def test_the_return_is_the_sum_of_the_rewards():
    found = answers(location_reward="return")
    torch.testing.assert_close(found.returns, torch.tensor([1.5, 2.0]))
    assert found.baseline is None  # the policy's own


def test_the_likelihood_is_a_mean_over_the_answers_that_count():
    """The first row has two such answers, the second one: steps after the end are left out."""
    expected = torch.stack([torch.tensor([0.4, 0.7]).log().mean(), torch.tensor(0.5).log()])
    torch.testing.assert_close(answers(location_reward="likelihood").returns, expected)


@pytest.mark.parametrize("discount", [0.0, 0.5, 1.0])
def test_the_confidence_is_discounted_as_the_settings_say(discount):
    returns = answers(location_reward="confidence", confidence_discount=discount).returns
    torch.testing.assert_close(returns[:, 0], torch.tensor([0.2 + discount * 0.3, 0.3, 0.0]))
    torch.testing.assert_close(returns[0, 1], torch.tensor(0.4))


@pytest.mark.parametrize("discount", [0.5, 1.0])
def test_the_overlap_is_the_expected_share_of_objects_that_the_answer_names(discount):
    overlap = torch.as_tensor(CombinedLabels("set", 2, ("a", "b")).overlap())  # "a a", "a b", "b b"
    returns = answers(location_reward="overlap", overlap=overlap, confidence_discount=discount).returns
    shares = 0.2 + 0.5 / 2, 0.4 + 0.4 / 2, 0.7 + 0.2 / 2  # the right answer is "a a": half of "a b" is right
    second = shares[2] - shares[1]
    torch.testing.assert_close(returns[:, 0], torch.tensor([shares[1] - shares[0] + discount * second, second, 0.0]))
    torch.testing.assert_close(returns[0, 1], torch.tensor(0.5 + 0.4 / 2 - (0.1 + 0.6 / 2)))


@pytest.mark.parametrize("reward", ["return", "likelihood", "confidence"])
def test_several_rollouts_of_an_image_are_the_baseline_of_each_other(reward):
    found = answers(location_reward=reward, rollouts_per_image=2)
    torch.testing.assert_close(found.baseline, found.returns.flip(-1))


def test_the_steps_whose_answers_and_locations_are_trained():
    found = answers(early_weight=0.25)
    # The first answer of each row does not count, and has the early weight; nothing has one after the end.
    assert found.answer_steps.mask.tolist() == [[0.25, 0.25], [1, 1], [1, 0]] and found.answer_steps.number == 3.5
    assert found.location_steps.mask.tolist() == [[True, True], [True, False], [False, False]]
    assert found.location_steps.number == 3
    assert found.steps.mask.equal(MASK) and found.steps.number == 5
    assert found.target.equal(TARGET)
