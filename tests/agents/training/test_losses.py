"""Losses against values computed by hand, and the way that every gradient takes."""

import math

import pytest
import torch

from agents.ram.decisions import SequenceEvaluation
from agents.ram.policy import RAMPolicy
from agents.ram.settings import RAMSettings
from agents.training.hybrid import mean_of_the_others
from agents.training.losses import (
    SELF_IMITATION,
    Answers,
    Targets,
    hybrid_loss,
    ppo_loss,
    reinforce_loss,
)
from agents.training.returns import (
    Steps,
    advantages,
    confidence_gains,
    discounted_returns,
    normalised,
    of_right_answer,
)


def column(*values):
    """One row over time: (T, 1)."""
    return torch.tensor(values)[:, None]


def steps(mask):
    return Steps(mask, mask.sum())


def answers(label, returns, *, length=2, class_loss="last", baseline=None):
    """Answers of episodes of this length, whose answer counts at the last step."""
    everywhere = torch.ones(length, len(label), dtype=torch.bool)
    last = torch.zeros_like(everywhere)
    last[-1] = True
    return Answers(
        target=label.expand(length, -1),
        returns=returns,
        baseline=baseline,
        answer_steps=steps(last if class_loss == "last" else everywhere),
        location_steps=steps(~last),
        steps=steps(everywhere),
    )


def evaluation(location, action, entropy, log_probs, value):
    return SequenceEvaluation(
        column(*location), column(*action), column(*entropy), torch.tensor(log_probs), column(*value)
    )


# --- advantages -----------------------------------------------------------------------------------------------------


def test_advantages_of_three_steps():
    reward, value = column(0.0, 0.0, 1.0), column(0.5, 0.4, 0.7)
    terminated = column(False, False, True)
    # delta: 0 + 0.9 * 0.4 - 0.5 = -0.14, 0 + 0.9 * 0.7 - 0.4 = 0.23, 1 - 0.7 = 0.3; decay 0.9 * 0.8 = 0.72
    last = 0.3
    middle = 0.23 + 0.72 * last
    first = -0.14 + 0.72 * middle
    result = advantages(reward, value, terminated, discount=0.9, gae_lambda=0.8)
    torch.testing.assert_close(result, column(first, middle, last))


def test_nothing_comes_back_over_the_end_of_an_episode():
    reward, value = column(1.0, 0.0, 0.0), column(0.2, 9.0, 9.0)
    terminated = column(True, True, True)  # over after the first step, frozen since
    result = advantages(reward, value, terminated, discount=1.0, gae_lambda=1.0)
    torch.testing.assert_close(result[0], torch.tensor([0.8]))


def test_rows_end_apart():
    reward = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
    terminated = torch.tensor([[True, False], [True, True]])
    torch.testing.assert_close(discounted_returns(reward, terminated, 0.5), torch.tensor([[1.0, 1.0], [0.0, 2.0]]))


def test_normalised_advantages_do_not_look_at_what_is_masked():
    advantage = torch.tensor([[1.0, 3.0], [100.0, 2.0]])
    mask = torch.tensor([[True, True], [False, True]])
    result = normalised(advantage, steps(mask))
    assert result[mask].mean().abs() < 1e-6
    torch.testing.assert_close(result[mask].square().mean(), torch.tensor(1.0))


def test_equal_advantages_become_0():
    equal = torch.ones(3, 1)
    torch.testing.assert_close(normalised(equal, steps(equal > 0)), torch.zeros(3, 1))


# --- hybrid ---------------------------------------------------------------------------------------------------------

LOG_PROBS = [[[math.log(1 / 4), math.log(3 / 4)]], [[math.log(4 / 5), math.log(1 / 5)]]]  # T = 2, B = 1


@pytest.mark.parametrize(
    ("class_loss", "expected"),
    [("last", -math.log(0.2)), ("every", -(math.log(0.75) + math.log(0.2)) / 2)],
)
def test_hybrid_loss_by_hand(class_loss, expected):
    seen = evaluation((-1.5, -2.5), (0.0, 0.0), (0.0, 0.0), LOG_PROBS, (0.25, 0.75))
    right = answers(torch.tensor([1]), torch.tensor([1.0]), class_loss=class_loss)
    loss = hybrid_loss(seen, right, location_weight=2.0, baseline_weight=3.0)
    torch.testing.assert_close(loss.classification, torch.tensor(expected))
    torch.testing.assert_close(
        loss.location, torch.tensor(0.75 * 1.5)
    )  # (R - b_1) of the first step; the last is not seen
    torch.testing.assert_close(loss.baseline, torch.tensor((0.75**2 + 0.25**2) / 2))
    torch.testing.assert_close(loss.total, loss.classification + 2 * loss.location + 3 * loss.baseline)


