"""Checkpoints of the paper's classifiers: safetensors files, read without trusting them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from agents.files import write_atomically
from agents.ram.checkpoint import CheckpointError, checkpoint_file, optimizer_tensors
from agents.ram.optimizer_state import optimizer_problem
from agents.ram.tensor_file import read_tensor_file
from agents.training.progress import Progress
from agents.untrusted import one_line, shown
from paper.classifiers import Classifier, classifier_settings_from_dict
from ram_envs.arguments import check_integer

_KIND = "scene-classifier"
_WEIGHTS, _OPTIMIZER = "classifier.", "optimizer."
_MAX_LAYERS = 100


@dataclass(frozen=True)
class ClassifierCheckpoint:
    """The content of a classifier's checkpoint; see :class:`agents.ram.checkpoint.Checkpoint`."""

    classifier: Classifier
    env_id: str
    progress: dict[str, Any]
    optimizer: dict[str, Tensor]


def save_classifier(
    folder: Path,
    classifier: Classifier,
    env_id: str,
    progress: Mapping[str, Any],
    optimizer: torch.optim.Optimizer,
) -> None:
    """Write a checkpoint atomically; see :func:`agents.ram.checkpoint.save_checkpoint`.

    Raises:
        CheckpointError: If it cannot be written; the old file is unchanged.
    """
    content = {
        "kind": _KIND,
        "env_id": env_id,
        "scene_shape": classifier.scene_shape,
        "num_classes": classifier.num_classes,
        "training": classifier.settings.to_dict(),
        "progress": dict(progress),
    }
    tensors = {_WEIGHTS + name: value for name, value in _floats(classifier).items()}
    tensors |= {_OPTIMIZER + name: value for name, value in optimizer_tensors(classifier, optimizer).items()}
    data = save(
        {name: value.detach().cpu().contiguous() for name, value in tensors.items()},
        {key: json.dumps(value) for key, value in content.items()},
    )
    path = checkpoint_file(folder)
    try:
        write_atomically(path, data)
    except OSError as error:
        raise CheckpointError(f"{path} cannot be written: {error.strerror or error}") from error


def load_classifier(path: str | os.PathLike[str], device: str | torch.device = "cpu") -> ClassifierCheckpoint:
    """Read a classifier's checkpoint from a file or the folder of a run.

    Raises:
        CheckpointError: If there is none, or it is truncated or of another kind.
    """
    path = checkpoint_file(path)
    if not path.is_file():
        raise CheckpointError(f"{path} does not exist: expected the folder of a classifier's run, or its checkpoint")
    content, tensors = read_tensor_file(path, _KIND, "a checkpoint of a classifier of whole scenes")
    weights, optimizer = _with_prefix(tensors, _WEIGHTS), _with_prefix(tensors, _OPTIMIZER)
    try:
        if not isinstance(content["env_id"], str):
            raise ValueError(f"env_id is {shown(content['env_id'])}, expected a string")
        Progress.restore(content["progress"])
        classifier = _make_classifier(content, weights)
        if optimizer and (problem := optimizer_problem(classifier, optimizer)) is not None:
            raise ValueError(problem)
    except (KeyError, TypeError, ValueError, ArithmeticError, RuntimeError) as error:
        raise CheckpointError(f"{path} does not fit this version's classifiers: {one_line(error)}") from error
    tensors = {name: value.to(device) for name, value in optimizer.items()}
    return ClassifierCheckpoint(classifier.to(device), content["env_id"], content["progress"], tensors)


def _make_classifier(content: Mapping[str, Any], weights: Mapping[str, Tensor]) -> Classifier:
    """Make the classifier of a checkpoint; sizes are compared before any memory is allocated.

    Raises:
        KeyError: If a setting is missing.
        TypeError: If one has a wrong type.
        ValueError: If one is not valid, or the weights do not fit.
        RuntimeError: If torch cannot make tensors of these sizes.
    """
    settings = classifier_settings_from_dict(content["training"])
    if len(settings.hidden) + len(settings.channels) > _MAX_LAYERS:
        raise ValueError(f"it has more than {_MAX_LAYERS} layers")
    height, width, channels = (check_integer("scene_shape", length, 1, 2**15) for length in content["scene_shape"])
    arguments = settings, (height, width, channels), check_integer("num_classes", content["num_classes"], 1)
    with torch.device("meta"):  # no memory
        expected = {name: value.shape for name, value in _floats(Classifier(*arguments)).items()}
    for name in sorted(expected.keys() | weights.keys()):
        got = tuple(weights[name].shape) if name in weights else "missing"
        if name not in expected or got != tuple(expected[name]):
            wanted = tuple(expected[name]) if name in expected else "no such tensor"
            raise ValueError(f"the tensor {shown(name)} is {got}, expected {wanted}")
    classifier = Classifier(*arguments)
    classifier.load_state_dict(dict(weights), strict=False)  # they are complete, but for what is no weight
    return classifier


def _floats(classifier: Classifier) -> dict[str, Tensor]:
    """Return the floating-point tensors of a classifier: nothing reads how many batches a normalisation has seen."""
    return {name: value for name, value in classifier.state_dict().items() if value.is_floating_point()}


def _with_prefix(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
