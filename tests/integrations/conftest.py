"""A time limit for every test: what waits for other processes must not wait for ever."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

LIMIT_S = 240
"""Seconds for each phase of a test: its fixtures, itself, and what is cleared away.

What does not even listen to this is ended with the whole run by faulthandler_exit_on_timeout (Makefile).
"""


@contextmanager
def time_limit() -> Iterator[None]:
    """Raise TimeoutError in what takes too long."""

    def expire(number, frame):
        raise TimeoutError(f"not done after {LIMIT_S} seconds")

    before = signal.signal(signal.SIGALRM, expire)
    signal.alarm(LIMIT_S)
    try:
        yield
    finally:
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
