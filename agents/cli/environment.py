"""Environments on the command line: which one an argument names, and which options its task makes."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from agents.cli.fields import Option, options_of
from agents.cli.parser import Parser, UsageError, group_of
from agents.errors import RAMError
from ram_envs.errors import UnknownName
from ram_envs.lookup import import_module
from ram_envs.registration import ENVIRONMENTS, parse_id, task_class

if TYPE_CHECKING:
    from ram_envs.tasks import Task

Found = TypeVar("Found")

HELP_FLAGS = ("-h", "--help")
ID = re.compile(r"([A-Za-z_][\w.]*:)?[\w./-]+-v\d+")
"""What an id looks like. Only what does is tried as one, since a module before an id is imported."""


@dataclass(frozen=True)
class Environment:
    """A registered environment.

    Attributes:
        id: Its id, with the module that registers it unless that is ``ram_envs``.
        task: Its task.
        settings: The arguments of the task that it was registered with.
    """

    id: str
    task: type[Task[Any]]
    settings: Mapping[str, Any]

    def options(self, chosen: Mapping[str, Any]) -> list[Option]:
        """Return the options that the arguments of the task make.

        Args:
            chosen: Values that count in place of the registered ones, as defaults.
        """
        return options_of(self.task, {**self.settings, **chosen})

    def arguments(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments of the environment from the values of its options."""
        return dict(values)

    @property
    def summary(self) -> str:
        """One line about scene and episode."""
        return self.task.summary(self.settings)

    @property
    def sensor(self) -> str:
        """The patches of the sensor, as in "12x12, 3 scales"."""
        side, scales = (self._value(name) for name in ("patch_size", "num_scales"))
        name = "" if self._value("sensor") == "retina" else f", {self._value('sensor')}"
        return f"{side}x{side}, {scales} {'scale' if scales == 1 else 'scales'}{name}"

    def _value(self, name: str) -> Any:
        """Return an argument of the task, as the environment was registered or by default."""
        return self.settings.get(name, getattr(self.task, name, "?"))


def find_environment(name: str) -> Environment:
    """Return the environment of an id, with or without a module and a variant: variants share their rules.

    Raises:
        UnknownName: If there is none.
    """
    id = parse_id(name)
    settings = {key: value for key, value in ENVIRONMENTS[id.base].items() if key != "task"}
    return Environment(id.portable, task_class(name), settings)


def all_environments(modules: Sequence[str] = ()) -> list[Environment]:
    """Return every registered environment, after importing modules that register more.

    Raises:
        UnknownName: If there is no such module.
    """
    for module in modules:
        import_module(module, f"MODULE={module!r}")
    return [find_environment(id) for id in ENVIRONMENTS]


def read_for_environment(
    command: str,
    arguments: Sequence[str],
    title: str,
    base_parser: Callable[[], Parser],
    full_parser: Callable[[Found], Parser],
    find: Callable[[str], Found],
) -> tuple[Found, argparse.Namespace]:
    """Read a command line whose options depend on the environment that it names.

    Which argument is the environment depends on the options: in `--out RAM-MNIST-v0 RAM-CatchGame-v0` it is the second.
    So each argument that names an environment is tried as if it were the one, until the options of its parser agree.

    Args:
        command: The command, as in "train".
        arguments: Its command line.
        title: The group of options that holds ``env_id``.
        base_parser: Makes a parser of the options that do not depend on the environment.
        full_parser: Makes the parser of all options for an environment.
        find: Returns the environment of an id, such as :func:`find_environment`.

    Returns:
        The environment, and the values of the options that were given.

    Raises:
        RAMError: If the command line cannot be read.
        UnknownName: If it names an environment that does not exist.
    """
    problem: RAMError | None = None
    for environment in named_environments(arguments, find):
        try:
            values = full_parser(environment).read(arguments)
        except RAMError as error:
            problem = problem or error
            continue
        env_id = group_of(values, title).get("env_id")
        if env_id is not None and find(env_id) == environment:
            return environment, values
    if problem is not None:
        raise problem
    values, unknown = base_parser().read_known(arguments)
    _complain(command, group_of(values, title).get("env_id"), unknown, find)


def named_environments(arguments: Sequence[str], find: Callable[[str], Found]) -> list[Found]:
    """Return the environments that arguments name, in their order; see :func:`read_for_environment`."""
    found = []
    for argument in filter(ID.fullmatch, dict.fromkeys(arguments)):
        try:
            found.append(find(argument))
        except UnknownName:
            continue
    return found


def asks_for_help(arguments: Sequence[str]) -> bool:
    """Whether `--help` is among the arguments."""
    return not set(HELP_FLAGS).isdisjoint(arguments)


def _complain(command: str, env_id: str | None, arguments: Sequence[str], find: Callable[[str], object]) -> NoReturn:
    """Say what is wrong with a command line that names no environment that exists.

    Args:
        command: The command.
        env_id: The argument in the place of the environment, if there is one.
        arguments: The arguments that no option takes.
        find: See :func:`read_for_environment`.

    Raises:
        UnknownName: If an argument looks like an id.
        UsageError: If there is none.
    """
    names = [*([env_id] if env_id else []), *(argument for argument in arguments if not argument.startswith("-"))]
    name = next(filter(ID.fullmatch, names), env_id)
    if name is None:
        raise UsageError(f"missing ENV_ID: name an environment, as in `ram {command} RAM-CatchGame-v0`; see `ram list`")
    find(name)
    raise UsageError(f"unexpected argument {name!r}; see `ram {command} --help`")
