"""Fixtures: one control plane for the whole run, one namespace and tenant for each test."""

import itertools
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from kubernetes.aio.client import Configuration

from auth0_rotator.cluster import Api
from controlplane import ControlPlane
from harness.crash.table import Ledger
from harness.installation import installed
from harness.kube import Kube
from harness.proxy import DIRECTLY, Proxy
from harness.stage import Stage, staged

_numbers = itertools.count(1)
_FIGURE = "figure"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what `make crash-table` says."""
    parser.addoption("--crash-table", action="store_true", help="write docs/crashes.md from this run")


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what was measured, whichever process measured it."""
    reports = terminalreporter.getreports("passed") + terminalreporter.getreports("failed")
    told = [(report.nodeid, text) for report in reports for name, text in _figures_of(report)]
    if told:
        terminalreporter.section("what was measured")
    for test, text in told:
        terminalreporter.write_line(f"{test.rpartition('::')[2]}: {text}")


def _figures_of(report: pytest.TestReport) -> list[tuple[str, object]]:
    return [pair for pair in report.user_properties if pair[0] == _FIGURE]


@pytest.fixture
def told(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """A way to have a figure shown at the end of the run."""
    return lambda text: record_property(_FIGURE, text)


@pytest.fixture(scope="session")
def ledger(request: pytest.FixtureRequest) -> Iterator[Ledger]:
    """What the rows of the crash matrix showed."""
    ledger = Ledger()
    yield ledger
    if request.config.getoption("--crash-table") and not request.session.testsfailed:
        ledger.write()


@pytest.fixture(scope="session")
def plane() -> Iterator[ControlPlane]:
    """A control plane with garbage collection and our CRDs."""
    with installed(is_lean=True) as plane:
        yield plane


@pytest.fixture
async def kube(plane: ControlPlane) -> AsyncIterator[Kube]:
    """A namespace of its own."""
    kube = Kube(plane, f"test-{next(_numbers)}")
    await kube.send("POST", "/api/v1/namespaces", {"metadata": {"name": kube.namespace}})
    yield kube
    await kube.close()


@pytest.fixture(scope="session")
async def api(plane: ControlPlane) -> AsyncIterator[Api]:
    """The operator's own client, as the administrator; it keeps nothing but its connections."""
    configuration = Configuration(host=plane.url, ssl_ca_cert=str(plane.ca_file))
    configuration.api_key["BearerToken"] = "Bearer administrator"
    configuration.disable_strict_ssl_verification = True
    configuration.client_session_kwargs = DIRECTLY
    api = Api(configuration)
    yield api
    await api.close()


@pytest.fixture
async def proxy(plane: ControlPlane) -> AsyncIterator[Proxy]:
    """What stands in front of the API server for a client that goes through it: see `proxied`."""
    async with Proxy(plane) as proxy:
        yield proxy


@pytest.fixture
async def proxied(proxy: Proxy) -> AsyncIterator[Api]:
    """The operator's own client, as the administrator, through the proxy."""
    api = Api(proxy.configuration())
    yield api
    await api.close()


@pytest.fixture
async def stage(plane: ControlPlane, kube: Kube, api: Api) -> AsyncIterator[Stage]:
    """An operator to drive, a tenant to ask, a cluster to look at."""
    async with staged(plane, kube, api) as stage:
        yield stage
