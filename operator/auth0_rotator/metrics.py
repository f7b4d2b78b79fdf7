"""Prometheus series. Labels never hold a value, and series of a deleted object go with it."""

import contextlib
from importlib.metadata import version
from typing import Final

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, Info

_PREFIX: Final = "auth0_rotator"
# A delivery takes milliseconds; past some seconds it is an outage, counted in minutes.
_DELIVERY_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
_DUE_BUCKETS: Final = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)

ROTATIONS: Final = Counter(
    "rotations", "Rotations by trigger and result.", ["trigger", "result"], namespace=_PREFIX
)
REMOTE_CHANGES: Final = Counter(
    "remote_changes", "Requests to change a client secret.", ["domain", "result"], namespace=_PREFIX
)
DELIVERY_SECONDS: Final = Histogram(
    "delivery_seconds",
    "From the tenant's acceptance to the written Secret.",
    namespace=_PREFIX,
    buckets=_DELIVERY_BUCKETS,
)
VERIFY_SECONDS: Final = Histogram(
    "verify_seconds",
    "From the tenant's acceptance to the first login with the value.",
    namespace=_PREFIX,
    buckets=_DUE_BUCKETS,
)
ROLL_SECONDS: Final = Histogram(
    "roll_seconds",
    "From the tenant's acceptance to the last restarted consumer.",
    namespace=_PREFIX,
    buckets=_DUE_BUCKETS,
)
DUE_TO_DELIVERED_SECONDS: Final = Histogram(
    "due_to_delivered_seconds",
    "From the due date to the written Secret.",
    namespace=_PREFIX,
    buckets=_DUE_BUCKETS,
)
NEXT_ROTATION: Final = Gauge(
    "next_rotation_timestamp_seconds",
    "When the next automatic rotation is due (epoch seconds).",
    ["namespace", "name"],
    namespace=_PREFIX,
)
LAST_ROTATION: Final = Gauge(
    "last_rotation_timestamp_seconds",
    "When the last rotation was accepted (epoch seconds).",
    ["namespace", "name"],
    namespace=_PREFIX,
)
OVERDUE: Final = Gauge(
    "overdue",
    "1 while a due rotation has not come for longer than it should.",
    ["namespace", "name"],
    namespace=_PREFIX,
)
UPCOMING: Final = Gauge(
    "upcoming",
    "1 from the notice of an automatic rotation on, until its date.",
    ["namespace", "name"],
    namespace=_PREFIX,
)
FOREIGN_ROTATIONS: Final = Counter(
    "foreign_rotations",
    "Client secrets that somebody changed elsewhere: found refused, or adopted.",
    ["domain", "result"],
    namespace=_PREFIX,
)
DRIFT_REPAIRS: Final = Counter("drift_repairs", "Targets written again.", namespace=_PREFIX)
TENANT_REQUESTS: Final = Counter(
    "tenant_requests",
    "Requests to a tenant, by operation and HTTP status ('none': no answer).",
    ["domain", "operation", "status"],
    namespace=_PREFIX,
)
TENANT_WAIT: Final = Histogram(
    "tenant_wait_seconds",
    "How long requests waited for the pace of their tenant.",
    ["domain"],
    namespace=_PREFIX,
)
KUBERNETES_REQUESTS: Final = Counter(
    "kubernetes_requests",
    "Requests to the API server, by operation and HTTP status ('none': no answer).",
    ["operation", "status"],
    namespace=_PREFIX,
)
WEBHOOK_DELIVERIES: Final = Counter(
    "webhook_deliveries",
    "Messages to the webhook by what became of them; 'retried' counts tries that failed.",
    ["result"],
    namespace=_PREFIX,
)
UNEXPECTED_ERRORS: Final = Counter(
    "unexpected_errors",
    "Passes and deliveries that were broken off by a bug; see the log.",
    namespace=_PREFIX,
)
QUEUE_DEPTH: Final = Gauge("queue_depth", "Objects that wait for a worker.", namespace=_PREFIX)
LEADER: Final = Gauge("leader", "1 while this process is the one that acts.", namespace=_PREFIX)
BUILD_INFO: Final = Info("build", "Version of the operator.", namespace=_PREFIX)


def registry() -> CollectorRegistry:
    """Return the registry that the metrics server shows, with the build's version in it."""
    BUILD_INFO.info({"version": version("auth0-rotator")})
    return REGISTRY


def forget_rotation(namespace: str, name: str) -> None:
    """Drop the series of a rotation that is gone. Nothing happens where there are none."""
    for gauge in (NEXT_ROTATION, LAST_ROTATION, OVERDUE, UPCOMING):
        forget_series(gauge, namespace, name)


def forget_series(gauge: Gauge, namespace: str, name: str) -> None:
    """Drop one series of a rotation. Nothing happens where there is none."""
    with contextlib.suppress(KeyError):
        gauge.remove(namespace, name)
