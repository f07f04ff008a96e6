"""Training by several processes that torchrun started, each with its part of the rows: all that the loops know of it.

Each process plays its part of every batch and learns from it. What is random is drawn for the whole batch, and what is
a mean over rows becomes, averaged over the processes, the mean over all rows. So every process takes the step that one
process with all rows would take, and all keep the same weights without ever sending them. One of them, the first,
writes. In a process alone each function here hands back what it was given.
"""

from __future__ import annotations

import atexit
import importlib
import os
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed

Value = TypeVar("Value")


class ProcessLost(RuntimeError):
    """Another process of this training is gone; the message says so."""


def join(device: torch.device) -> None:
    """Train with the other processes that torchrun started, if there are any, from now until this one ends.

    Args:
        device: Where this one computes. Tensors on a GPU go through NCCL, the others through gloo.
    """
    if _joined() or _launched("WORLD_SIZE", 1) == 1:
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    # The optimiser imports it sooner or later, and with it modules that take the group of that moment as a default
    # argument. Then nothing would end the group's threads, and one that still works as the interpreter ends aborts it.
    importlib.import_module("torch._dynamo")
    distributed.init_process_group("cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo")
    atexit.register(distributed.destroy_process_group)


def first() -> bool:
    """Whether this is the process that writes files and prints."""
    return _launched("RANK", 0) == 0


def local_rank() -> int:
    """Return the number of this process among those of its machine: that of its GPU."""
    return _launched("LOCAL_RANK", 0)


def share() -> tuple[int, int]:
    """Return which part of every batch this process has: (r, n) for the r-th, from 0, of n equal ones."""
    return (distributed.get_rank(), distributed.get_world_size()) if _joined() else (0, 1)


def rows(num_envs: int, multiple_of: int = 1) -> slice:
    """Return this process's rows of a batch.

    Args:
        num_envs: Rows of all processes together.
        multiple_of: What the number of each process's rows has to be a multiple of.

    Raises:
        ValueError: If that cannot be.
    """
    part, parts = share()
    if parts > 1 and num_envs % (parts * multiple_of):
        groups = "" if multiple_of == 1 else f", the number of processes times rollouts_per_image={multiple_of}"
        raise ValueError(
            f"num_envs={num_envs} cannot be shared by {parts} processes: expected a multiple of "
            f"{parts * multiple_of}{groups}"
        )
    size = num_envs // parts
    return slice(part * size, (part + 1) * size)


def own(chosen: Tensor, num_envs: int) -> Tensor:
    """Return those of the chosen rows of the whole batch, int64 (R,), that are this process's, counted from its first.

    They may be none: an update takes the same rows however they are shared.
    """
    if not _joined():
        return chosen
    mine = rows(num_envs)
    return chosen[(chosen >= mine.start) & (chosen < mine.stop)] - mine.start


def average(values: Tensor) -> Tensor:
    """Return the mean of the processes' values, float (...), without a gradient; integers become float32."""
    if not _joined():
        return values
    values = values.detach()
    result = values.clone() if values.is_floating_point() else values.float()
    _call(distributed.all_reduce, result)
    return result / distributed.get_world_size()


def average_gradients(parameters: Iterable[Tensor]) -> None:
    """Give every parameter the mean of its gradients in all processes, in one message."""
    if not _joined():
        return
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    together = average(torch.cat([gradient.flatten() for gradient in gradients]))
    for gradient, mean in zip(gradients, together.split([gradient.numel() for gradient in gradients]), strict=True):
        gradient.copy_(mean.view_as(gradient))


def largest(number: int) -> int:
    """Return the largest of the processes' numbers; it goes from CPU to CPU, and nobody waits for a GPU."""
    if not _joined():
        return number
    result = torch.tensor(number)
    _call(distributed.all_reduce, result, distributed.ReduceOp.MAX)
    return int(result)


def once(action: Callable[[], Value]) -> Value:
    """Do something in the first process alone; return what it returns, or raise what it raises, in all of them."""
    if not _joined():
        return action()
    outcome: list[Any] = [None, None]
    if first():
        try:
            outcome[0] = action()
        except (OSError, ValueError, RuntimeError) as error:
            outcome[1] = error
    _call(distributed.broadcast_object_list, outcome)
    if outcome[1] is not None:
        raise outcome[1]
    return outcome[0]


def _launched(variable: str, alone: int) -> int:
    """Return a number that torchrun gives each process that it starts; ``alone`` if it did not start this one."""
    launched = distributed.is_available() and distributed.is_torchelastic_launched()
    return int(os.environ[variable]) if launched else alone


def _joined() -> bool:
    return distributed.is_available() and distributed.is_initialized()


def _call(operation: Callable[..., Any], *arguments: Any) -> None:
    """Do something together with the other processes.

    Raises:
        ProcessLost: If one of them is gone.
    """
    try:
        operation(*arguments)
    except RuntimeError as error:
        raise ProcessLost(
            f"another process of this training is gone ({error}): see what it says; the last checkpoint is kept"
        ) from error
