"""A control plane in which workloads roll: pods are scheduled, and kwok plays them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from controlplane import ControlPlane
from harness.installation import install_crds, operator_kubeconfig
from harness.workloads import install_rollouts

PARTS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok")


# Of one file: for the whole session it would play pods for tests that have none.
@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    """A control plane with a node that is none."""
    with ControlPlane(parts=PARTS) as plane:
        install_crds(plane)
        install_rollouts(plane)
        yield plane


@pytest.fixture(scope="module")
def rights(plane: ControlPlane) -> Path:
    """The rights in this plane: those of another one would be kept for the whole session."""
    return operator_kubeconfig(plane)
