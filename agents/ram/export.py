"""Export: an agent as a small checkpoint to share, without what only training needs."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agents.ram.checkpoint import CheckpointError, checkpoint_file, load_checkpoint, save_checkpoint
from agents.ram.normalisation import RunningNorm
from agents.ram.policy import RAMPolicy

SUFFIX = ".safetensors"


def shared_settings(env_settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of an environment that go with a shared agent: all but ``split``."""
    return {name: value for name, value in env_settings.items() if name != "split"}


def export_agent(checkpoint: str | os.PathLike[str], out: str | os.PathLike[str], env_id: str | None = None) -> Path:
    """Write an agent with its weights in half precision and its settings, without the state of the optimizer.

    The arguments of its environment are kept too, except ``split``: a user evaluates on the test split.

    Args:
        checkpoint: The run folder or the checkpoint file.
        out: The file to write; its name ends in ".safetensors".
        env_id: Id of the environment that the agent must have been trained on; None for any.

    Returns:
        The file.

    Raises:
        CheckpointError: If the checkpoint is missing, broken or of another environment, or ``out`` has another suffix,
            is the checkpoint itself, or cannot be written.
    """
    source, file = checkpoint_file(checkpoint), Path(out)
    check_out(file, SUFFIX)
    content = load_checkpoint(source, env_id)
    if file.exists() and file.samefile(source):
        raise CheckpointError(f"{file} is the checkpoint itself, which exporting would strip: choose another name")
    return save_checkpoint(
        file,
        _in_half_precision(content.policy),
        content.env_id,
        shared_settings(content.env_settings),
        training=content.training,
        progress=content.progress,
    )


def _in_half_precision(policy: RAMPolicy) -> RAMPolicy:
    """Return a copy in half precision, except for the statistics of observations, whose range is larger."""
    policy = copy.deepcopy(policy)
    for module in policy.modules():
        if not isinstance(module, RunningNorm):
            for tensor in (*module.parameters(recurse=False), *module.buffers(recurse=False)):
                tensor.data = tensor.data.half()
    return policy


def check_out(file: str | os.PathLike[str], suffix: str) -> None:
    """Check the name of a file to export to.

    Raises:
        CheckpointError: If it has another suffix, or is a folder.
    """
    if Path(file).suffix != suffix or Path(file).is_dir():
        raise CheckpointError(f"{file} is not a file to export to: expected a name that ends in {suffix}")
