"""Who may do what, and who did what: roles, tokens, and the audit log of the API server."""

from dataclasses import dataclass
from typing import Any

from controlplane import ControlPlane
from harness.installation import SERVICE_ACCOUNT
from manifest.kustomize import Manifest


@dataclass(frozen=True, order=True)
class Right:
    """One verb on one resource (with its subresource, `pods/log`)."""

    group: str
    resource: str
    verb: str


def granted(manifests: list[Manifest]) -> set[Right]:
    """Return every right that the roles among `manifests` give."""
    return {
        Right(group, resource, verb)
        for manifest in manifests
        for rule in manifest.get("rules", ())
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def token_for(plane: ControlPlane, namespace: str) -> str:
    """Return a token of the operator's service account in `namespace`."""
    status, answer = plane.request(
        "POST", f"/api/v1/namespaces/{namespace}/serviceaccounts/{SERVICE_ACCOUNT}/token", {"spec": {}}
    )
    assert status == 201, answer
    token: str = answer["status"]["token"]
    return token


@dataclass(frozen=True)
class Audit:
    """What one service account asked of the API server since an instant."""

    plane: ControlPlane
    namespace: str
    since: int

    @classmethod
    def begin(cls, plane: ControlPlane, namespace: str) -> "Audit":
        """Look at what comes from now on."""
        return cls(plane, namespace, len(plane.audit_events()))

    def asked(self, *, refused: bool) -> set[Right]:
        """Return what was asked for and refused, or not refused."""
        user = f"system:serviceaccount:{self.namespace}:{SERVICE_ACCOUNT}"
        return {
            _right_of(event)
            for event in self.plane.audit_events()[self.since :]
            if event["user"]["username"] == user
            and "objectRef" in event
            and (event.get("responseStatus", {}).get("code") == 403) is refused
        }


def _right_of(event: dict[str, Any]) -> Right:
    told = event["objectRef"]
    parts = [told["resource"], told.get("subresource", "")]
    return Right(told.get("apiGroup", ""), "/".join(filter(None, parts)), event["verb"])
