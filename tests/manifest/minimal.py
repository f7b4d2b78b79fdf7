"""The smallest right manifest of each kind, which the tables of this folder vary."""

from typing import Any, Final

from auth0_rotator.resource import ClusterConnectionSpec, ConnectionSpec, Kind, RotationSpec
from auth0_rotator.resource.image import Image

API: Final = "auth0rotator.dev/v1alpha1"

ROTATION: Final[dict[str, Any]] = {
    "apiVersion": API,
    "kind": "Auth0ClientSecretRotation",
    "metadata": {"name": "web"},
    "spec": {
        "connectionRef": {"name": "acme"},
        "parameters": {"clientId": "AbC123"},
        "rotationInterval": 30,
        "secretsMapping": {"clientId": "ID", "clientSecret": "SECRET"},
    },
}
CONNECTION: Final[dict[str, Any]] = {
    "apiVersion": API,
    "kind": "Auth0Connection",
    "metadata": {"name": "acme"},
    "spec": {"domain": "acme.eu.auth0.com", "credentialsSecretRef": {"name": "auth0-management"}},
}
CLUSTER_CONNECTION: Final[dict[str, Any]] = {
    **CONNECTION,
    "kind": "ClusterAuth0Connection",
}
ALL: Final = (ROTATION, CONNECTION, CLUSTER_CONNECTION)
IMAGES: Final[dict[str, type[Image]]] = {
    Kind.ROTATION.value: RotationSpec,
    Kind.CONNECTION.value: ConnectionSpec,
    Kind.CLUSTER_CONNECTION.value: ClusterConnectionSpec,
}
