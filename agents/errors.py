"""The base of the errors of `agents`."""

from __future__ import annotations


class RAMError(Exception):
    """Base of every error that a user of the agents package can cause and fix."""
