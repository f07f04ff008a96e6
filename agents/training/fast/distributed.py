"""Training by several processes that torchrun started: everything that the training code knows about them.

Each process plays its own rows of every batch and learns from them. Random numbers are drawn for the whole batch, and
every mean over rows is averaged over the processes (:func:`average`), so each process takes the step that a single
process with all rows would take, and all keep the same weights without sending them. Only the first process writes
files. In a process on its own, every function here returns its argument.

A process has a random number of rows of each minibatch. On a CPU the first iterations are slow, because oneDNN compiles
its products for every new number of rows; later on each process waits for the one with the most rows.

Results are equal to those of one process up to rounding: sums are added in another order. In a long run rounding grows,
as it does between any two machines, because a gaze that moves by a rounding error may see another pixel, and an answer
may change from wrong to right. After six epochs of Digits in bfloat16 the weights of one and of two processes differ by
up to 0.06; so do those of two runs of one process whose initial weights differ by 1e-7 of their size (tested).
"""

from __future__ import annotations

import atexit
import importlib
import os
import warnings
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed

from agents.errors import RAMError, SettingsError
from ram_envs.scenes.registry import DatasetWarning

Value = TypeVar("Value")


class ProcessLost(RAMError, RuntimeError):
    """Another process of this training has ended unexpectedly."""


def join(device: torch.device) -> None:
    """Join the other processes that torchrun started, if there are any, until this process ends.

    All processes load the same dataset, so only the first one keeps its warnings about datasets.

    Args:
        device: Device of this process. Tensors on a GPU go through NCCL, the others through gloo.
    """
    if _joined() or _launched("WORLD_SIZE", 1) == 1:
        return
    if not first():
        warnings.filterwarnings("ignore", category=DatasetWarning)
    if device.type == "cuda":
        torch.cuda.set_device(device)
    # The optimiser imports this module sooner or later. Imported after the group exists, parts of it keep the group as
    # a default argument, its threads never end, and a thread still running at exit aborts the interpreter.
    importlib.import_module("torch._dynamo")
    distributed.init_process_group("cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo")
    atexit.register(distributed.destroy_process_group)


def first() -> bool:
    """Return whether this is the process that writes files and prints."""
    return _launched("RANK", 0) == 0


def local_rank() -> int:
    """Return the number of this process on its machine, which is also the number of its GPU."""
    return _launched("LOCAL_RANK", 0)


def share() -> tuple[int, int]:
    """Return this process's part of every batch: (r, n) for part r, counted from 0, of n equal parts."""
    return (distributed.get_rank(), distributed.get_world_size()) if _joined() else (0, 1)


def rows(num_envs: int, multiple_of: int = 1) -> slice:
    """Return this process's rows of a batch.

    Args:
        num_envs: Rows of the whole batch.
        multiple_of: The number of each process's rows must be a multiple of this.

    Raises:
        SettingsError: If ``num_envs`` cannot be divided so.
    """
    part, parts = share()
    if parts > 1 and num_envs % (parts * multiple_of):
        groups = "" if multiple_of == 1 else f", the number of processes times rollouts_per_image={multiple_of}"
        raise SettingsError(
            f"num_envs={num_envs} cannot be shared by {parts} processes: expected a multiple of "
            f"{parts * multiple_of}{groups}"
        )
    size = num_envs // parts
    return slice(part * size, (part + 1) * size)


def own(chosen: Tensor, num_envs: int) -> Tensor:
    """Return this process's rows among some rows of the whole batch.

    Args:
        chosen: int64 (R,), row numbers in the whole batch.
        num_envs: Rows of the whole batch.

    Returns:
        int64, row numbers counted from this process's first row; there may be none.
    """
    if not _joined():
        return chosen
    part = rows(num_envs)
    return chosen[(chosen >= part.start) & (chosen < part.stop)] - part.start


def average(values: Tensor) -> Tensor:
    """Return the mean over the processes of values, float (...), without a gradient; integers become float32."""
    if not _joined():
        return values
    values = values.detach()
    result = values.clone() if values.is_floating_point() else values.float()
    _call(distributed.all_reduce, result)
    return result / distributed.get_world_size()


def average_gradients(parameters: Iterable[Tensor]) -> None:
    """Replace every parameter's gradient by its mean over the processes, in one message."""
    if not _joined():
        return
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    together = torch.cat([gradient.flatten() for gradient in gradients])
    _call(distributed.all_reduce, together)
    together /= distributed.get_world_size()
    for gradient, mean in zip(gradients, together.split([gradient.numel() for gradient in gradients]), strict=True):
        gradient.copy_(mean.view_as(gradient))


def largest(number: int) -> int:
    """Return the largest of the processes' numbers; sent between CPUs, so no process waits for a GPU."""
    if not _joined():
        return number
    result = torch.tensor(number)
    _call(distributed.all_reduce, result, distributed.ReduceOp.MAX)
    return int(result)


def once(action: Callable[[], Value]) -> Value:
    """Call a function in the first process only; return its result, or raise its error, in all processes."""
    if not _joined():
        return action()
    outcome: list[Any] = [None, None]
    if first():
        try:
            outcome[0] = action()
        except (OSError, ValueError, RuntimeError, RAMError) as error:
            outcome[1] = error
    _call(distributed.broadcast_object_list, outcome)
    if outcome[1] is not None:
        raise outcome[1]
    return outcome[0]


def _launched(variable: str, alone: int) -> int:
    """Return an environment variable that torchrun sets; ``alone`` if torchrun did not start this process."""
    launched = distributed.is_available() and distributed.is_torchelastic_launched()
    return int(os.environ[variable]) if launched else alone


def _joined() -> bool:
    return distributed.is_available() and distributed.is_initialized()


def _call(operation: Callable[..., Any], *arguments: Any) -> None:
    """Call a collective operation.

    Raises:
        ProcessLost: If another process has ended.
    """
    try:
        operation(*arguments)
    except RuntimeError as error:
        raise ProcessLost(
            f"another process of this training is gone ({error}): see what it says; the last checkpoint is kept"
        ) from error
