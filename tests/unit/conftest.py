"""How properties are tried: the same examples in every run, nothing kept on disk, at any speed."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from typing import Final, NoReturn

import pytest
from hypothesis import settings

# Far more than any test here needs.
MOST_SECONDS: Final = 10.0

settings.register_profile("unit", derandomize=True, database=None, deadline=None)
settings.load_profile("unit")


@pytest.fixture
def far_from_utc() -> Iterator[None]:
    """Let the process live in Nepal."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = "NPT-5:45"
    time.tzset()
    yield
    os.environ.pop("TZ")
    if before is not None:
        os.environ["TZ"] = before
    time.tzset()


def _ended(*_: object) -> NoReturn:
    message = f"used the processor for {MOST_SECONDS:g} seconds: it would never end"
    raise TimeoutError(message)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Iterator[None]:
    """End a test that goes round in circles. What counts is its own time on the processor: how busy the
    machine is makes no difference."""
    signal.signal(signal.SIGVTALRM, _ended)
    signal.setitimer(signal.ITIMER_VIRTUAL, MOST_SECONDS)
    try:
        return (yield)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Leave properties out of the coverage: what only a made-up example reaches is not covered by a
    table, and tracing them takes a fifth of the run."""
    tracer = sys.gettrace() if item.get_closest_marker("hypothesis") else None
    if tracer is not None:
        sys.settrace(None)
    try:
        return (yield)
    finally:
        if tracer is not None:
            sys.settrace(tracer)
