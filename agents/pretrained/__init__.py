"""Trained agents that come with the package, one an environment: `ram watch pretrained:RAM-CatchGame-v0`.

They are the checkpoints of training without the optimiser's state, their weights in half precision. Which seed of which
row each one is, and what it reaches, is in docs/results.md.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from agents.ram.checkpoint import Checkpoint

PREFIX = "pretrained:"
SIZE_LIMIT = 2_500_000
"""Bytes that an agent may take."""
FOLDER = Path(__file__).parent
"""Where the agents are."""
_SUFFIX = ".safetensors"


def pretrained_ids() -> list[str]:
    """Return the ids of the environments that there are agents for."""
    return sorted(file.name.removesuffix(_SUFFIX) for file in FOLDER.glob(f"*{_SUFFIX}"))


def pretrained_file(env_id: str) -> Path:
    """Return the checkpoint of the agent for an environment.

    Raises:
        CheckpointError: If there is none; the message says which there are.
    """
    from agents.ram.checkpoint import CheckpointError

    known = pretrained_ids()
    if env_id not in known:
        names = ", ".join(PREFIX + id for id in known)
        those = f"those that come with the package are {names}" if known else "none comes with this package: train one"
        raise CheckpointError(f"there is no trained agent {PREFIX}{env_id}: {those}")
    return FOLDER / f"{env_id}{_SUFFIX}"


def resolve_checkpoint(path: str | os.PathLike[str]) -> Path:
    """Return the file or folder that is meant: "pretrained:ID" is the agent of the package, all else is itself.

    Raises:
        CheckpointError: If there is no such agent.
    """
    name = os.fspath(path)
    return pretrained_file(name.removeprefix(PREFIX)) if name.startswith(PREFIX) else Path(name)


def load_pretrained(env_id: str, device: str | torch.device = "cpu") -> Checkpoint:
    """Load the agent for an environment.

    Args:
        env_id: Id of the environment.
        device: Where its tensors go.

    Raises:
        CheckpointError: If there is none, or it is broken.
    """
    from agents.ram.checkpoint import load_checkpoint

    return load_checkpoint(pretrained_file(env_id), env_id, device)


def export_pretrained(run_folder: str | os.PathLike[str], env_id: str, folder: Path | None = None) -> Path:
    """Make a run's policy the agent for its environment: weights in half precision and settings, and nothing else.

    Args:
        run_folder: The run, or its checkpoint.
        env_id: Id of its environment.
        folder: Where it goes; the package's own if left out.

    Returns:
        The file.

    Raises:
        CheckpointError: If the checkpoint is missing, broken or of another environment, or the agent would be larger
            than ``SIZE_LIMIT``.
    """
    from agents.ram.checkpoint import CheckpointError, load_checkpoint
    from agents.ram.export import export_agent

    policy = load_checkpoint(run_folder, env_id).policy
    size = 2 * sum(value.numel() for value in policy.state_dict().values())  # half precision takes two bytes a weight
    if size > SIZE_LIMIT:
        raise CheckpointError(f"the agent of {run_folder} has {size:,} bytes of weights: expected up to {SIZE_LIMIT:,}")
    return export_agent(run_folder, (folder or FOLDER) / f"{env_id}{_SUFFIX}", env_id)
