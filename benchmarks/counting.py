"""Count the floating-point operations and the bytes of a training frame from the sizes of the networks."""

from __future__ import annotations

from agents.ram.policy import RAMPolicy
from agents.ram.settings import RAMSettings
from agents.training.presets import settings_for
from agents.training.settings import GameSettings
from ram_envs import make_tensor

PASS = 3
"""Cost of a forward and a backward pass, relative to the forward pass."""


def operations_per_step(env_id: str) -> int:
    """Count the floating-point operations of one forward step of one row: two for each weight of each matrix."""
    return 2 * sum(rows * columns for rows, columns in _matrices(env_id))


def operations_per_frame(env_id: str) -> int:
    """Count the floating-point operations of one frame of training.

    The rollout is one forward pass, and every epoch of the update a forward and a backward pass. Hybrid training
    reuses the forward pass of the rollout, so its update is a backward pass only.
    """
    return operations_per_step(env_id) + update_operations_per_frame(env_id)


def update_operations_per_frame(env_id: str) -> int:
    """Count the floating-point operations of the update for one frame."""
    settings = settings_for(env_id)
    passes = PASS * settings.update_epochs if isinstance(settings, GameSettings) else PASS - 1
    return passes * operations_per_step(env_id)


def update_bytes_per_frame(env_id: str, number: int = 2) -> int:
    """Count the bytes that the matrix products of the update read and write for one frame.

    Assumes that each product reads its input and writes its output once, and that weights come from the cache.

    Args:
        env_id: The environment.
        number: Bytes per number; 2 for bfloat16.
    """
    per_step = number * sum(rows + columns for rows, columns in _matrices(env_id))
    return per_step * update_operations_per_frame(env_id) // operations_per_step(env_id)


def _matrices(env_id: str) -> list[tuple[int, int]]:
    """Return the shapes of the weight matrices, (outputs, inputs), of a preset's networks."""
    policy = RAMPolicy(RAMSettings.for_environment(make_tensor(env_id, 1), settings_for(env_id).network))
    return [(value.shape[0], value.shape[1]) for value in policy.parameters() if value.ndim == 2]
