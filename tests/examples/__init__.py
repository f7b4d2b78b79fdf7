"""Small valid values for the unit tests: each builder takes, by keyword, what a test wants different.

They are real: a target here is what a server-side apply of its projection leaves behind, a rotation
is parsed from an object of the API. Together they show a rotation at rest: delivered and verified,
last rotated on schedule on 1 November, next due on 1 December, seen on 23 November.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from auth0_rotator.conditions import Reason
from auth0_rotator.credential import ClientSecret
from auth0_rotator.journal import Journal, JournalMeta, Plan, State
from auth0_rotator.observation import Attempt, Connection, Contest, Observation, Rival
from auth0_rotator.record import CommitRecord, Credential, Trigger
from auth0_rotator.resource import Kind, parse_spec
from auth0_rotator.schedule import IntervalUnit
from auth0_rotator.subject import ConnectionKey, Key, Rotation, parse_rotation
from auth0_rotator.target import Projection, Target, field_manager, project
from auth0_rotator.target_secret import apply_body, parse_target

NOW: Final = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
ROTATED_AT: Final = datetime(2026, 11, 1, 0, 0, 1, tzinfo=UTC)
DUE_AT: Final = datetime(2026, 12, 1, tzinfo=UTC)

NAMESPACE: Final = "team-a"
NAME: Final = "web"
UID: Final = "6b0c7f6e-rotation"
KEY: Final = Key(NAMESPACE, NAME)
CLIENT_ID: Final = "AbC123xyz"
DOMAIN: Final = "acme.eu.auth0.com"
PROCESS: Final = "operator-1"

# Nothing in one of them is found in another, be it eight characters in a row.
CURRENT: Final = ClientSecret("current0_AQ8cF6b2Zt-HNc9sVxJ4mKyR7wEoPdUgLi1TfSkB3jGvXnMq5aWhYz0")
PREVIOUS: Final = ClientSecret("previous_pL2kM9nJ-xH4bV7gC1fD6sA3qW8eR5tY0uI_oPzXmNaSdKqLwErT6yU")
NEXT: Final = ClientSecret("upcoming_Zx1Cv2Bn3Ml4Kj5Hg6Fd7Sa8Po9Iu0Yt-Re_WqAzSxDcFvGbHnJmK_L")
BY_HAND: Final = ClientSecret("by-hand__tGbYhNuJmIkOlP0192837465-QaZwSxEdCrFvT_gByHnUjMiKoLpQ4w")

HANDLED: Final = "annotation:00112233aabbccdd"

SECOND: Final = timedelta(seconds=1)
MINUTE: Final = timedelta(minutes=1)
DAY: Final = timedelta(days=1)


# The journal -----------------------------------------------------------------------------------


def record(**changes: Any) -> CommitRecord:
    """Return the commit record of `CURRENT`."""
    base = CommitRecord(
        sequence=7,
        rotation_id="01CURRENT",
        rotated_at=ROTATED_AT,
        trigger=Trigger.SCHEDULE,
        handled=(HANDLED,),
        client_id=CLIENT_ID,
        domain=DOMAIN,
    )
    return replace(base, **changes)


def credential(secret: ClientSecret = CURRENT, **changes: Any) -> Credential:
    """Return `CURRENT` with its record."""
    return Credential(secret, record(**changes))


def intended(secret: ClientSecret = NEXT, **changes: Any) -> Credential:
    """Return `NEXT` with the record that it has before the tenant took it."""
    upcoming = {"sequence": 8, "rotation_id": "01NEXT", "rotated_at": None}
    return Credential(secret, record(**(upcoming | changes)))


def plan(**changes: Any) -> Plan:
    """Return the plan of the rotation; changes are in the form of the API."""
    body = {
        "rotation": NAME,
        "uid": UID,
        "connectionRef": {"name": "acme"},
        "secretsMapping": {"clientId": "ID", "clientSecret": "SECRET"},
        "target": {},
    }
    return parse_spec(Plan, body | changes)


def meta(**changes: Any) -> JournalMeta:
    """Return how an untouched journal stands in the cluster."""
    base = JournalMeta(
        uid="journal-uid",
        resource_version="41",
        owner_uid=UID,
        deleting_since=None,
        is_intact=True,
        foreign={"labels": {}, "annotations": {}, "finalizers": []},
    )
    return replace(base, **changes)


def journal(**changes: Any) -> Journal:
    """Return a journal at rest."""
    base = Journal(current=credential(), previous=PREVIOUS, plan=plan(), meta=meta())
    return replace(base, **changes)


def sending(**changes: Any) -> Journal:
    """Return a journal whose `next` this process sent five minutes ago, without an answer."""
    base = journal(
        state=State.SENDING,
        next=intended(),
        attempts=1,
        attempted_at=NOW - 5 * MINUTE,
        attempted_by=PROCESS,
    )
    return replace(base, **changes)


# The target ------------------------------------------------------------------------------------


def managed_fields(projection: Projection) -> list[dict[str, Any]]:
    """Return what the API server notes after an apply of `projection`, beside somebody's update."""
    metadata: dict[str, Any] = {
        "f:labels": {".": {}} | {f"f:{name}": {} for name in projection.labels},
        "f:annotations": {".": {}} | {f"f:{name}": {} for name in projection.annotations},
    }
    if projection.owner_uid:
        metadata["f:ownerReferences"] = {f'k:{{"uid":"{projection.owner_uid}"}}': {}}
    applied = {
        "manager": field_manager(projection.rotation),
        "operation": "Apply",
        "fieldsV1": {
            "f:data": {".": {}} | {f"f:{key}": {} for key in projection.data},
            "f:metadata": metadata,
            "f:type": {},
        },
    }
    updated = {"manager": "kubectl", "operation": "Update", "fieldsV1": {"f:data": {"f:OTHER": {}}}}
    return [updated, applied]


