"""A time limit for every phase of a test: what waits for other processes must not wait for ever.

What does not even listen to this is ended with the whole run by faulthandler_exit_on_timeout (Makefile).
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.limits import HANG_S


@contextmanager
def time_limit() -> Iterator[None]:
    """Raise TimeoutError in what takes too long."""

    def expire(number, frame):
        raise TimeoutError(f"not done after {HANG_S:g} seconds")

    before = signal.signal(signal.SIGALRM, expire)
    signal.alarm(int(HANG_S))
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
