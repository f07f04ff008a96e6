"""The steps that the training loops share."""

import torch

from agents.training.fast import distributed
from agents.training.losses import Targets
from agents.training.optimisation import minibatches
from agents.training.returns import Steps


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
