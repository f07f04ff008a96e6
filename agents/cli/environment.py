"""Environments on the command line: which one an argument names, and which options its task makes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NoReturn, overload

from agents.cli.fields import Option, options_of
from agents.cli.parser import UsageError
from ram_envs import ENVIRONMENTS, VARIANTS
from ram_envs.errors import UnknownName, did_you_mean
from ram_envs.tasks import TASKS, Task

ID = re.compile(r"[\w./:-]+-v\d+")


@dataclass(frozen=True)
class Environment:
    """A registered environment.

    Attributes:
        id: Its id, with the module that registers it unless that is ``ram_envs``.
        task: Its task.
        settings: The arguments of the task that it was registered with.
    """

    id: str
    task: type[Task]
    settings: Mapping[str, Any]

    def options(self, chosen: Mapping[str, Any]) -> list[Option]:
        """Return the options that the arguments of the task make, with these values in place of the registered ones."""
        return options_of(self.task, {**self.settings, **chosen})

    @property
    def summary(self) -> str:
        return self.task.summary(self.settings)


def find_environment(name: str) -> Environment:
    name = name.removeprefix("ram_envs:")
    if name not in ENVIRONMENTS:
        raise UnknownName(f"there is no environment {name!r}{did_you_mean(name, ENVIRONMENTS)}; `ram list` shows them")
    settings = dict(ENVIRONMENTS[name])
    return Environment(name, TASKS[settings.pop("task")], settings)


def named(arguments: Sequence[str]) -> list[Environment]:
    """Return the environments that arguments name, in their order."""
    result = []
    for argument in dict.fromkeys(arguments):
        try:
            result.append(find_environment(argument))
        except UnknownName:
            continue
    return result


def complain_about(env_id: str | None, arguments: Sequence[str], command: str) -> NoReturn:
    """Say what is wrong with a command line that names no environment.

    Args:
        env_id: The argument in the place of the environment, if there is one.
        arguments: The arguments that no option takes.
        command: The command.

    Raises:
        UnknownName: If an argument looks like an id that does not exist.
        UsageError: If there is none.
    """
    names = [*([env_id] if env_id else []), *(argument for argument in arguments if not argument.startswith("-"))]
    name = next(filter(ID.fullmatch, names), None) or env_id
    if name is None:
        raise UsageError(f"missing ENV_ID: name an environment, as in `ram {command} RAM-CatchGame-v0`; see `ram list`")
    find_environment(name)
    raise UsageError(f"unexpected argument {name!r}")
