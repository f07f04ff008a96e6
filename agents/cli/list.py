"""`ram list`: the environments."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from agents.cli.environment import all_environments
from agents.cli.parser import parse
from agents.cli.values import Argument
from ram_envs import VARIANTS
from ram_envs.registration import GLIMPSE_ID
from ram_envs.wrappers.settings import GlimpseSettings


@dataclass(frozen=True, kw_only=True)
class ListOptions:
    """List the environments: the patches of the sensor, the scene and the length of an episode."""

    modules: Annotated[tuple[str, ...], Argument(metavar="MODULE", positional=True)] = ()
    """Modules that register environments of your own, which are listed too."""


def run(arguments: Sequence[str]) -> int:
    """Run the command."""
    options = parse(ListOptions, "list", arguments)
    rows = [("id", "sensor", "scene and episode")]
    rows += [(one.id, one.sensor, one.summary) for one in all_environments(options.modules)]
    sensor = f"{GlimpseSettings.patch_size}x{GlimpseSettings.patch_size}, {GlimpseSettings.num_scales} scales"
    rows.append((GLIMPSE_ID, sensor, "any environment with pixels: --env-id ALE/Pong-v5"))
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    indent, columns = " " * (sum(widths) + 4), shutil.get_terminal_size().columns
    for id, sensor, summary in rows:
        line = f"{id:{widths[0]}}  {sensor:{widths[1]}}  {summary}"
        print(textwrap.fill(line, columns, subsequent_indent=indent))
    variants = " and ".join(f"...-{variant}-v0" for variant in VARIANTS if variant)
    print("\n" + textwrap.fill(f"Each id also exists as {variants}, for tools that only take an id.", columns))
    return 0
