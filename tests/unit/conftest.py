"""How properties are tried: the same examples in every run, nothing kept on disk, at any speed."""

import os
import time
from collections.abc import Iterator

import pytest
from hypothesis import settings

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
