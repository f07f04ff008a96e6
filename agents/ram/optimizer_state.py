"""The state of AdamW as named tensors, and its checks.

The fused AdamW of torch does not check the shapes of its state: a wrong one overwrites memory. So the optimizer only
gets tensors that fit its parameters exactly.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from agents.ram.tensor_file import REMEDY, CheckpointError
from agents.untrusted import shown

_STATES = ("step", "exp_avg", "exp_avg_sq")


def optimizer_tensors(module: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return the state of an optimizer by "parameter name:state name"."""
    return {
        f"{name}:{key}": value
        for name, parameter in module.named_parameters()
        for key, value in optimizer.state.get(parameter, {}).items()
    }


def restore_optimizer(module: nn.Module, optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Give a new AdamW of a module's parameters the state that :func:`optimizer_tensors` returned.

    Args:
        module: The module.
        optimizer: The optimizer of all its parameters.
        tensors: The state. A parameter may have none, as before the first step.

    Raises:
        CheckpointError: If a tensor does not fit its parameter; the message names it.
    """
    problem = optimizer_problem(module, tensors)
    if problem is not None:
        raise CheckpointError(f"{problem}: {REMEDY}")
    names = {id(parameter): name for name, parameter in module.named_parameters()}
    content = optimizer.state_dict()
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    for index, parameter in enumerate(parameters):
        name = names[id(parameter)]
        state = {key: tensors[f"{name}:{key}"] for key in _STATES if f"{name}:{key}" in tensors}
        if state:
            content["state"][index] = state
    optimizer.load_state_dict(content)


def optimizer_problem(
    module: nn.Module, tensors: Mapping[str, Tensor], optional: Callable[[str], bool] = lambda name: True
) -> str | None:
    """Check that tensors are the state of AdamW for the parameters of a module.

    Args:
        module: The module.
        tensors: What :func:`optimizer_tensors` returned.
        optional: Whether the parameter of this name may have no state.

    Returns:
        What is wrong with which tensor; None if nothing is.
    """
    parameters = dict(module.named_parameters())
    expected: dict[str, Tensor] = {}
    for name, parameter in parameters.items():
        keys = [f"{name}:{key}" for key in _STATES]
        if optional(name) and not tensors.keys() & set(keys):
            continue
        expected |= dict.fromkeys(keys, parameter)
    missing = [name for name in expected if name not in tensors]
    if missing:
        return f"the optimizer state {shown(missing[0])} is missing"
    # The number of updates that most parameters have: a file lists its tensors in no fixed order, and the message names
    # the tensor that differs, not the one read first.
    steps = Counter(value.item() for name, value in tensors.items() if name.endswith(":step") and value.numel() == 1)
    usual = steps.most_common(1)[0][0] if steps else None
    for name in sorted(tensors):
        value = tensors[name]
        if name not in expected:
            return f"the optimizer state {shown(name)} does not belong to any parameter"
        is_step = name.endswith(":step")
        shape = torch.Size() if is_step else expected[name].shape
        dtype = torch.float32 if is_step else expected[name].dtype
        if value.shape != shape or value.dtype != dtype:
            return (
                f"the optimizer state {shown(name)} is {value.dtype} of shape {tuple(value.shape)}, expected {dtype} "
                f"of shape {tuple(shape)}"
            )
        if not value.isfinite().all():
            return f"the optimizer state {shown(name)} contains NaN or infinity"
        if name.endswith(":exp_avg_sq") and (value < 0).any():
            return f"the optimizer state {shown(name)} contains a negative number"
        if is_step and (value < 1 or value != value.round() or value != usual):
            return (
                f"the optimizer state {shown(name)} is {value.item():g}, expected a whole number of updates, the "
                "same for every parameter"
            )
    return None
