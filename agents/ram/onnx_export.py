"""Export to ONNX: one step of a policy as a graph, for runtimes without Python or torch.

The graph is a function of one observation and the recurrent state. It chooses nothing: it returns the mean location,
the logits of the answers (then the means of numbers, if the action has some) and the value. A runtime acts
deterministically with the location clipped to [-1, 1] and the most likely answer.
"""

from __future__ import annotations

import json
import logging
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from agents.extras import require
from agents.files import write_atomically
from agents.ram.checkpoint import CheckpointError, load_checkpoint
from agents.ram.export import check_out, shared_settings
from agents.ram.policy import RAMPolicy
from agents.ram.settings import RAMSettings

OPSET = 18
"""Version of the ONNX operators that the graph uses."""
SUFFIX = ".onnx"
STATES = {"relu": ("h",), "lstm": ("h", "c")}
"""Names of the recurrent state's parts, by the core; the outputs are called "next_h" and "next_c"."""


class OneStep(nn.Module):
    """One step of a policy, with positional tensors in the order of :func:`input_shapes`."""

    def __init__(self, policy: RAMPolicy) -> None:
        super().__init__()
        self.policy = policy
        self.observed = tuple(name for name in input_shapes(policy.settings) if name not in ("h", "c"))

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Return mean location, logits, value and the next state."""
        observation = dict(zip(self.observed, inputs, strict=False))
        h, state = self.policy.encode_step(observation, inputs[len(self.observed) :])
        heads = self.policy.heads(h)
        gaze = (heads.location_mean,) if self.policy.settings.gaze_size else ()
        return (*gaze, heads.action_logits, heads.value, *state)


def input_shapes(settings: RAMSettings) -> dict[str, tuple[int, ...]]:
    """Return the name and the shape of one row of each input, all float32 (B, ...), in the order of the graph."""
    core = settings.core_size
    return {
        "glimpse": (settings.glimpse_size,),
        **({"location": (settings.gaze_size,)} if settings.gaze_size else {}),
        **{key: (size,) for key, size in settings.senses.items()},
        **{name: (core,) for name in STATES[settings.core]},
    }


def output_shapes(settings: RAMSettings) -> dict[str, tuple[int, ...]]:
    """Return the name and the shape of one row of each output, all float32 (B, ...), in the order of the graph."""
    return {
        **({"location_mean": (settings.gaze_size,)} if settings.gaze_size else {}),
        "logits": (settings.num_actions + settings.numbers,),
        "value": (),
        **{f"next_{name}": (settings.core_size,) for name in STATES[settings.core]},
    }


def export_onnx(checkpoint: str | os.PathLike[str], out: str | os.PathLike[str]) -> Path:
    """Write one step of an agent as an ONNX graph with any batch size.

    The state is zeros at the start of an episode. The model's metadata has "env_id", "env_settings" and "answer_names"
    as JSON.

    Args:
        checkpoint: The run folder or the checkpoint file.
        out: The file to write; its name ends in ".onnx".

    Returns:
        The file.

    Raises:
        CheckpointError: If the checkpoint cannot be used or looks at random locations, which a graph without random
            numbers cannot choose; or ``out`` has another suffix or cannot be written.
        DependencyNotInstalled: If onnx or onnxscript is missing.
    """
    file = Path(out)
    check_out(file, SUFFIX)
    content = load_checkpoint(checkpoint)
    settings = content.policy.settings
    if settings.random_locations:
        raise CheckpointError(f"{checkpoint} looks at random locations: expected an agent that chooses its locations")
    require("export", "onnx", "onnxscript")
    metadata = {
        "env_id": content.env_id,
        "env_settings": shared_settings(content.env_settings),
        "answer_names": content.policy.answer_names,
    }
    data = _graph(content.policy.float().eval(), metadata)
    try:
        write_atomically(file, data)
    except OSError as error:
        raise CheckpointError(f"{file} cannot be written: {error.strerror or error}") from error
    return file


@contextmanager
def _silence() -> Iterator[None]:
    """Keep what torch's exporter says about itself, such as that torchvision is missing, from the user."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


@torch.inference_mode()
def _graph(policy: RAMPolicy, metadata: Mapping[str, Any]) -> bytes:
    """Return the serialised model."""
    names, outputs = list(input_shapes(policy.settings)), list(output_shapes(policy.settings))
    example = tuple(torch.zeros(2, *shape) for shape in input_shapes(policy.settings).values())
    batch = torch.export.Dim("batch", min=1)
    with _silence():
        program = torch.onnx.export(
            OneStep(policy),
            example,
            input_names=names,
            output_names=outputs,
            opset_version=OPSET,
            dynamic_shapes={"inputs": tuple({0: batch} for _ in names)},
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    program.model.metadata_props.update({key: json.dumps(value) for key, value in metadata.items()})
    buffer = BytesIO()
    program.save(cast(Any, buffer))
    return buffer.getvalue()
