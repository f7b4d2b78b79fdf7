"""A right manifest is accepted, and means to the operator what it means to the API server."""

from base64 import b64encode
from collections.abc import Mapping
from typing import Any, Final

import pytest

from auth0_rotator.resource import parse_spec
from controlplane import ControlPlane
from manifest.minimal import ALL, CLUSTER_CONNECTION, CONNECTION, IMAGES, ROTATION
from manifest.submission import changed, tried

_FOUR_KEYS: Final = {
    "clientId": "id",
    "clientSecret": "auth0.secret",
    "nextClientSecret": "AUTH0-NEXT",
    "previousClientSecret": "_previous",
}
_WINDOW: Final = {"kind": "allow", "schedule": "0 22 * * 1-5", "duration": "8h"}
_CERTIFICATE: Final = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
# A row varies the smallest manifest of its kind.
RIGHT_ROTATIONS: Final[Mapping[str, Mapping[str, Any]]] = {
    "interval 1": {"spec.rotationInterval": 1},
    "interval 36500": {"spec.rotationInterval": 36500},
    "an empty time of day": {"spec.rotateAtUtc": {}},
    "hours alone": {"spec.rotateAtUtc": {"hours": 23}},
    "the last minute of the day": {"spec.rotateAtUtc": {"hours": 23, "minutes": 59}},
    "a local time of day": {"spec.rotateAt": {"time": "23:59", "timeZone": "Europe/Oslo"}},
    "a time of day in UTC": {"spec.rotateAt": {"time": "00:00", "timeZone": "UTC"}},
    "a zone of three parts": {
        "spec.rotateAt": {"time": "03:30", "timeZone": "America/Argentina/Buenos_Aires"}
    },
    "a zone of a fixed offset": {"spec.rotateAt": {"time": "03:30", "timeZone": "Etc/GMT-2"}},
    "no windows at all": {"spec.rotationWindows": []},
    "a window over midnight": {"spec.rotationWindows": [_WINDOW]},
    "windows of both kinds": {
        "spec.rotationWindows": [
            {**_WINDOW, "timeZone": "Europe/Oslo"},
            {"kind": "deny", "schedule": "*/15 0-6 1,15 JAN-MAR MON#2", "duration": "1h30m"},
        ]
    },
    "sixteen windows": {"spec.rotationWindows": [_WINDOW] * 16},
    "the longest and the shortest window": {
        "spec.rotationWindows": [{**_WINDOW, "duration": "744h"}, {**_WINDOW, "duration": "60000ms"}]
    },
    "no spread": {"spec.spread": "0s"},
    "the widest spread": {"spec.spread": "24h"},
    "a canary": {"spec.canary": True},
    "a notice": {"spec.noticeBefore": "1.5h"},
    "a lead time": {"spec.nextSecretLeadTime": "90m"},
    "consumers to be found": {"spec.consumers": "discover"},
    "a restart gate": {"spec.restartGate": True},
    "four keys": {"spec.secretsMapping": _FOUR_KEYS},
    "a key of 253 characters": {"spec.secretsMapping.clientId": "x" * 253},
    "a client id with blanks around": {"spec.parameters.clientId": " AbC "},
    "a client id of 128 characters": {"spec.parameters.clientId": "x" * 128},
    "a cluster connection": {"spec.connectionRef.kind": "ClusterAuth0Connection"},
    "an empty target": {"spec.target": {}},
    "a target with a name": {"spec.target.name": "web.auth0"},
    "Merge with a name": {"spec.target": {"name": "shared", "creationPolicy": "Merge"}},
    "an empty template": {"spec.target.template": {}},
    "labels alone": {"spec.target.template.metadata.labels": {"app": "web"}},
    "annotations alone": {"spec.target.template.metadata.annotations": {"a.example/b": "c"}},
    "a type alone": {"spec.target.template.type": "example.com/credentials"},
    "more keys": {
        "spec.target.template.data": {"ISSUER": "https://$(domain)/", "RAW": "$$(x) $(clientId)"}
    },
    "a template beside four keys": {
        "spec.secretsMapping": _FOUR_KEYS,
        "spec.target.template.data": {"issuer": "https://$(domain)/"},
    },
    "WhenDue": {"spec.initialRotation": "WhenDue"},
    "a trigger": {"spec.rotationTrigger": "2026-11-23.1"},
    "an empty trigger": {"spec.rotationTrigger": ""},
    "a description of 256 characters": {"spec.description": "ä" * 256},
    "everything off": {
        "spec.isAutoRotationEnabled": False,
        "spec.suspend": True,
        "spec.verification.enabled": False,
    },
    "everything goes": {"spec.deletion": {"deleteSecrets": True, "revokeGeneratedCredentials": True}},
    "a name of 200 characters": {"metadata.name": "x" * 200},
    "a journal's name with a target of its own": {
        "metadata.name": "x.journal",
        "spec.target.name": "x",
    },
}
RIGHT_CONNECTIONS: Final[Mapping[str, Mapping[str, Any]]] = {
    "a public domain": {"spec.domain": "acme.auth0.com"},
    "an audience": {"spec.audience": "https://acme.eu.auth0.com/api/v2/"},
    "other keys": {
        "spec.credentialsSecretRef": {"name": "m2m", "clientIdKey": "id", "clientSecretKey": "secret"}
    },
    "a slow pace": {"spec.rateLimit": {"requestsPerSecond": 0.5, "burst": 1}},
    "the quickest pace": {"spec.rateLimit": {"requestsPerSecond": 1000, "burst": 1000}},
    "half a pace": {"spec.rateLimit.burst": 20},
    "an endpoint": {"spec.endpoint": "https://proxy.internal"},
    "an endpoint with port and slash": {"spec.endpoint": "https://proxy.internal:8443/"},
    "an endpoint for rehearsals": {"spec.endpoint": "http://127.0.0.1:8080"},
    "windows for all": {"spec.rotationWindows": [_WINDOW]},
    "a distance": {"spec.governor": {"minSpacing": "5m"}},
    "a number an hour": {"spec.governor": {"maxPerHour": 1}},
    "a circuit": {"spec.governor": {"openAfterFailures": 3}},
    "all of a governor": {
        "spec.governor": {"minSpacing": "744h", "maxPerHour": 10000, "openAfterFailures": 1000}
    },
    "a probe a minute": {"spec.foreignRotation": {"probeInterval": "1m"}},
    "a probe a month, and adoption": {"spec.foreignRotation": {"probeInterval": "744h", "adopt": True}},
    "a certificate": {"spec.caBundle": b64encode(_CERTIFICATE).decode()},
}
RIGHT_CLUSTER_CONNECTIONS: Final[Mapping[str, Mapping[str, Any]]] = {
    "nobody": {"spec.allowedNamespaces": []},
    "an entry that matches nothing": {"spec.allowedNamespaces": [{}]},
    "by name": {"spec.allowedNamespaces": [{"names": ["team-a", "team-b"]}]},
    "all": {"spec.allowedNamespaces": [{"selector": {}}]},
    "by label, for one client": {
        "spec.allowedNamespaces": [
            {"selector": {"matchLabels": {"auth0": "acme"}}, "clientIds": ["AbC123"]}
        ]
    },
}
_TABLES: Final = (
    (ROTATION, RIGHT_ROTATIONS),
    (CONNECTION, RIGHT_CONNECTIONS),
    (CLUSTER_CONNECTION, RIGHT_CLUSTER_CONNECTIONS),
)


