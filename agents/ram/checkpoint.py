"""Checkpoints: one file that holds a policy and, for a training run, everything to resume it exactly.

The file is safetensors: the tensors are the weights and the optimizer state, the metadata is JSON with all settings.
There is no pickle, so loading a checkpoint runs no code. Everything that is loaded is checked: types and ranges of the
settings, names, shapes, data types and values of the tensors. Files are written atomically: after a crash, or on a full
disk or in a read-only folder, the previous checkpoint is still there. No random state is saved, because everything
random in training follows from the run's seed and the iteration (agents/training/rollout.py).
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import agents.with_torch  # noqa: F401

# isort: split
import torch
from safetensors.torch import save
from torch import Tensor

from agents.files import write_atomically
from agents.ram.optimizer_state import optimizer_problem, optimizer_tensors, restore_optimizer
from agents.ram.policy import RAMPolicy
from agents.ram.tensor_file import REMEDY, CheckpointError, read_tensor_file
from agents.ram.validation import FORMAT, WEIGHTS, check_content, make_policy
from agents.untrusted import shown

__all__ = [
    "FILE_NAME",
    "FORMAT",
    "Checkpoint",
    "CheckpointError",
    "checkpoint_file",
    "load_checkpoint",
    "optimizer_tensors",
    "restore_optimizer",
    "save_checkpoint",
    "write_atomically",
]

FILE_NAME = "checkpoint.safetensors"
_KIND, _DESCRIPTION = "ram-policy", "a checkpoint of a RAM policy"
_OPTIMIZER = "optimizer."


@dataclass(frozen=True)
class Checkpoint:
    """The content of a checkpoint.

    Attributes:
        policy: The policy, on the device that was asked for.
        env_id: Id of the environment that it was trained on.
        env_settings: Keyword arguments of that environment.
        training: The training settings, as plain values.
        progress: The state of the training: "seed", "iteration", "frames", "time_s" and "pending", the statistics
            since the last line of the log.
        optimizer: The optimizer state, by "parameter name:state name"; empty if it was not saved.
    """

    policy: RAMPolicy
    env_id: str
    env_settings: dict[str, Any]
    training: dict[str, Any] = field(default_factory=dict)
    progress: dict[str, Any] = field(default_factory=dict)
    optimizer: dict[str, Tensor] = field(default_factory=dict)


def checkpoint_file(path: str | os.PathLike[str]) -> Path:
    """Return the checkpoint that ``path`` means: the file itself, or ``checkpoint.safetensors`` in a folder.

    A path that does not exist is a file if it has a suffix that starts with a letter (``agent.safetensors``), and a
    folder otherwise (``runs/catch``, ``runs/rate-0.01``).
    """
    path = Path(path)
    is_file = path.is_file() if path.exists() else path.suffix[1:2].isalpha()
    return path if is_file else path / FILE_NAME


def save_checkpoint(
    path: str | os.PathLike[str],
    policy: RAMPolicy,
    env_id: str,
    env_settings: Mapping[str, Any],
    *,
    training: Mapping[str, Any] | None = None,
    progress: Mapping[str, Any] | None = None,
    optimizer: torch.optim.Optimizer | None = None,
) -> Path:
    """Write a checkpoint atomically.

    Args:
        path: The file, or the folder, which is created; see :func:`checkpoint_file`.
        policy: The policy.
        env_id: Id of its environment.
        env_settings: Keyword arguments of its environment, plain values.
        training: The training settings, plain values.
        progress: The state of the training, plain values.
        optimizer: AdamW of the policy's parameters; None for a checkpoint that cannot be resumed.

    Returns:
        The file.

    Raises:
        CheckpointError: If the file cannot be written, a setting is not a plain value, or a tensor contains NaN or
            infinity. An older file is unchanged.
    """
    path = checkpoint_file(path)
    content = {
        "kind": _KIND,
        "format": FORMAT,
        "env_id": env_id,
        "env_settings": dict(env_settings),
        "policy": policy.settings.to_dict(),
        "answer_names": policy.answer_names,
        "training": dict(training or {}),
        "progress": dict(progress or {}),
    }
    try:
        metadata = {key: json.dumps(value, allow_nan=False) for key, value in content.items()}
    except (TypeError, ValueError) as error:
        raise CheckpointError(
            f"{path} cannot be written: a setting of {env_id} is not a plain value ({error}); datasets are saved by "
            "name or folder, not as arrays"
        ) from error
    tensors = {WEIGHTS + name: value for name, value in policy.state_dict().items()}
    if optimizer is not None:
        tensors |= {_OPTIMIZER + name: value for name, value in optimizer_tensors(policy, optimizer).items()}
    tensors = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    kept = "; the checkpoint before it is kept" if path.exists() else ""
    for name, value in tensors.items():
        if not value.isfinite().all():
            raise CheckpointError(f"{path} is not written: the tensor {name} contains NaN or infinity{kept}")
    try:
        write_atomically(path, save(tensors, metadata))
    except OSError as error:
        raise CheckpointError(f"{path} cannot be written: {error.strerror or error}{kept}") from error
    return path


def load_checkpoint(
    path: str | os.PathLike[str], env_id: str | None = None, device: str | torch.device = "cpu"
) -> Checkpoint:
    """Load a checkpoint and check everything in it.

    Args:
        path: The file, or the folder of a run.
        env_id: Id of the environment that it has to belong to; None for any.
        device: Where the tensors go.

    Raises:
        CheckpointError: If there is no checkpoint, or it is damaged, of another kind, a newer format, another
            environment or one that is not installed. The message names the file, the problem and the fix.
    """
    given = Path(path)
    path = checkpoint_file(given)
    if not path.exists():
        missing = f"{given} holds no checkpoint" if given.is_dir() else f"{given} does not exist"
        raise CheckpointError(f"{missing}: expected the folder of a run, or a file that training wrote ({FILE_NAME})")
    content, tensors = read_tensor_file(path, _KIND, _DESCRIPTION)
    check_content(path, content)
    content["env_id"] = content["env_id"].removeprefix("ram_envs:")  # as version 0.1 stored it if it was given so
    if env_id is not None and content["env_id"] != env_id.removeprefix("ram_envs:"):
        raise CheckpointError(
            f"{path} was trained on {content['env_id']}, not on {env_id}: use the checkpoint of a run on {env_id}"
        )
    weights = _with_prefix(tensors, WEIGHTS)
    optimizer = _with_prefix(tensors, _OPTIMIZER)
    for name in tensors:
        if not name.startswith((WEIGHTS, _OPTIMIZER)):
            raise CheckpointError(f"{path} is damaged: the tensor {shown(name)} is unexpected: {REMEDY}")
    policy = make_policy(path, content["policy"], weights)
    policy.answer_names = tuple(content.get("answer_names", ()))  # version 0.1 did not store them
    if policy.answer_names and len(policy.answer_names) != policy.settings.num_actions:
        raise CheckpointError(
            f"{path} is damaged: it has {len(policy.answer_names)} answer_names, and its policy chooses from "
            f"{policy.settings.num_actions}: {REMEDY}"
        )

    def is_never_learned(name: str) -> bool:
        return policy.settings.random_locations and name.startswith("location_network.")

    problem = optimizer_problem(policy, optimizer, is_never_learned) if optimizer else None
    if problem is not None:
        raise CheckpointError(f"{path} is damaged: {problem}: {REMEDY}")
    return Checkpoint(
        policy.to(device),
        content["env_id"],
        content["env_settings"],
        content["training"],
        content["progress"],
        {name: value.to(device) for name, value in optimizer.items()},
    )


def _with_prefix(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
