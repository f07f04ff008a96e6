"""Trained agents that come with the package, one per environment: `ram watch pretrained:RAM-CatchGame-v0`.

They are checkpoints without the state of the optimizer, with weights in half precision. docs/results.md lists the row
and the random seed of each, and its figures.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from agents.ram.checkpoint import Checkpoint

PREFIX = "pretrained:"
FOLDER = Path(__file__).parent
"""The folder of the agents."""
_SUFFIX = ".safetensors"


def pretrained_ids() -> list[str]:
    """Return the ids of the environments that have a trained agent."""
    return sorted(file.name.removesuffix(_SUFFIX) for file in FOLDER.glob(f"*{_SUFFIX}"))


def pretrained_file(env_id: str) -> Path:
    """Return the checkpoint of the agent for an environment.

    Raises:
        CheckpointError: If there is none.
    """
    from agents.ram.checkpoint import CheckpointError

    known = pretrained_ids()
    if env_id not in known:
        names = ", ".join(PREFIX + id for id in known)
        those = f"those that come with the package are {names}" if known else "none comes with this package: train one"
        raise CheckpointError(f"there is no trained agent {PREFIX}{env_id}: {those}")
    return FOLDER / f"{env_id}{_SUFFIX}"


def resolve_checkpoint(path: str | os.PathLike[str]) -> Path:
    """Return the path of a checkpoint: of the package's agent for "pretrained:ID", otherwise the path itself.

    Raises:
        CheckpointError: If there is no such agent.
    """
    name = os.fspath(path)
    return pretrained_file(name.removeprefix(PREFIX)) if name.startswith(PREFIX) else Path(name)


def load_pretrained(env_id: str, device: str | torch.device = "cpu") -> Checkpoint:
    """Load the agent for an environment.

    Args:
        env_id: Id of the environment.
        device: Device of its tensors.

    Raises:
        CheckpointError: If there is none, or it is broken.
    """
    from agents.ram.checkpoint import load_checkpoint

    return load_checkpoint(pretrained_file(env_id), env_id, device)
