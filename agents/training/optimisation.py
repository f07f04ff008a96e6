"""The steps that the training loops share: schedules, precision, the counts of means, and the optimiser's step."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping

import torch
from torch import Tensor

from agents.ram.policy import RAMPolicy
from agents.training.fast import distributed
from agents.training.losses import Targets
from agents.training.returns import Steps
from agents.training.run import Run
from agents.training.settings import TrainingSettings


def make_optimizer(policy: RAMPolicy, settings: TrainingSettings) -> torch.optim.AdamW:
    """Return the optimiser; on a GPU its learning rates are tensors, so that a CUDA graph sees them change."""
    device = policy.location_std.device
    groups = [list(policy.parameters())]
    if settings.location_learning_rate is not None:
        slow = list(policy.location_network.parameters())
        known = set(map(id, slow))
        groups = [[parameter for parameter in policy.parameters() if id(parameter) not in known], slow]
    rates = [torch.tensor(rate, device=device) if device.type == "cuda" else rate for rate in initial_rates(settings)]
    return torch.optim.AdamW(
        [{"params": group, "lr": rate} for group, rate in zip(groups, rates, strict=True)],
        weight_decay=settings.weight_decay,
        fused=True,
        capturable=device.type == "cuda",
    )


def initial_rates(settings: TrainingSettings) -> list[float]:
    """Return the initial learning rate of each group of parameters: all networks, or all but the location network."""
    rates = settings.learning_rate, settings.location_learning_rate
    return [rate for rate in rates if rate is not None]


def rate_factor(schedule: str, warmup: float, iteration: int, iterations: int) -> float:
    """Return the factor of the learning rate in an iteration.

    Args:
        schedule: "constant", "linear" or "cosine".
        warmup: Fraction of the training in which the learning rate first rises from 0.
        iteration: Number of the iteration, from 0.
        iterations: Iterations of the whole training.
    """
    done = iteration / iterations
    factor = {"constant": 1.0, "linear": 1 - done, "cosine": 0.5 * (1 + math.cos(math.pi * done))}[schedule]
    return factor * (iteration + 1) / math.ceil(warmup * iterations) if done < warmup else factor


def annealed(start: float, final: float, iteration: int, iterations: int) -> float:
    """Return a value that changes during training, such as the standard deviation of the location: a straight line.

    The first iteration has ``start``, the last one exactly ``final``, also if it is the only one. Version 0.1 stopped
    one step before ``final``: the published agents were trained with a deviation that differs by less than 1 % of the
    way, and their settings stay valid.
    """
    done = iteration / (iterations - 1) if iterations > 1 else 1.0
    return start * (1 - done) + final * done


def follow_schedule(run: Run, settings: TrainingSettings, iteration: int) -> None:
    """Set the learning rate and the standard deviation of the location for an iteration."""
    factor = rate_factor(settings.schedule, settings.warmup, iteration, run.plan.iterations)
    for group, rate in zip(run.optimizer.param_groups, initial_rates(settings), strict=True):
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(rate * factor)
        else:
            group["lr"] = rate * factor
    if settings.location_std_final is not None:
        std = settings.network.location_std, settings.location_std_final
        run.policy.location_std.fill_(annealed(*std, iteration, run.plan.iterations))


def autocast(settings: TrainingSettings, device: torch.device) -> torch.autocast:
    """Return the context in which glimpse and core network run in the precision of the settings."""
    return torch.autocast(device.type, torch.bfloat16, enabled=settings.precision == "bfloat16")


def counted(*masks: Tensor) -> Iterator[Steps]:
    """Count the steps of masks, bool (T, B), or add up their weights, over the rows of all processes."""
    counts = distributed.average(torch.stack([mask.sum() for mask in masks]))
    return map(Steps, masks, counts.unbind())


def minibatches(targets: Targets, chosen: Iterable[Tensor]) -> Iterator[tuple[Tensor, Targets]]:
    """Yield the rows of every minibatch with their targets.

    The steps of all minibatches are counted first, so that processes wait for each other once and not at every update.

    Args:
        targets: Targets of all rows of this process.
        chosen: int64 (R,), the rows of each minibatch.
    """
    parts = list(chosen)
    masks = targets.action_steps.mask, targets.location_steps.mask
    steps = counted(*(mask[:, rows] for rows in parts for mask in masks))
    for rows, action_steps, location_steps in zip(parts, steps, steps, strict=True):
        yield (
            rows,
            Targets(
                location_log_prob=targets.location_log_prob[:, rows],
                action_log_prob=targets.action_log_prob[:, rows],
                advantage=targets.advantage[:, rows],
                returns=targets.returns[:, rows],
                action_steps=action_steps,
                location_steps=location_steps,
            ),
        )


@torch.no_grad()
def observe(policy: RAMPolicy, observation: Mapping[str, Tensor]) -> None:
    """Add observations, (T, B, ...), to the statistics of a policy that normalises them, over all processes.

    Call it after learning: decisions are evaluated with the statistics with which they were made.
    """
    network = policy.glimpse_network
    norms = network.glimpse_norm, network.location_norm, network.sense_norm
    for norm, values in zip(norms, policy.inputs(observation), strict=False):  # there may be no further senses
        if norm is not None and values is not None:
            rows = values.flatten(0, -2).float()  # (T, B, n) -> (T * B, n)
            mean = distributed.average(rows.mean(0))
            variance = distributed.average((rows - mean).square().mean(0))
            norm.update(mean, variance, mean.new_full((), len(rows) * distributed.share()[1]))


def update(policy: RAMPolicy, optimizer: torch.optim.Optimizer, loss: Tensor, max_grad_norm: float) -> Tensor:
    """Take one step of the optimiser; return the norm of the gradient before clipping, float32 ()."""
    optimizer.zero_grad()
    loss.backward()
    distributed.average_gradients(policy.parameters())
    gradient_norm = torch.nn.utils.clip_grad_norm_(policy.parameters(), max_grad_norm)
    optimizer.step()
    return gradient_norm
