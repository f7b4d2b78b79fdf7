"""A control plane as in life: what is measured is not to be what a lean one makes of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from controlplane import ControlPlane
from harness.installation import installed, operator_kubeconfig


@pytest.fixture(scope="session")
def plane() -> Iterator[ControlPlane]:
    """A control plane with its watch cache, on all processors."""
    with installed() as plane:
        yield plane


@pytest.fixture(scope="session")
def rights(plane: ControlPlane) -> Path:
    """The rights in this plane: those of another one would be kept for the whole session."""
    return operator_kubeconfig(plane)
