"""The objects that most tests begin with."""

from typing import Any

from auth0_simulator import Simulator, Tenant

API = "auth0rotator.dev/v1alpha1"


def credentials(tenant: Tenant, name: str = "auth0-management") -> dict[str, Any]:
    """Return the Secret with the operator's own credentials."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name},
        "stringData": {
            "clientId": tenant.manager.client_id,
            "clientSecret": tenant.manager.secret,
        },
    }


def connection(simulator: Simulator, name: str = "acme", **spec: Any) -> dict[str, Any]:
    """Return a connection to the simulated tenant, quick enough for tests."""
    return {
        "apiVersion": API,
        "kind": "Auth0Connection",
        "metadata": {"name": name},
        "spec": {
            "domain": simulator.tenant.domain,
            "endpoint": simulator.url,
            "credentialsSecretRef": {"name": "auth0-management"},
            "rateLimit": {"requestsPerSecond": 1000, "burst": 1000},
        }
        | spec,
    }


def rotation(client_id: str, name: str = "web", **spec: Any) -> dict[str, Any]:
    """Return a rotation of one client, due in 30 days."""
    annotations = spec.pop("annotations", {})
    return {
        "apiVersion": API,
        "kind": "Auth0ClientSecretRotation",
        "metadata": {"name": name, "annotations": annotations},
        "spec": {
            "connectionRef": {"name": "acme"},
            "parameters": {"clientId": client_id},
            "rotationInterval": 30,
            "secretsMapping": {"clientId": "ID", "clientSecret": "SECRET"},
        }
        | spec,
    }
