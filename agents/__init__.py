"""Agents that learn where to look: the model, its training, its results, and the `ram` command.

:func:`load` returns a trained agent. Importing this package loads no torch.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agents.agent import Agent, AgentState

__all__ = ["Agent", "AgentState", "load"]


def load(checkpoint: str | os.PathLike[str], *, device: str = "cpu") -> Agent:
    """Load a trained agent.

    Args:
        checkpoint: A run folder such as "runs/catch", a checkpoint file, or a trained agent of the package such as
            "pretrained:RAM-CatchGame-v0".
        device: Where it computes: "cpu", "cuda", or "auto" for the GPU if there is one.

    Raises:
        DependencyNotInstalled: If the extra `agents` is not installed.
        CheckpointError: If there is no checkpoint, or it cannot be used here.
        SettingsError: If the device is not available.
    """
    from agents.agent import Agent

    return Agent.load(checkpoint, device=device)


def __getattr__(name: str) -> Any:
    """Import the classes when they are used, since they need torch."""
    if name not in ("Agent", "AgentState"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from agents import agent

    return getattr(agent, name)
