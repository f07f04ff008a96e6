"""Gymnasium environments for active vision: the agent sees only glimpses that it aims itself.

``gymnasium.make("ram_envs:RAM-CatchGame-v0")`` makes one. Importing this package registers the environments and costs
little: images, torch and pygame are loaded when they are used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ram_envs.registration import (
    ENVIRONMENTS,
    VARIANTS,
    EnvironmentId,
    make_task,
    make_tensor,
    parse_id,
    register,
    register_wrapper,
)

if TYPE_CHECKING:
    from ram_envs.scenes.registry import register_dataset
    from ram_envs.sensors import register_sensor

__version__ = "0.2.0"
__all__ = [
    "ENVIRONMENTS",
    "VARIANTS",
    "EnvironmentId",
    "make_task",
    "make_tensor",
    "parse_id",
    "register",
    "register_dataset",
    "register_sensor",
]

_TRANSLATED: dict[str, Any] = {"dataset": "mnist", "patch_size": 12, "num_scales": 3, "image_size": 60}
_CLUTTERED = {**_TRANSLATED, "num_glimpses": 8, "num_clutter": 4}

register("RAM-CatchGame-v0", "catch")
register("RAM-MNIST-v0", "classification", dataset="mnist", patch_size=8, num_scales=1, num_glimpses=6)
register("RAM-TranslatedMNIST-v0", "classification", **_TRANSLATED, num_glimpses=6)
register("RAM-ClutteredMNIST-v0", "classification", **_CLUTTERED)
register(
    "RAM-ClutteredMNIST100-v0", "classification", **{**_CLUTTERED, "image_size": 100, "num_clutter": 8, "num_scales": 4}
)
_PAIRS = {**_CLUTTERED, "image_size": 100, "num_scales": 4, "num_glimpses": 4, "num_objects": 2}
register("RAM-MNISTPairs-v0", "classification", **{**_PAIRS, "num_clutter": 8})
register("RAM-MNISTAddition-v0", "classification", **{**_PAIRS, "num_clutter": 0, "combine": "sum"})
register("RAM-MNISTSequence-v0", "transcription", dataset="mnist")
register("RAM-ColourMNIST-v0", "classification", **_TRANSLATED, num_glimpses=8, texture=6)
register("RAM-Digits-v0", "classification", dataset="digits", patch_size=4, num_scales=1, num_glimpses=4)
register(
    "RAM-Images-v0", "classification", dataset=None, test_fraction=0.2, patch_size=16, num_scales=3, num_glimpses=6
)
register_wrapper()

_LAZY = {"register_dataset": "ram_envs.scenes.registry", "register_sensor": "ram_envs.sensors"}


def __getattr__(name: str) -> Any:
    """Import what is not needed by every program on first use."""
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'ram_envs' has no attribute {name!r}")
