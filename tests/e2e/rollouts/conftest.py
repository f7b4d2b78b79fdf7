"""A control plane in which workloads roll: pods are scheduled, and kwok plays them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from controlplane import ControlPlane
from harness.installation import install_crds, operator_kubeconfig
from harness.workloads import install_rollouts

PARTS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok")


@pytest.fixture(scope="session")
def plane() -> Iterator[ControlPlane]:
    """A control plane with a node that is none."""
    with ControlPlane(parts=PARTS) as plane:
        install_crds(plane)
        install_rollouts(plane)
        yield plane


@pytest.fixture(scope="session")
def rights(plane: ControlPlane) -> Path:
    """The rights in this plane: those of another one would be kept for the whole session."""
    return operator_kubeconfig(plane)