def test_hybrid_loss_with_a_baseline_of_ones_own():
    seen = evaluation((-1.5, -2.5), (0.0, 0.0), (0.0, 0.0), LOG_PROBS, (0.25, 0.75))
    loss = hybrid_loss(seen, answers(torch.tensor([1]), torch.tensor([1.0]), baseline=torch.tensor([0.4])))
    torch.testing.assert_close(loss.location, torch.tensor(0.6 * 1.5))


def test_explored_locations_are_learned_from_only_if_they_were_better_than_expected():
    seen = evaluation((-1.5, -2.0, -2.5), (0.0,) * 3, (0.0,) * 3, [*LOG_PROBS, LOG_PROBS[1]], (0.25, 0.5, 0.75))
    right = answers(torch.tensor([1]), column(0.6, 0.1, 0.0), length=3)
    for explored, expected in (
        ((False, False, False), (0.35 * 1.5 - 0.4 * 2.0) / 2),
        ((True, False, False), (SELF_IMITATION * 0.35 * 1.5 - 0.4 * 2.0) / 2),
        ((False, True, False), 0.35 * 1.5 / 2),
    ):
        loss = hybrid_loss(seen, right, explored=column(*explored))
        torch.testing.assert_close(loss.location, torch.tensor(expected))
    unchanged = hybrid_loss(seen, right).baseline  # which predicts what follows from every location
    torch.testing.assert_close(loss.baseline, unchanged)


def test_hybrid_loss_of_a_single_glimpse_has_no_location_to_learn():
    seen = evaluation((-1.5,), (0.0,), (0.0,), LOG_PROBS[1:], (0.25,))
    loss = hybrid_loss(seen, answers(torch.tensor([0]), torch.tensor([1.0]), length=1))
    assert loss.location == 0
    assert loss.total.isfinite()


def test_hybrid_loss_with_a_return_for_every_location():
    seen = evaluation((-1.5, -2.5), (0.0, 0.0), (0.0, 0.0), LOG_PROBS, (0.25, 0.75))
    loss = hybrid_loss(seen, answers(torch.tensor([1]), column(0.6, 0.0)))
    torch.testing.assert_close(loss.location, torch.tensor((0.6 - 0.25) * 1.5))
    torch.testing.assert_close(loss.baseline, torch.tensor((0.35**2 + 0.75**2) / 2))


def test_normalised_advantages_of_the_hybrid_loss_leave_out_the_last_step():
    seen = evaluation((-1.5, -2.5, -3.5), (0.0,) * 3, (0.0,) * 3, [*LOG_PROBS, LOG_PROBS[1]], (0.25, 0.5, 0.75))
    right = answers(torch.tensor([1]), column(1.25, 3.5, 100.0), length=3)
    loss = hybrid_loss(seen, right, normalise_advantage=True)
    # The advantages 1 and 3 become -1 and 1; the 99.25 of the last step would make both of them negative.
    torch.testing.assert_close(loss.location, torch.tensor((-1.5 + 2.5) / 2))
    torch.testing.assert_close(loss.baseline, torch.tensor((1.0 + 9.0 + 99.25**2) / 3))  # as without


@pytest.mark.parametrize("discount", [0.0, 0.5, 1.0])
def test_confidence_gains_by_hand(discount):
    # The right class has the probabilities 1/4, 1/2 and 1/5 after the three glimpses.
    log_probs = torch.tensor([[1 / 4, 3 / 4], [1 / 2, 1 / 2], [1 / 5, 4 / 5]]).log()[:, None]  # (T, B = 1, classes)
    last = 1 / 5 - 1 / 2
    first = 1 / 2 - 1 / 4 + discount * last
    target = torch.zeros(3, 1, dtype=torch.int64)
    torch.testing.assert_close(of_right_answer(log_probs, target), column(1 / 4, 1 / 2, 1 / 5).log())
    over = column(False, False, True)
    torch.testing.assert_close(confidence_gains(log_probs.exp(), target, over, discount), column(first, last, 0.0))
    over = column(False, True, True)  # an episode of two steps: nothing after its end is anybody's gain
    expected = column(1 / 2 - 1 / 4, 0.0, 0.0)
    torch.testing.assert_close(confidence_gains(log_probs.exp(), target, over, discount)[:2], expected[:2])


def test_confidence_gains_are_those_of_the_answer_that_is_right_after_the_glimpse():
    # The first class is right at first, the second one afterwards: 3/4 -> 1/2 -> 4/5.
    log_probs = torch.tensor([[1 / 4, 3 / 4], [1 / 2, 1 / 2], [1 / 5, 4 / 5]]).log()[:, None]
    gains = confidence_gains(log_probs.exp(), torch.tensor([[0], [1], [1]]), column(False, False, True), 0.5)
    last = 4 / 5 - 1 / 2
    torch.testing.assert_close(gains, column(1 / 2 - 3 / 4 + 0.5 * last, last, 0.0))


