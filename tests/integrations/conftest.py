"""A time limit for every test: what waits for other processes must not wait for ever."""

from __future__ import annotations

import faulthandler
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

LIMIT_S = 240
"""Seconds for each phase of a test: its fixtures, itself, and what is cleared away."""
GRACE_S = 30
"""Seconds after which a phase that could not be interrupted takes the whole run down, with a traceback."""
_STDERR = os.dup(2)  # pytest puts a file in its place


@contextmanager
def time_limit() -> Iterator[None]:
    """Raise TimeoutError in what takes too long."""

    def expire(number, frame):
        raise TimeoutError(f"not done after {LIMIT_S} seconds")

    before = signal.signal(signal.SIGALRM, expire)
    signal.alarm(LIMIT_S)
    faulthandler.dump_traceback_later(LIMIT_S + GRACE_S, exit=True, file=_STDERR)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item):
    with time_limit():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    with time_limit():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item):
    with time_limit():
        return (yield)
