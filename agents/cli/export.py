"""`ram export`: write an agent to a small file to share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from agents.cli.options import Checkpoint, File
from agents.cli.parser import parse
from agents.cli.values import Argument


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """Write an agent to a small file: weights in half precision and settings, without the state of the optimizer.

    The file is a checkpoint: `ram evaluate` and `ram watch` take it. It cannot be resumed.
    """

    checkpoint: Checkpoint
    out: Annotated[File, Argument(metavar="OUT", positional=True)]
    """The file to write, .safetensors."""


def run(arguments: Sequence[str]) -> int:
    """Run the command."""
    options = parse(ExportOptions, "export", arguments)
    from agents.pretrained import resolve_checkpoint
    from agents.ram.export import export_agent

    file = export_agent(resolve_checkpoint(options.checkpoint), options.out)
    print(f"{file}  {file.stat().st_size / 1e6:.2f} MB")
    return 0