def target_body(*, of: Journal | None = None, by: Plan | None = None, **metadata: Any) -> dict[str, Any]:
    """Return the target's Secret, as it is read after the journal `of` was published `by` a plan."""
    projection = project(of or journal(), by or plan(), NAMESPACE)
    body = apply_body(projection, None)
    body["metadata"] |= {
        "uid": "target-uid",
        "resourceVersion": "52",
        "managedFields": managed_fields(projection),
    }
    body["metadata"] |= metadata
    return body


def target(*, of: Journal | None = None, by: Plan | None = None, **changes: Any) -> Target:
    """Return the target as it stands after the journal `of` was published `by` a plan."""
    return replace(parse_target(target_body(of=of, by=by)), **changes)


def foreign_target(data: Mapping[str, ClientSecret | None] | None = None, **changes: Any) -> Target:
    """Return a Secret under the target's name that somebody else made."""
    made = target(labels={}, annotations={}, record=None, rotation="", fields={}, data=data or {})
    return replace(made, **changes)


# The rotation ----------------------------------------------------------------------------------


def spec_body(**changes: Any) -> dict[str, Any]:
    """Return a spec in the form of the API."""
    body: dict[str, Any] = {
        "connectionRef": {"name": "acme"},
        "parameters": {"clientId": CLIENT_ID},
        "rotationInterval": 30,
        "secretsMapping": {"clientId": "ID", "clientSecret": "SECRET"},
    }
    return body | changes


def rotation_body(
    *,
    spec: Mapping[str, Any] | None = None,
    status: Mapping[str, Any] | None = None,
    **metadata: Any,
) -> dict[str, Any]:
    """Return an Auth0ClientSecretRotation; `spec` and `status` say what differs, in the API's form."""
    base = {
        "name": NAME,
        "namespace": NAMESPACE,
        "uid": UID,
        "resourceVersion": "30",
        "generation": 3,
        "creationTimestamp": "2026-06-01T00:00:00Z",
    }
    return {
        "metadata": base | metadata,
        "spec": spec_body(**(spec or {})),
        "status": {"observedGeneration": 3, "rotationStatus": "success"} | dict(status or {}),
    }


