"""The extras of the distribution: which one brings an optional package, and the error that names it."""

from __future__ import annotations

from importlib import import_module

import gymnasium

EXTRAS = {
    "huggingface_hub": "hub",
    "imageio_ffmpeg": "video",
    "onnx": "export",
    "onnxscript": "export",
    "ray": "rllib",
    "sb3_contrib": "sb3",
    "skrl": "skrl",
    "stable_baselines3": "sb3",
    "torchrl": "torchrl",
    **dict.fromkeys(("array_api_compat", "matplotlib", "safetensors", "tensorboard", "torch", "yaml"), "agents"),
}
"""The extra that brings each optional package."""


def require(extra: str, *modules: str) -> None:
    """Check that optional packages can be imported.

    Args:
        extra: Name of the extra in setup.cfg that installs them.
        *modules: Their names, as they are imported.

    Raises:
        DependencyNotInstalled: If one cannot be imported; the message names it and the extra.
    """
    for module in modules:
        try:
            import_module(module)
        except ImportError as error:
            raise gymnasium.error.DependencyNotInstalled(
                f"{module} cannot be imported ({error}): pip install 'ram-active-vision[{extra}]'"
            ) from error
