"""`ram list`: the environments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agents.cli.environment import registered
from agents.cli.parser import parse


@dataclass(frozen=True, kw_only=True)
class ListOptions:
    """List the environments: the scene, the sensor and the number of glimpses of each."""


def run(arguments: Sequence[str]) -> int:
    """Run the command."""
    parse(ListOptions, "list", arguments)
    environments = registered()
    width = max(len(environment.id) for environment in environments)
    for environment in environments:
        print(f"{environment.id:{width}}  {environment.summary}")
    return 0
