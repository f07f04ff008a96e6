"""The errors that a user of ``agents`` can cause."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ram_envs.errors import UserError


class RAMError(UserError):
    """Base of every error that a user of the agents package can cause and fix; the message says how."""


class SettingsError(RAMError, ValueError):
    """An argument or a setting is not valid."""


@contextmanager
def invalid_settings() -> Iterator[None]:
    """Raise the ``ValueError`` of a check as a :class:`SettingsError` with the same message."""
    try:
        yield
    except RAMError:
        raise
    except ValueError as error:
        raise SettingsError(str(error)) from error