def test_the_others_mean_is_taken_image_by_image():
    returns = torch.tensor([[1.0, 0.0, 4.0, 6.0], [0.0, 0.5, 1.0, 1.0]])  # (T, B): two images of two episodes each
    expected = torch.tensor([[0.0, 1.0, 6.0, 4.0], [0.5, 0.0, 1.0, 1.0]])
    torch.testing.assert_close(mean_of_the_others(returns, 2), expected)
    torch.testing.assert_close(mean_of_the_others(returns[0], 2), expected[0])


# --- PPO and REINFORCE ----------------------------------------------------------------------------------------------


def targets(advantage, **masks):
    length = len(advantage)
    everywhere = torch.ones(length, 1, dtype=torch.bool)
    return Targets(
        location_log_prob=torch.zeros(length, 1),
        action_log_prob=torch.zeros(length, 1),
        advantage=column(*advantage),
        returns=torch.full((length, 1), 0.5),
        action_steps=steps(masks.get("action_mask", everywhere)),
        location_steps=steps(masks.get("location_mask", everywhere)),
    )


@pytest.mark.parametrize(
    ("ratio", "advantage", "expected"),
    [
        (1.5, 2.0, -1.2 * 2.0),  # good, and already much likelier: clipped
        (0.5, 2.0, -0.5 * 2.0),  # good, but less likely than it was: not clipped
        (1.5, -2.0, 1.5 * 2.0),  # bad, and likelier: not clipped
        (0.5, -2.0, 0.8 * 2.0),  # bad, and already much less likely: clipped
        (1.1, 2.0, -1.1 * 2.0),
    ],
)
def test_ppo_clips_move_and_location_apart(ratio, advantage, expected):
    for which in ("location", "action"):
        log_prob = {"location": (0.0,), "action": (0.0,), which: (math.log(ratio),)}
        seen = evaluation(log_prob["location"], log_prob["action"], (0.7,), [[[0.0, 0.0]]], (0.2,))
        weights = {"location_weight": 0.25, "entropy_weight": 0.1, "baseline_weight": 0.5}
        loss = ppo_loss(seen, targets([advantage]), clip_range=0.2, **weights)
        other = {"location": "action", "action": "location"}[which]
        torch.testing.assert_close(getattr(loss, which), torch.tensor(expected))
        torch.testing.assert_close(getattr(loss, other), torch.tensor(-advantage))
        assert getattr(loss, which + "_clipped") == float(abs(ratio - 1) > 0.2)
        assert getattr(loss, other + "_clipped") == 0
        torch.testing.assert_close(loss.baseline, torch.tensor(0.09))
        torch.testing.assert_close(loss.total, 0.25 * loss.location + loss.action + 0.5 * 0.09 - 0.1 * 0.7)


def test_reinforce_by_hand():
    seen = evaluation((-1.0, -3.0), (-0.5, -0.25), (0.6, 0.4), [[[0.0, 0.0]]] * 2, (0.2, 0.3))
    loss = reinforce_loss(seen, targets([2.0, -1.0]), location_weight=0.25, entropy_weight=0.1, baseline_weight=1.0)
    torch.testing.assert_close(loss.location, torch.tensor((2.0 * 1.0 - 1.0 * 3.0) / 2))
    torch.testing.assert_close(loss.action, torch.tensor((2.0 * 0.5 - 1.0 * 0.25) / 2))
    torch.testing.assert_close(loss.total, 0.25 * loss.location + loss.action + (0.09 + 0.04) / 2 - 0.1 * 0.5)


@pytest.mark.parametrize("algorithm", ["ppo", "reinforce"])
def test_steps_after_the_end_and_the_last_location_do_not_count(algorithm):
    masks = {"action_mask": column(True, True, False), "location_mask": column(True, False, False)}
    seen = evaluation((-1.0, -7.0, -9.0), (-0.5, -0.25, -9.0), (0.6, 0.4, 9.0), [[[0.0, 0.0]]] * 3, (0.2, 0.3, 9.0))
    whole = targets([2.0, -1.0, 50.0], **masks)
    part = targets([2.0, -1.0], action_mask=column(True, True), location_mask=column(True, False))
    cut = SequenceEvaluation(*(value[:2] for value in seen))
    if algorithm == "ppo":
        assert ppo_loss(seen, whole, clip_range=0.2) == ppo_loss(cut, part, clip_range=0.2)
    else:
        assert reinforce_loss(seen, whole) == reinforce_loss(cut, part)


# --- the way of the gradients ---------------------------------------------------------------------------------------

