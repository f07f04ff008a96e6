"""Other people's algorithms on these environments, and this policy in their libraries: one module a library."""

from __future__ import annotations

from importlib import import_module

import gymnasium


def require(extra: str, *modules: str) -> None:
    """See to it that optional libraries are there, before a module imports them.

    Args:
        extra: Name of the extra in setup.cfg that installs them.
        *modules: Their names, as they are imported.

    Raises:
        DependencyNotInstalled: If one cannot be imported; the message names it and the extra.
    """
    for module in modules:
        try:
            import_module(module)
        except ImportError as error:
            raise gymnasium.error.DependencyNotInstalled(
                f"{module} cannot be imported ({error}): pip install 'ram-active-vision[{extra}]'"
            ) from error
