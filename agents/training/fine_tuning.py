"""Fine-tuning: initialize the policy of a new run with the weights of a checkpoint."""

from __future__ import annotations

import json
import math
import os
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor

from agents.errors import SettingsError
from agents.files import write_atomically
from agents.pretrained import resolve_checkpoint
from agents.ram.checkpoint import load_checkpoint
from agents.ram.normalisation import RunningNorm
from agents.ram.policy import RAMPolicy

RECORD = "init_from.json"
"""The file in the run folder that says where the initial weights came from."""
FURTHER_NUMBERS = -0.95
"""Mean at the start of the numbers of a location that the checkpoint's sensor did not have: near the lower end of its
third number the zoom shows what the retina does."""


class FineTuningWarning(UserWarning):
    """Some weights of a checkpoint do not fit the new policy and are initialized at random."""


@dataclass(frozen=True)
class InitialWeights:
    """Where the weights of a new policy came from.

    Attributes:
        checkpoint: The checkpoint.
        copied: Names of the tensors that were copied from it.
        started_anew: Names of the tensors that were initialized at random, because they do not fit those of the
            checkpoint or are not in it.
        widened: Names of the copied tensors that are larger here; see :func:`initialise_from`.
        new_answers: Names of the answers whose rows of the action network were initialized at random, while those of
            other answers were copied.
    """

    checkpoint: str
    copied: tuple[str, ...]
    started_anew: tuple[str, ...]
    widened: tuple[str, ...] = ()
    new_answers: tuple[str, ...] = ()

    def write(self, folder: Path) -> None:
        """Write this to the run folder."""
        write_atomically(folder / RECORD, (json.dumps(asdict(self), indent=2) + "\n").encode())


@torch.no_grad()
def initialise_from(policy: RAMPolicy, checkpoint: str | os.PathLike[str], warn: bool = True) -> InitialWeights:
    """Copy the weights of a checkpoint into a new policy; tensors that do not fit stay as they are.

    A larger layer gets the weights of the smaller one as a part. Its further units are random, and nothing reads them
    yet, so the policy computes what that of the checkpoint did (Chen et al. 2016, arXiv:1511.05641). In the same way, a
    sensor with further numbers in its location starts with the weights for the ones before; the mean of the further
    ones starts at :data:`FURTHER_NUMBERS`. Pixels have no such order: the first layer is only copied for a sensor of
    the same shape.

    The action network is copied answer by answer where both policies have answers of the same name, as with
    ``stop="learned"``, which has the classes and "look on". The standard deviation of the location is a setting of the
    new run and is not copied. The statistics of normalised inputs are.

    Args:
        policy: The new policy.
        checkpoint: A run folder, a checkpoint file or "pretrained:ENV_ID".
        warn: Whether to warn about tensors that are initialized at random.

    Raises:
        CheckpointError: If there is no checkpoint, or it cannot be used.
        SettingsError: If no tensor fits.
    """
    source = load_checkpoint(resolve_checkpoint(checkpoint)).policy
    weights, copied, widened, anew = dict(source.named_parameters()), [], [], []
    here, there = _same_answers(policy, source)
    for name, parameter in policy.named_parameters():
        if here and name.startswith("action_network."):
            old, new = weights[name][there], parameter[here]
            _copy_into(new, old)
            parameter[here] = new
        elif name in weights and _fits(name, policy, source):
            old, new = weights[name], parameter
            _copy_into(new, old, blocks=4 if ".lstm." in name else 1)  # a block for each gate
        else:
            anew.append(name)
            continue
        copied.append(name)
        if new.shape != old.shape:
            widened.append(name)
    if "location_network.mean.weight" in copied:
        _start_further_numbers(policy, source.settings.gaze_size)
    _copy_statistics(policy, source)
    name = os.fspath(checkpoint)
    if not any(part.endswith("weight") for part in copied):  # biases of the same size say nothing
        raise SettingsError(
            f"init_from={name!r}: none of its weights fits the new policy ({_differences(source, policy)}): train with "
            "the network settings of the checkpoint, or from random weights, init_from='none'"
        )
    new_answers = tuple(answer for index, answer in enumerate(policy.answer_names) if here and index not in here)
    if warn and (anew or new_answers):
        changes = [_change(part, weights, policy.get_parameter(part)) for part in anew]
        if new_answers:
            changes.append(f"the action network's answers {', '.join(map(repr, new_answers))}")
        warnings.warn(
            f"init_from={name!r}: initialized at random: {', '.join(changes)}", FineTuningWarning, stacklevel=3
        )
    return InitialWeights(name, tuple(copied), tuple(anew), tuple(widened), new_answers)


