"""Trained agents that come with the package, one per environment: `ram watch pretrained:RAM-CatchGame-v0`.

They are checkpoints without the state of the optimizer, with weights in half precision. docs/results.md says how each
one was trained, how its seed was chosen and what it reaches.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from agents.extras import require

if TYPE_CHECKING:
    import torch

    from agents.ram.checkpoint import Checkpoint

PREFIX = "pretrained:"
FOLDER = Path(__file__).parent
"""The folder of the agents."""
MODEL_FILE = "model.safetensors"
"""The file that holds the agent in a folder written for the Hugging Face Hub."""
_SUFFIX = ".safetensors"


def pretrained_ids() -> list[str]:
    """Return the ids of the environments that have an agent in the package."""
    return sorted(file.name.removesuffix(_SUFFIX) for file in FOLDER.glob(f"*{_SUFFIX}"))


def pretrained_file(env_id: str) -> Path:
    """Return the checkpoint of the agent for an environment.

    Raises:
        CheckpointError: If there is none; the message lists the agents of the package.
        DependencyNotInstalled: If the extra `agents` is not installed.
    """
    require("agents", "torch", "safetensors")
    from agents.ram.checkpoint import CheckpointError

    known = pretrained_ids()
    if env_id not in known:
        names = f"the package has {', '.join(PREFIX + id for id in known)}" if known else "train one"
        raise CheckpointError(f"there is no trained agent {PREFIX}{env_id}: {names}")
    return FOLDER / f"{env_id}{_SUFFIX}"


def resolve_checkpoint(path: str | os.PathLike[str]) -> Path:
    """Return the checkpoint that a user means.

    Args:
        path: "pretrained:ID" for an agent of the package; a folder that was written for the Hugging Face Hub, for the
            file in it; otherwise a run folder or a file, which is returned as it is, with "~" expanded.

    Raises:
        CheckpointError: If there is no such agent.
        DependencyNotInstalled: If the extra `agents` is not installed.
    """
    name = os.fspath(path)
    if name.startswith(PREFIX):
        return pretrained_file(name.removeprefix(PREFIX))
    require("agents", "torch", "safetensors")
    from agents.ram.checkpoint import FILE_NAME

    resolved = Path(name).expanduser()
    from_hub = (resolved / MODEL_FILE).is_file() and not (resolved / FILE_NAME).exists()
    return resolved / MODEL_FILE if from_hub else resolved


def load_pretrained(env_id: str, device: str | torch.device = "cpu") -> Checkpoint:
    """Load the agent for an environment.

    :func:`agents.load` gives an agent that acts on NumPy observations.

    Args:
        env_id: Id of the environment.
        device: Device of its tensors.

    Raises:
        CheckpointError: If there is none, or it is damaged.
        DependencyNotInstalled: If the extra `agents` is not installed.
    """
    require("agents", "torch", "safetensors")
    from agents.ram.checkpoint import load_checkpoint

    return load_checkpoint(pretrained_file(env_id), env_id, device)
