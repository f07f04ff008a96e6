"""Checkpoints: one file that holds a policy and, while it trains, all that is needed to go on exactly.

The file is safetensors: the tensors are the weights and the optimiser's state, the header's metadata is JSON with all
the settings. No pickle, so reading one runs no code. A file is written beside its place and then moved there, so that
a crash, a full disk or a read-only folder leaves the checkpoint before it whole. There is no random state to save:
everything random in training follows from the run's seed and the number of the iteration (agents/training/rollout.py).
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from agents.errors import RAMError
from agents.ram.policy import RAMPolicy
from agents.ram.settings import RAMSettings

FORMAT = 1
"""Version of the format; a checkpoint of a newer one is refused."""
FILE_NAME = "checkpoint.safetensors"
_KIND = "ram-policy"
_WEIGHTS, _OPTIMIZER = "policy.", "optimizer."


class CheckpointError(RAMError, ValueError):
    """A checkpoint that cannot be read, or not used here, or not written; the message says why and what to do."""


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint holds.

    Attributes:
        policy: The policy, on the device that was asked for.
        env_id: Id of the environment that it was trained on.
        env_settings: Keyword arguments of that environment.
        training: The training's settings, as plain values.
        progress: Where the training stood: "seed", "iteration", "frames", "time_s".
        optimizer: The optimiser's state, by "parameter name:state name"; empty if it was left out.
    """

    policy: RAMPolicy
    env_id: str
    env_settings: dict[str, Any]
    training: dict[str, Any] = field(default_factory=dict)
    progress: dict[str, Any] = field(default_factory=dict)
    optimizer: dict[str, Tensor] = field(default_factory=dict)


def checkpoint_file(path: str | os.PathLike[str]) -> Path:
    """Return the file that ``path`` means: itself, or the checkpoint in it where it is a folder."""
    path = Path(path)
    return path / FILE_NAME if path.is_dir() else path


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
    """Write a checkpoint, atomically.

    Args:
        path: The file, or a folder that it gets its usual name in.
        policy: The policy.
        env_id: Id of its environment.
        env_settings: Keyword arguments of its environment, plain values.
        training: The training's settings, plain values.
        progress: Where the training stands, plain values.
        optimizer: The optimiser of the policy's parameters; None for a checkpoint to use and not to go on from.

    Returns:
        The file.

    Raises:
        CheckpointError: If it cannot be written, or a setting is no plain value; an older file is left as it was.
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
        metadata = {key: json.dumps(value) for key, value in content.items()}
    except TypeError as error:
        raise CheckpointError(
            f"{path} cannot be written: a setting of {env_id} is not a plain value ({error}); data sets are saved by "
            "name or folder, not as arrays"
        ) from error
    tensors = {_WEIGHTS + name: value for name, value in policy.state_dict().items()}
    if optimizer is not None:
        tensors |= {_OPTIMIZER + name: value for name, value in optimizer_tensors(policy, optimizer).items()}
    data = save({name: value.detach().cpu().contiguous() for name, value in tensors.items()}, metadata)
    try:
        write_atomically(path, data)
    except OSError as error:
        kept = "; the checkpoint before it is kept" if path.exists() else ""
        raise CheckpointError(f"{path} cannot be written: {error.strerror or error}{kept}") from error
    return path


def load_checkpoint(
    path: str | os.PathLike[str], env_id: str | None = None, device: str | torch.device = "cpu"
) -> Checkpoint:
    """Read a checkpoint.

    Args:
        path: The file, or the folder of a run.
        env_id: Id of the environment that it must belong to; None for any.
        device: Where the tensors go.

    Raises:
        CheckpointError: If there is none, or it is truncated, of another kind, a newer format or another environment.
    """
    path = checkpoint_file(path)
    if not path.exists():
        where = f"{path.parent} holds no checkpoint" if path.name == FILE_NAME else f"{path} does not exist"
        raise CheckpointError(f"{where}: expected a run's folder, or a file that training wrote ({FILE_NAME})")
    content, tensors = _read(path, device)
    if env_id is not None and content["env_id"] != env_id:
        raise CheckpointError(
            f"{path} was trained on {content['env_id']}, not on {env_id}: give the checkpoint of a run on {env_id}"
        )
    try:
        policy = RAMPolicy(RAMSettings.from_dict(content["policy"])).to(device)
        policy.load_state_dict(_with_prefix(tensors, _WEIGHTS))
        policy.answer_names = tuple(content.get("answer_names", ()))  # version 0.1 did not store them
    except (TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"{path} does not fit this version's policy: {error}") from error
    return Checkpoint(
        policy,
        content["env_id"],
        content["env_settings"],
        content["training"],
        content["progress"],
        _with_prefix(tensors, _OPTIMIZER),
    )


def _read(path: Path, device: str | torch.device) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Read and check a file: its metadata and its tensors."""
    try:
        with safe_open(path, framework="pt", device=str(device)) as file:
            metadata = file.metadata() or {}
            if metadata.get("kind") != json.dumps(_KIND):
                raise CheckpointError(f"{path} is a safetensors file, but not a checkpoint of a RAM policy")
            content = {key: json.loads(value) for key, value in metadata.items()}
            if content["format"] > FORMAT:
                raise CheckpointError(
                    f"{path} has format {content['format']}, and this version reads up to {FORMAT}: update the package"
                )
            return content, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dictionary)
    except CheckpointError:
        raise
    except (SafetensorError, ValueError, KeyError, OSError) as error:
        raise CheckpointError(
            f"{path} is truncated or not a checkpoint ({error}): train again, or use another one"
        ) from error


def _with_prefix(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def optimizer_tensors(module: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return an optimiser's state by "parameter name:state name"."""
    return {
        f"{name}:{key}": value
        for name, parameter in module.named_parameters()
        for key, value in optimizer.state.get(parameter, {}).items()
    }


def restore_optimizer(module: nn.Module, optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Give a fresh optimiser of a module's parameters the state that :func:`optimizer_tensors` returned."""
    names = {id(parameter): name for name, parameter in module.named_parameters()}
    content = optimizer.state_dict()
    index = 0
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            state = _with_prefix(tensors, names[id(parameter)] + ":")
            if state:
                content["state"][index] = state
            index += 1
    optimizer.load_state_dict(content)


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that there is either the old one or the whole new one, whatever happens.

    Raises:
        OSError: If it cannot be written; nothing is left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