def rotation(
    *,
    spec: Mapping[str, Any] | None = None,
    status: Mapping[str, Any] | None = None,
    **metadata: Any,
) -> Rotation:
    """Return a rotation as it was last seen."""
    return parse_rotation(rotation_body(spec=spec, status=status, **metadata))


def failed_status(**changes: Any) -> dict[str, Any]:
    """Return the status after three failures; the next try comes in four minutes."""
    status: dict[str, Any] = {
        "rotationStatus": "failed",
        "failedAttempts": 3,
        "lastRotationAttemptedAt": "2026-11-23T09:29:00Z",
        "lastRotationMessage": "acme.eu.auth0.com cannot be reached",
        "nextRetryAt": "2026-11-23T09:34:00Z",
    }
    return status | changes


def invalid_rotation(**metadata: Any) -> Rotation:
    """Return a rotation whose spec cannot be followed."""
    return rotation(spec={"rotationInterval": 0}, **metadata)


# Everything around -----------------------------------------------------------------------------


def connection(**changes: Any) -> Connection:
    """Return a connection that is ready."""
    base = Connection(
        key=ConnectionKey(Kind.CONNECTION, NAMESPACE, "acme"),
        is_ready=True,
        is_known=True,
        reason=Reason.TOKEN_ISSUED,
        message=f"{DOMAIN} issued a token with update:client_keys",
        domain=DOMAIN,
        client_id="operators-own-client",
    )
    return replace(base, **changes)


def broken_connection(**changes: Any) -> Connection:
    """Return a connection whose tenant issues no token that may change anything, and still answers."""
    words = {
        "is_ready": False,
        "reason": Reason.SCOPE_MISSING,
        "message": "the token lacks update:client_keys",
    }
    return connection(**(words | changes))


def unchecked_connection(**changes: Any) -> Connection:
    """Return a connection that nobody has checked so far."""
    words = {
        "is_ready": False,
        "is_known": False,
        "reason": Reason.PENDING,
        "message": "it was not checked yet",
    }
    return connection(**(words | changes))


def missing_connection(**changes: Any) -> Connection:
    """Return what is known of a connection that is not there."""
    words = {
        "is_ready": False,
        "is_known": False,
        "reason": Reason.CONNECTION_MISSING,
        "message": "there is no such connection",
        "domain": "",
        "client_id": "",
    }
    return connection(**(words | changes))


def attempt(**changes: Any) -> Attempt:
    """Return an attempt of this process, one second old, that may go on."""
    base = Attempt(started_at=NOW - SECOND, again_at=NOW - SECOND)
    return replace(base, **changes)


def rival(**changes: Any) -> Rival:
    """Return a younger rotation that claims the same client, and holds nothing."""
    base = Rival(
        key=Key(NAMESPACE, "other"),
        uid="other-uid",
        created_at=datetime(2026, 7, 1, tzinfo=UTC),
        holds=False,
        contest=Contest.CLIENT,
    )
    return replace(base, **changes)


def observation(**changes: Any) -> Observation:
    """Return a pass over a rotation at rest; the target follows the journal unless it is given."""
    base = Observation(
        now=NOW,
        key=KEY,
        rotation=rotation(),
        journal=journal(),
        target=None,
        connection=connection(),
        unit=IntervalUnit.DAYS,
        process=PROCESS,
        leading_since=NOW - DAY,
    )
    o = replace(base, **changes)
    is_published = o.journal is not None and o.journal.current is not None and o.plan is not None
    return (
        replace(o, target=target(of=o.journal, by=o.plan))
        if is_published and "target" not in changes
        else o
    )


def created(**changes: Any) -> Observation:
    """Return a pass over a rotation that was just created: no journal, no target."""
    return observation(
        **({"journal": None, "rotation": rotation(status={"rotationStatus": None})} | changes)
    )