T, B = 3, 4
LABEL = torch.zeros(B, dtype=torch.int64)
PARTS = ("glimpse_network", "core_network", "location_network", "action_network", "baseline")


def make_policy(core):
    torch.manual_seed(0)
    sizes = {"core_size": 8, "glimpse_hidden": 8, "location_hidden": 8, "glimpse_features": 8}
    policy = RAMPolicy(RAMSettings(num_actions=3, glimpse_shape=(1, 1, 2, 2), core=core, **sizes))
    for parameter in policy.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return policy


def evaluate(policy, **gradients):
    generator = torch.Generator().manual_seed(0)
    glimpse, location, fixation = (torch.rand(T, B, size, generator=generator) for size in (4, 2, 2))
    observation, action = {"glimpse": glimpse, "location": location}, torch.arange(T * B).reshape(T, B) % 3
    return policy.evaluate_sequence(observation, policy.initial_state(B), fixation, action, **gradients)


def reached(policy, loss):
    """The networks that a loss gives a gradient to."""
    policy.zero_grad()
    loss.backward()
    return {
        part
        for part in PARTS
        if any(p.grad is not None and p.grad.abs().sum() > 0 for p in getattr(policy, part).parameters())
    }


def test_a_weighted_mean_by_hand():
    """Answers that count have the weight 1, the others 0.25; a weight of 0 keeps even an infinity out."""
    weight = column(0.0, 0.25, 1.0)
    mean = Steps(weight, weight.sum()).mean(column(float("inf"), 2.0, 4.0))
    assert mean.item() == pytest.approx((0.25 * 2 + 4) / 1.25)


@pytest.mark.parametrize("core", ["relu", "lstm"])
@pytest.mark.parametrize("class_loss", ["last", "every"])
def test_hybrid_gradients_go_where_the_paper_sends_them(core, class_loss):
    policy = make_policy(core)
    for part, expected in {
        "classification": {"glimpse_network", "core_network", "action_network"},
        "location": {"location_network"},
        "baseline": {"baseline"},
    }.items():
        seen = evaluate(policy, location_gradient=0, value_gradient=False)
        loss = hybrid_loss(seen, answers(LABEL, torch.rand(B), length=T, class_loss=class_loss))
        assert reached(policy, getattr(loss, part)) == expected


def test_the_baseline_may_train_the_core_where_asked():
    policy = make_policy("relu")
    loss = hybrid_loss(evaluate(policy, location_gradient=0), answers(LABEL, torch.zeros(B), length=T))
    assert reached(policy, loss.baseline) == {"glimpse_network", "core_network", "baseline"}


def test_the_locations_may_train_the_core_with_a_share_of_their_gradient():
    policy = make_policy("relu")
    weight = policy.core_network.from_core.weight

    def gradient(share):
        right = answers(LABEL, torch.arange(float(B)), length=T)
        loss = hybrid_loss(evaluate(policy, location_gradient=share), right)
        assert "location_network" in reached(policy, loss.location)
        return weight.grad.clone()

    whole = gradient(1)
    assert whole.abs().sum() > 0
    torch.testing.assert_close(gradient(0.1), 0.1 * whole)


@pytest.mark.parametrize("algorithm", ["ppo", "reinforce"])
def test_game_gradients_reach_the_core_but_no_advantage_carries_one(algorithm):
    policy = make_policy("lstm")
    shared = {"glimpse_network", "core_network"}
    for part, head in {"location": "location_network", "action": "action_network", "baseline": "baseline"}.items():
        seen = evaluate(policy)
        mask = steps(torch.ones(T, B, dtype=torch.bool))
        past = [value.detach() for value in (seen.location_log_prob, seen.action_log_prob)]
        advantage = torch.rand(T, B) - seen.value  # as if somebody had forgotten to detach it
        judged = Targets(*past, advantage, torch.rand(T, B), mask, mask)
        loss = ppo_loss(seen, judged, clip_range=0.2) if algorithm == "ppo" else reinforce_loss(seen, judged)
        assert reached(policy, getattr(loss, part)) == shared | {head}


def test_the_hybrid_gradient_of_a_location_is_the_advantage_times_the_score():
    policy = make_policy("relu")
    seen = evaluate(policy, location_gradient=0, value_gradient=False)
    returns = torch.tensor([1.0, 0.0, 1.0, 1.0])
    loss = hybrid_loss(seen, answers(LABEL, returns, length=T))
    bias = policy.location_network.mean.bias
    (gradient,) = torch.autograd.grad(loss.location, bias, retain_graph=True)
    scores = [
        torch.autograd.grad(seen.location_log_prob[t, row], bias, retain_graph=True)[0]
        * (returns[row] - seen.value[t, row])
        for t in range(T - 1)
        for row in range(B)
    ]
    torch.testing.assert_close(gradient, -torch.stack(scores).mean(0).detach())
