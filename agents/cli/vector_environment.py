"""Environments of other packages on the command line: any registered id, and the arguments that it takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from agents.cli.environment import Environment, find_environment
from agents.cli.fields import Option, options_of
from agents.errors import SettingsError
from ram_envs.errors import UnknownName
from ram_envs.registration import GLIMPSE_ID, is_wrapper_id
from ram_envs.wrappers.settings import GlimpseSettings


@dataclass(frozen=True, kw_only=True)
class GlimpseArguments(GlimpseSettings):
    """What RAM-Glimpse-v0 takes."""

    env_id: str | None = None
    """The environment to wrap, such as ALE/Pong-v5 or MODULE:ID."""
    env_kwargs: dict[str, Any] = field(default_factory=dict)
    """Arguments of the wrapped environment, as in "{'frameskip': 4}"."""


@dataclass(frozen=True, kw_only=True)
class OtherArguments:
    """What any other environment takes."""

    env_arguments: dict[str, Any] = field(default_factory=dict)
    """Arguments of the environment, as in "{'map_name': '8x8'}"."""


_CHOSEN = ("action_format", "observation_format", "grid_size")
"""Arguments of RAM-Glimpse-v0 that the agent decides."""


@dataclass(frozen=True)
class VectorEnvironment:
    """An environment that is no task of the suite.

    Attributes:
        id: Its id, with the module that registers it.
        is_glimpse: Whether it is RAM-Glimpse-v0, which wraps another one.
    """

    id: str
    is_glimpse: bool

    def options(self, chosen: Mapping[str, Any]) -> list[Option]:
        """Return the options that its arguments make; see :meth:`Environment.options`."""
        if self.is_glimpse:
            names = [argument.name for argument in fields(GlimpseArguments) if argument.name not in _CHOSEN]
            return options_of(GlimpseArguments, chosen, names)
        return options_of(OtherArguments)

    def arguments(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments of the environment from the values of its options."""
        return dict(values) if self.is_glimpse else dict(values.get("env_arguments", {}))


def find_any_environment(name: str) -> Environment | VectorEnvironment:
    """Return the environment of an id: a task, or any other one that is registered.

    Raises:
        UnknownName: If there is none.
        SettingsError: If it needs a package that is not installed.
    """
    try:
        return find_environment(name)
    except UnknownName as error:
        from agents.environments.make import portable_id

        try:
            env_id = portable_id(name)
        except SettingsError as problem:
            if name.rpartition(":")[2].startswith("RAM-"):
                raise error from problem
            raise UnknownName(str(problem)) from problem
        return VectorEnvironment(env_id, env_id.rpartition(":")[2] == GLIMPSE_ID)


def find_playable(name: str) -> Environment | VectorEnvironment:
    """Return the environment of an id that a person can play: a task, or "RAM-Glimpse-v0", which wraps any other one.

    Raises:
        UnknownName: If there is none.
    """
    return VectorEnvironment(GLIMPSE_ID, True) if is_wrapper_id(name) else find_environment(name)