def _fits(name: str, policy: RAMPolicy, source: RAMPolicy) -> bool:
    """Return whether a tensor of the new policy has that of the checkpoint, or a larger one of the same meaning."""
    new, old = policy.get_parameter(name).shape, source.get_parameter(name).shape
    if name in ("glimpse_network.from_glimpse.weight", "glimpse_network.from_senses.weight") and new[1] != old[1]:
        return False  # in another shape, a column stands for another pixel or sense
    if name.startswith("action_network.") and new[0] != old[0]:
        return False
    if name == "location_network.mean.weight":  # reads the hidden layer, or h if there is none
        hidden = [bool(side.settings.location_network_hidden) for side in (policy, source)]
        if hidden[0] != hidden[1]:
            return False
    return all(here >= there for here, there in zip(new, old, strict=True))


def _copy_into(new: Tensor, old: Tensor, blocks: int = 1) -> None:
    """Copy a tensor into the first rows and columns of another, in place; those rows get zeros in further columns.

    Args:
        new: float (blocks * R, ...).
        old: float (blocks * r, ...), with r <= R, and at most as many columns.
        blocks: Equal parts of both, which are copied one by one.
    """
    new, old = new.unflatten(0, (blocks, -1)), old.unflatten(0, (blocks, -1))
    new[:, : old.shape[1]] = 0
    new[tuple(map(slice, old.shape))] = old


def _start_further_numbers(policy: RAMPolicy, known: int) -> None:
    """Let the mean of a location start at the same value wherever the agent is, in all numbers but the known ones."""
    layer, squashed = policy.location_network.mean, policy.location_network.squash
    layer.weight[known:] = 0
    layer.bias[known:] = math.atanh(FURTHER_NUMBERS) if squashed else FURTHER_NUMBERS


def _copy_statistics(policy: RAMPolicy, source: RAMPolicy) -> None:
    """Copy the mean and variance of normalised inputs where they have the same shape."""
    modules = dict(source.named_modules())
    for name, module in policy.named_modules():
        before = modules.get(name)
        if (
            isinstance(module, RunningNorm)
            and isinstance(before, RunningNorm)
            and module.mean.shape == before.mean.shape
        ):
            module.load_state_dict(before.state_dict())


def _same_answers(policy: RAMPolicy, source: RAMPolicy) -> tuple[list[int], list[int]]:
    """Return the indices of the answers that have the same names in both policies, in each of them."""
    sides = policy.settings, source.settings
    # Rows of the action network are choices, not numbers, and not the labels of single objects.
    if any(side.numbers or side.combined_labels is not None for side in sides):
        return [], []
    if sides[0].core_size < sides[1].core_size:
        return [], []
    names = source.answer_names or tuple(map(str, range(source.settings.num_actions)))  # version 0.1 stored none
    place = {name: index for index, name in enumerate(names)}
    here = [index for index, name in enumerate(policy.answer_names) if name in place]
    return here, [place[policy.answer_names[index]] for index in here]


def _change(name: str, weights: Mapping[str, Tensor], parameter: Tensor) -> str:
    """Return a tensor's name with its shape in the checkpoint and in the new policy."""
    before = f"{tuple(weights[name].shape)} in the checkpoint" if name in weights else "not in the checkpoint"
    return f"{name} ({before}, {tuple(parameter.shape)} here)"


def _differences(source: RAMPolicy, policy: RAMPolicy) -> str:
    """Name the settings in which two policies differ."""
    before, here = asdict(source.settings), asdict(policy.settings)
    return ", ".join(f"{name}={before[name]!r}, here {here[name]!r}" for name in before if before[name] != here[name])
