"""What both loops do alike: follow the schedule, choose the arithmetic, take a step of the optimiser."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from agents.ram.policy import RAMPolicy
from agents.training import distributed
from agents.training.run import Run
from agents.training.settings import TrainingSettings


def make_optimizer(policy: RAMPolicy, settings: TrainingSettings) -> torch.optim.AdamW:
    """Return the optimiser; on a GPU its learning rate is a tensor, so that a graph sees it change."""
    on_gpu = policy.location_std.is_cuda
    rate = torch.tensor(settings.learning_rate, device=policy.location_std.device) if on_gpu else settings.learning_rate
    return torch.optim.AdamW(
        policy.parameters(), lr=rate, weight_decay=settings.weight_decay, fused=True, capturable=on_gpu
    )


def rate_factor(schedule: str, warmup: float, iteration: int, iterations: int) -> float:
    """Return what the learning rate of an iteration is multiplied by.

    Args:
        schedule: "constant", "linear" or "cosine".
        warmup: Share of the training in which the learning rate first rises from 0.
        iteration: Which, from 0.
        iterations: Of the whole training.
    """
    done = iteration / iterations
    factor = {"constant": 1.0, "linear": 1 - done, "cosine": 0.5 * (1 + math.cos(math.pi * done))}[schedule]
    return factor * (iteration + 1) / math.ceil(warmup * iterations) if done < warmup else factor


def follow_schedule(run: Run, settings: TrainingSettings, iteration: int) -> None:
    """Set the learning rate and the location's standard deviation of an iteration."""
    done = iteration / run.plan.iterations
    factor = rate_factor(settings.schedule, settings.warmup, iteration, run.plan.iterations)
    for group in run.optimizer.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(settings.learning_rate * factor)
        else:
            group["lr"] = settings.learning_rate * factor
    if settings.location_std_final is not None:
        start = settings.network.location_std
        run.policy.location_std.fill_(start + (settings.location_std_final - start) * done)


def autocast(settings: TrainingSettings, device: torch.device) -> torch.autocast:
    """Return the context in which glimpse and core network run in the precision of the settings."""
    return torch.autocast(device.type, torch.bfloat16, enabled=settings.precision == "bfloat16")


def update(policy: RAMPolicy, optimizer: torch.optim.Optimizer, loss: Tensor, max_grad_norm: float) -> Tensor:
    """Take one step of the optimiser; return the gradient's norm before it was clipped, float32 ()."""
    optimizer.zero_grad()
    loss.backward()
    distributed.average_gradients(policy.parameters())
    gradient_norm = torch.nn.utils.clip_grad_norm_(policy.parameters(), max_grad_norm)
    optimizer.step()
    return gradient_norm
