"""The steps that the training loops share."""

import math

import pytest
import torch

from agents.ram.policy import RAMPolicy
from agents.ram.settings import RAMSettings
from agents.training.fast import distributed
from agents.training.losses import Targets
from agents.training.optimisation import make_optimizer, minibatches, rate_factor
from agents.training.returns import Steps
from agents.training.settings import HybridSettings


def test_processes_count_the_steps_of_all_minibatches_in_one_message(monkeypatch):
    messages = []

    def average(values):
        messages.append(values)
        return values.float()

    monkeypatch.setattr(distributed, "average", average)
    generator = torch.Generator().manual_seed(0)
    numbers = [torch.randn(5, 6, generator=generator) for _ in range(4)]
    action, location = (torch.rand(5, 6, generator=generator) < 0.7 for _ in range(2))
    targets = Targets(*numbers, Steps(action, action.sum()), Steps(location, location.sum()))
    parts = [torch.tensor([3, 0]), torch.tensor([1, 5, 2])]

    found = list(minibatches(targets, iter(parts)))

    assert len(messages) == 1 and len(found) == 2
    for (rows, part), expected in zip(found, parts, strict=True):
        assert rows is expected
        assert all(a.equal(b[:, rows]) for a, b in zip(part[:4], numbers, strict=True))
        assert part.action_steps.mask.equal(action[:, rows]) and part.action_steps.number == action[:, rows].sum()
        assert part.location_steps.mask.equal(location[:, rows])
        assert part.location_steps.number == location[:, rows].sum()


@pytest.mark.parametrize("location_learning_rate", [None, 1e-4])
def test_the_weight_decay_of_the_settings_reaches_every_group(location_learning_rate):
    settings = HybridSettings(weight_decay=0.3, location_learning_rate=location_learning_rate)
    optimizer = make_optimizer(RAMPolicy(RAMSettings(num_actions=2, glimpse_shape=(1, 1, 1, 1))), settings)
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0.3] * len(optimizer.param_groups)
    assert len(optimizer.param_groups) == (1 if location_learning_rate is None else 2)


@pytest.mark.parametrize(
    ("iteration", "expected"), [(0, 1.0), (5, 0.5), (9, 0.5 + 0.5 * math.cos(0.9 * math.pi)), (10, 0.0)]
)
def test_the_cosine_falls_from_1_to_0(iteration, expected):
    assert rate_factor("cosine", 0.0, iteration, 10) == pytest.approx(expected)


def test_a_warmup_that_is_no_whole_number_of_iterations_never_exceeds_the_rate():
    """A quarter of 10 iterations: three of them rise, and the third one has the full rate."""
    factors = [rate_factor("constant", 0.25, iteration, 10) for iteration in range(10)]
    assert factors == pytest.approx([1 / 3, 2 / 3] + [1.0] * 8)
