"""Checks of a checkpoint's content: metadata of the right types, and weights that fit the settings."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import gymnasium
import torch
from torch import Tensor

from agents.ram.policy import RAMPolicy
from agents.ram.settings import RAMSettings
from agents.ram.tensor_file import REMEDY, CheckpointError, check_finite
from agents.untrusted import one_line, shown

FORMAT = 2
"""Version of the format; newer ones are refused. Version 1 had no ``glimpse_shape`` and ``gaze_size``."""
WEIGHTS = "policy."
"""What the names of the policy's tensors start with."""
UNREGISTERED = "unregistered"
"""Stored in place of the id of an environment that was not made from an id."""
_ENV_ID = re.compile(r"(?:(?P<module>[A-Za-z_]\w*(?:\.\w+)*):)?(?P<name>[\w./-]+)", re.ASCII)
_MODEST = 64 * 2**20  # numbers in a matrix that any machine can allocate


def check_content(path: Path, content: Mapping[str, Any]) -> None:
    """Check that the metadata is complete, and the types of its values.

    Raises:
        CheckpointError: If it is not.
    """
    version = content.get("format")
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise CheckpointError(f"{path} is damaged: format={shown(version)}, expected a whole number: {REMEDY}")
    if version > FORMAT:
        raise CheckpointError(f"{path} has format {version}, and this version reads up to {FORMAT}: update the package")
    for key in ("env_settings", "policy", "training", "progress"):
        if not isinstance(content.get(key), dict):
            found = f"{key}={shown(content[key])}" if key in content else f"{key!r} is missing"
            raise CheckpointError(f"{path} is damaged: {found}, expected a dictionary of settings: {REMEDY}")
    names = content.get("answer_names", [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise CheckpointError(f"{path} is damaged: answer_names={shown(names)}, expected a list of texts: {REMEDY}")
    env_id = content.get("env_id")
    if env_id == UNREGISTERED:
        return
    match = _ENV_ID.fullmatch(env_id) if isinstance(env_id, str) else None
    if match is None:
        raise CheckpointError(
            f"{path} is damaged: env_id={shown(env_id)}, expected the id of an environment such as "
            f"'RAM-CatchGame-v0': {REMEDY}"
        )
    module, name = match["module"], match["name"]
    if module is not None and module != "ram_envs":
        if not _is_installed(module.partition(".")[0]):
            raise CheckpointError(f"{path} was trained on {env_id}, and {module} is not installed: install it first")
    elif name not in gymnasium.registry:
        raise CheckpointError(
            f"{path} was trained on {shown(env_id)}, which is not registered here: update the package, or import the "
            "module that registers it"
        )


def _is_installed(module: str) -> bool:
    """Whether a module can be imported, without importing it."""
    try:
        return importlib.util.find_spec(module) is not None
    except ValueError:  # a module without a specification, such as __main__
        return True


def make_policy(path: Path, values: Mapping[str, Any], weights: Mapping[str, Tensor]) -> RAMPolicy:
    """Make the policy of these settings and weights, if they fit each other.

    Raises:
        CheckpointError: If they do not.
    """
    try:
        settings = RAMSettings.from_dict(values)
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"{path} does not fit this version's policy ({one_line(error)}): {REMEDY}") from error
    # Every size in the settings is the size of a tensor, but for the answers that follow from the labels of objects,
    # which are at most 10,000. What is larger is not allocated, not even for a comparison.
    largest = max((size for value in weights.values() if value.numel() for size in value.shape), default=0)
    sizes = {**values, "num_actions": 0} if settings.answer_heads == "objects" else values
    for name, size in [*_integers(sizes), ("the size of a glimpse", settings.glimpse_size)]:
        if size > largest:
            raise CheckpointError(
                f"{path} is damaged: {name}={shown(size)}, and its largest tensor has {largest:,} rows: {REMEDY}"
            )
    try:
        with torch.random.fork_rng(devices=[]):  # the random initial weights are overwritten
            if 4 * largest**2 > _MODEST:
                with torch.device("meta"):
                    _check_weights(path, RAMPolicy(settings), weights)
            policy = RAMPolicy(settings)
        _check_weights(path, policy, weights)
        policy.load_state_dict(weights)
    except CheckpointError:
        raise
    except (TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"{path} does not fit this version's policy ({one_line(error)}): {REMEDY}") from error
    for name, value in policy.state_dict().items():  # float64 may exceed the range of float32
        check_finite(path, WEIGHTS + name, value)
    if not policy.location_std > 0:
        raise CheckpointError(
            f"{path} is damaged: the tensor {WEIGHTS}location_std is {policy.location_std.item():g}, expected a "
            f"positive number: {REMEDY}"
        )
    return policy


def _integers(value: Any, name: str = "") -> Iterator[tuple[str, int]]:
    """Yield the integers in plain values, each with the name of its setting."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _integers(part, name or key)
    elif isinstance(value, list):
        for part in value:
            yield from _integers(part, name)
    elif isinstance(value, int) and not isinstance(value, bool):
        yield name, value


def _check_weights(path: Path, policy: RAMPolicy, weights: Mapping[str, Tensor]) -> None:
    """Check names and shapes of the weights.

    Raises:
        CheckpointError: If they are not those of the policy.
    """
    expected = policy.state_dict()
    for name in sorted(expected.keys() ^ weights.keys()):
        problem = "is missing" if name in expected else "is unexpected"
        raise CheckpointError(f"{path} does not fit its settings: the tensor {WEIGHTS}{name} {problem}: {REMEDY}")
    for name, value in weights.items():
        if value.shape != expected[name].shape:
            raise CheckpointError(
                f"{path} does not fit its settings: the tensor {WEIGHTS}{name} has the shape {tuple(value.shape)}, "
                f"expected {tuple(expected[name].shape)}: {REMEDY}"
            )
