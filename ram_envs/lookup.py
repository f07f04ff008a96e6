"""Registries: what a user may name by a registered name or as "module:Name"."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from typing import Any

from ram_envs.errors import InvalidArgument, UnknownName, did_you_mean


def find_class(kind: str, name: str | type, base: type, registered: Mapping[str, str | type]) -> type[Any]:
    """Return a class by its registered name, by "module:Class", or the class itself.

    Args:
        kind: What it is, for error messages: "task" or "sensor".
        name: The name or the class.
        base: The class that it must derive from.
        registered: Classes, or "module:Class" strings for those that are imported on first use, by name.

    Raises:
        UnknownName: If there is none, or its module cannot be imported.
        InvalidArgument: If it is no concrete subclass of ``base``.
    """
    target = registered.get(name, name) if isinstance(name, str) else name
    if isinstance(target, str):
        module, separator, attribute = target.partition(":")
        if not separator:
            raise UnknownName(
                f"{kind}={name!r} is not registered{did_you_mean(target, registered) or ':'} expected one of "
                f"{', '.join(map(repr, registered))}, or 'module:Class'"
            )
        found: Any = import_module(module, f"{kind}={name!r}")
        for part in attribute.split("."):
            found = getattr(found, part, None)
        if found is None:
            raise UnknownName(f"{kind}={name!r}: the module {module!r} has no {attribute!r}")
        target = found
    if not (isinstance(target, type) and issubclass(target, base)):
        raise InvalidArgument(f"{kind}={name!r} is not valid: expected a class that derives from {base.__name__}")
    if inspect.isabstract(target):
        missing = " and no ".join(sorted(vars(target)["__abstractmethods__"]))
        raise InvalidArgument(f"{target.__name__} has no {missing}: implement what {base.__name__} asks for")
    return target


def import_module(module: str, context: str) -> Any:
    """Import a module that a user named.

    Raises:
        UnknownName: If there is no such module. An error inside the module is passed on as it is.
    """
    if not module or module.startswith("."):
        raise UnknownName(f"{context}: {module!r} is no name of a module: expected one such as 'my_module'")
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name and not f"{module}.".startswith(f"{error.name}."):
            raise  # the module is there; one that it imports is missing
        raise UnknownName(
            f"{context}: there is no module {module!r}; install its package, or add its folder to PYTHONPATH"
        ) from None


def path_to(cls: type) -> str | type:
    """Return "module:Class" if another process can import the class under that name, otherwise the class itself."""
    if cls.__module__ == "__main__" or "<" in cls.__qualname__:
        return cls
    return f"{cls.__module__}:{cls.__qualname__}"
