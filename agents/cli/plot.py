"""`ram plot`: learning curves of several runs in one picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from agents.cli.options import File
from agents.cli.parser import parse
from agents.cli.values import Argument


@dataclass(frozen=True, kw_only=True)
class PlotOptions:
    """Draw the learning curves of several runs in one picture.

    Runs whose settings differ only in the random seed form a group. Each group is one line, labelled with the settings
    that differ: the mean over its seeds, with a band of one standard deviation. The curves are training curves, with
    sampled actions.
    """

    runs: Annotated[tuple[Path, ...], Argument(metavar="RUN", positional=True)]
    """Run folders, or folders with runs in them, such as the one of `ram train --seeds 3`."""
    out: File = Path("curves.png")
    """The picture to write: .png, .svg or .pdf."""


def run(arguments: Sequence[str]) -> int:
    """Run the command."""
    options = parse(PlotOptions, "plot", arguments)
    from agents.pictures.comparison import draw_groups, find_runs, group_runs, read_run

    folders: dict[Path, Path] = {}  # one run may be given twice, under several names
    for folder in (folder for given in options.runs for folder in find_runs(given)):
        folders.setdefault(folder.resolve(), folder)
    groups = group_runs([read_run(folder) for folder in folders.values()])
    draw_groups(groups, options.out)
    for group in groups:
        print(f"{group.label}: {', '.join(f'{run.folder} (seed {run.seed})' for run in group.runs)}")
    print(options.out)
    return 0
