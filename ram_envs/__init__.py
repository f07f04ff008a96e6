"""A suite of environments in which an agent sees nothing but glimpses that it aims itself.

``gymnasium.make("ram_envs:RAM-CatchGame-v0")`` makes one; the table below lists them all. Importing this package
registers them and costs next to nothing: images, torch and pygame are loaded when they are used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gymnasium

if TYPE_CHECKING:
    from ram_envs.envs.tensor import TensorEnv

__version__ = "0.1.0"
__all__ = ["ENVIRONMENTS", "make_tensor"]

_TRANSLATED = {"task": "classification", "dataset": "mnist", "patch_size": 12, "num_scales": 3, "image_size": 60}
_CLUTTERED = {**_TRANSLATED, "num_glimpses": 8, "num_clutter": 4}

ENVIRONMENTS: dict[str, dict[str, Any]] = {
    "RAM-CatchGame-v0": {"task": "catch"},
    "RAM-MNIST-v0": {"task": "classification", "dataset": "mnist", "patch_size": 8, "num_scales": 1, "num_glimpses": 6},
    "RAM-TranslatedMNIST-v0": {**_TRANSLATED, "num_glimpses": 6},
    "RAM-ClutteredMNIST-v0": _CLUTTERED,
    "RAM-ClutteredMNIST100-v0": {**_CLUTTERED, "image_size": 100, "num_clutter": 8, "num_scales": 4},
    "RAM-Digits-v0": {
        "task": "classification",
        "dataset": "digits",
        "patch_size": 4,
        "num_scales": 1,
        "num_glimpses": 4,
    },
}
"""The environments and their settings; what is not set here has the default of the task."""

VARIANTS: dict[str, dict[str, str]] = {
    "": {},
    "Flat": {"observation_format": "flat"},
    "Discrete": {"observation_format": "flat", "action_format": "discrete"},
}
"""Other formats of each environment, as in "RAM-MNIST-Flat-v0", for tools that take nothing but an id."""

for _id, _settings in ENVIRONMENTS.items():
    _name, _version = _id.rsplit("-", 1)
    for _variant, _formats in VARIANTS.items():
        gymnasium.register(
            id="-".join(part for part in (_name, _variant, _version) if part),
            entry_point="ram_envs.envs.single:GlimpseEnv",
            vector_entry_point="ram_envs.envs.vector:GlimpseVectorEnv",
            kwargs={**_settings, **_formats},
        )


def make_tensor(id: str, num_envs: int, device: Any = "cpu", **settings: Any) -> TensorEnv:
    """Make an environment of torch tensors, for training at speed; see :class:`ram_envs.envs.tensor.TensorEnv`.

    Args:
        id: As in ``gymnasium.make``, with or without "ram_envs:" before it.
        num_envs: Number of rows.
        device: Where the rows live: "cpu", "cuda" or a ``torch.device``.
        **settings: Formats, auto-reset mode and the arguments of the task.

    Raises:
        DependencyNotInstalled: If torch or array-api-compat is missing.
        ValueError: If an argument is unknown or has a value that it cannot take.
    """
    try:
        import array_api_compat.torch  # noqa: F401
    except ImportError as error:
        raise gymnasium.error.DependencyNotInstalled(
            f"make_tensor needs torch and array-api-compat ({error}): pip install 'ram-active-vision[agents]'"
        ) from error
    from ram_envs.envs.tensor import TensorEnv

    registered = gymnasium.spec(id.removeprefix("ram_envs:")).kwargs
    if "task" not in registered:
        raise ValueError(f"id={id!r} is not an environment of ram_envs: expected one of {', '.join(ENVIRONMENTS)}")
    return TensorEnv(**{**registered, **settings, "num_envs": num_envs, "device": device})
