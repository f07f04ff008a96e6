"""`ram export`: write an agent to a small file to share, or as an ONNX graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from agents.cli.options import Checkpoint, File
from agents.cli.parser import parse
from agents.cli.values import Argument
from agents.errors import SettingsError


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """Write an agent to a small file: weights in half precision and settings, without the state of the optimizer.

    The file is a checkpoint: `ram evaluate` and `ram watch` take it. It cannot be resumed. With --onnx, write one step
    of the policy as an ONNX graph instead, with the recurrent state as input and output.
    """

    checkpoint: Checkpoint
    out: Annotated[File | None, Argument(metavar="OUT", positional=True)] = None
    """The file to write, .safetensors."""
    onnx: File | None = None
    """Write an ONNX graph, .onnx. Its inputs and outputs are listed when it is written."""


def run(arguments: Sequence[str]) -> int:
    """Run the command."""
    options = parse(ExportOptions, "export", arguments)
    if options.out is None and options.onnx is None:
        raise SettingsError("no file to write: expected OUT, a name that ends in .safetensors, or --onnx FILE")
    from agents.pretrained import resolve_checkpoint
    from agents.ram import export, onnx_export
    from agents.ram.checkpoint import load_checkpoint
    from agents.ram.export import check_out, export_agent
    from agents.ram.onnx_export import OPSET, export_onnx, input_shapes, output_shapes

    for file, suffix in ((options.out, export.SUFFIX), (options.onnx, onnx_export.SUFFIX)):  # before either is written
        if file is not None:
            check_out(file, suffix)
    checkpoint = resolve_checkpoint(options.checkpoint)
    if options.out is not None:
        file = export_agent(checkpoint, options.out)
        print(f"{file}  {file.stat().st_size / 1e6:.2f} MB")
    if options.onnx is not None:
        file, settings = export_onnx(checkpoint, options.onnx), load_checkpoint(checkpoint).policy.settings
        print(f"{file}  {file.stat().st_size / 1e6:.2f} MB, opset {OPSET}")
        for title, shapes in (("inputs", input_shapes(settings)), ("outputs", output_shapes(settings))):
            named = (f"{name} ({', '.join(map(str, ('B', *shape)))})" for name, shape in shapes.items())
            print(f"  {title}, float32: {', '.join(named)}")
    return 0
