"""Errors that a user causes and can fix. Anything else that is raised is a bug."""

from __future__ import annotations

import difflib
import reprlib
from collections.abc import Iterable
from typing import Any

_MAX_LINE = 500

_short = reprlib.Repr()
_short.maxstring = _short.maxother = 80
_short.maxlong = 40


class UserError(Exception):
    """Base of every error that names a wrong value, what was expected and the fix."""


class InvalidArgument(UserError, ValueError):
    """An argument has a value that it cannot take."""


class UnknownArgument(UserError, TypeError, ValueError):
    """There is no argument of this name.

    Python's own convention is a ``TypeError``, which other libraries look for; version 0.1 raised a ``ValueError``.
    """


class UnknownName(UserError, ValueError):
    """No environment, task, sensor or dataset is registered under this name."""


class InvalidObservation(UserError, ValueError):
    """A wrapped environment returned an observation that cannot be read, such as pixels that are NaN."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return "; did you mean 'x'?" for the closest known name, or an empty string."""
    lower = {word.lower(): word for word in known}
    close = difflib.get_close_matches(str(name).lower(), lower, n=1)
    return f"; did you mean {lower[close[0]]!r}?" if close else ""


def shown(value: Any) -> str:
    """Write a value for an error message: as Python does, in one line of bounded length."""
    try:
        return one_line(_short.repr(value))
    except ValueError:  # Python refuses to write integers of more than 4,300 digits
        return "an integer of thousands of digits"


def one_line(message: object) -> str:
    """Write a message, of an error of a library for instance, in one line of bounded length."""
    line = " ".join(str(message).split())
    return line if len(line) <= _MAX_LINE else f"{line[:_MAX_LINE]}..."
