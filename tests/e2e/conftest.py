"""The operator as its own process, with exactly the rights that deploy/base gives."""

import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml

from auth0_simulator import Simulator
from controlplane import ControlPlane
from harness.installation import OPERATOR_NAMESPACE, operator_kubeconfig
from harness.kube import Kube
from harness.process import NewOperator, OperatorProcess
from harness.proxy import Proxy

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def rights(plane: ControlPlane) -> Path:
    """A kubeconfig of the operator's service account."""
    return operator_kubeconfig(plane)


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    """A tenant of its own."""
    async with Simulator() as simulator:
        yield simulator


@pytest.fixture
async def new_operator(rights: Path, plane: ControlPlane, kube: Kube) -> AsyncIterator[NewOperator]:
    """A way to make operators for the test's namespace; all are ended with the test."""
    operators: list[OperatorProcess] = []
    # A test that killed its operator leaves a lease that others would wait for.
    lease = f"/apis/coordination.k8s.io/v1/namespaces/{OPERATOR_NAMESPACE}/leases/auth0-rotator"
    await kube.send("DELETE", lease)

    def new(*flags: str, **environment: str) -> OperatorProcess:
        operator = OperatorProcess(
            rights,
            plane.folder / f"operator-{next(_numbers)}.log",
            "--namespace",
            kube.namespace,
            *flags,
            environment={"POD_NAMESPACE": OPERATOR_NAMESPACE, **environment},
        )
        operators.append(operator)
        return operator

    yield new
    for operator in operators:
        await operator.kill()


@pytest.fixture
async def operator(
    tmp_path: Path, rights: Path, proxy: Proxy, new_operator: NewOperator
) -> OperatorProcess:
    """An operator that reaches the API server through the proxy."""
    file = tmp_path / "kubeconfig"
    _write_kubeconfig(file, rights, proxy)
    return new_operator(KUBECONFIG=str(file))


def _write_kubeconfig(file: Path, rights: Path, proxy: Proxy) -> None:
    direct = yaml.safe_load(rights.read_text())
    file.write_text(yaml.safe_dump(proxy.kubeconfig(direct)))