@pytest.mark.parametrize(
    "manifest",
    [
        pytest.param(changed(base, changes), id=f"{base['kind']}: {name}")
        for base, table in _TABLES
        for name, changes in (("the smallest", {}), *table.items())
    ],
)
def test_a_right_manifest_means_the_same_to_both(plane: ControlPlane, manifest: dict[str, Any]) -> None:
    status, answer = tried(plane, manifest)
    assert status == 201, answer["message"]
    image = IMAGES[manifest["kind"]]
    assert parse_spec(image, manifest["spec"]) == parse_spec(image, answer["spec"])


def test_defaults_are_those_of_the_contract(plane: ControlPlane) -> None:
    rotation, connection, cluster_connection = (tried(plane, body)[1]["spec"] for body in ALL)
    assert rotation == ROTATION["spec"] | {
        "connectionRef": {"kind": "Auth0Connection", "name": "acme"},
        "isAutoRotationEnabled": True,
        "spread": "0s",
        "canary": False,
        "restartGate": False,
        "initialRotation": "Immediate",
        "target": {"creationPolicy": "Create"},
        "suspend": False,
        "allowOwnClient": False,
        "verification": {"enabled": True},
        "deletion": {"deleteSecrets": False, "revokeGeneratedCredentials": False},
    }
    assert connection == {
        "domain": "acme.eu.auth0.com",
        "method": "client-credentials",
        "credentialsSecretRef": {
            "name": "auth0-management",
            "clientIdKey": "clientId",
            "clientSecretKey": "clientSecret",
        },
        "rateLimit": {"requestsPerSecond": 2, "burst": 2},
    }
    # No entry admits nobody: an absent list must not become one that admits.
    assert cluster_connection.get("allowedNamespaces", []) == []


def test_a_time_of_day_is_filled_up_and_an_absent_one_stays_absent(plane: ControlPlane) -> None:
    """A default for the whole block would clash with a local time of day beside it."""
    _, told = tried(plane, changed(ROTATION, {"spec.rotateAtUtc": {"minutes": 30}}))
    assert told["spec"]["rotateAtUtc"] == {"hours": 0, "minutes": 30}
    _, untold = tried(plane, ROTATION)
    assert "rotateAtUtc" not in untold["spec"]
