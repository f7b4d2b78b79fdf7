"""What stands in a state, in the form in which the operator meets it."""

from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any, NoReturn

from auth0_rotator.conditions import Reason, timestamp
from auth0_rotator.errors import Retry
from auth0_rotator.journal import SENDING_FINALIZER, Journal, Plan
from auth0_rotator.observation import Attempt
from auth0_rotator.record import PREFIX, Credential
from auth0_rotator.subject import Rotation
from auth0_rotator.target import Target
from examples import failed_status, meta, plan, rotation, target
from exploration.state import Ask, Shown, State, Stored

PLAN = plan()
STAGED_PLAN = plan(
    secretsMapping={"clientId": "ID", "clientSecret": "SECRET", "nextClientSecret": "NEXT"}
)
# Longer than any date is ahead: each value is announced as soon as the one before it is delivered.
ALWAYS = "744h"


def plan_of(*, is_staged: bool) -> Plan:
    """Return what is to be delivered."""
    return STAGED_PLAN if is_staged else PLAN


@cache
def materialised(stored: Stored) -> Journal:
    """Return a journal as the operator reads it."""
    found = meta(resource_version=str(stored.version), deleting_since=stored.deleting_since)
    return replace(stored.journal, plan=plan_of(is_staged=stored.is_staged), meta=found)


def plain(journal: Journal) -> Journal:
    """Return a journal without what is the same everywhere; of many attempts only that they are many."""
    return replace(journal, plan=None, meta=None, attempts=min(journal.attempts, 2))


def plain_attempt(attempt: Attempt, now: datetime) -> Attempt:
    """Return an attempt without what is only told, and without a wait that is over."""
    return replace(
        attempt,
        again_at=attempt.again_at if attempt.again_at > now else attempt.started_at,
        tries=0,
        accepted_at=0.0,
        remote_milliseconds=0,
        delivered_milliseconds=0,
        due_at=None,
    )


def deleted(stored: Stored, state: State, version: int) -> Stored | None:
    """Return what is left of a journal that somebody deletes: one that is sending stays for a while."""
    if not stored.journal.is_sending or stored.deleting_since is not None:
        return stored if stored.journal.is_sending else None
    return replace(stored, version=version, deleting_since=state.now)


@cache
def target_of(shown: Shown) -> Target:
    """Return a target as the operator reads it."""
    record, announced = shown.credential.record, shown.announced
    following = Credential(announced, record) if announced is not None else None
    of = Journal(current=shown.credential, next=following, is_announced=True)
    by = plan_of(is_staged=shown.is_staged)
    return target(of=of, by=by, resource_version=str(shown.version))


@cache
def rotation_of(ask: Ask) -> Rotation:
    """Return the rotation as the operator reads it."""
    annotations = {f"{PREFIX}rotate-now": ask.token, f"{PREFIX}settle-doubt": ask.settle_doubt}
    status: dict[str, Any] = {"rotationStatus": "success"}
    if ask.failed_at is not None and ask.retry_at is not None:
        status = failed_status(
            failedAttempts=ask.failed_attempts,
            lastRotationAttemptedAt=timestamp(ask.failed_at),
            nextRetryAt=timestamp(ask.retry_at),
        )
    if ask.verified:
        status["lastRotationId"] = ask.verified
        status["conditions"] = [{"type": "Verified", "status": "True", "reason": "Verified"}]
    spec: dict[str, Any] = {"verification": {"enabled": ask.is_verifying}}
    if ask.is_staged:
        mapping = STAGED_PLAN.secrets_mapping.model_dump(by_alias=True, exclude_none=True)
        spec |= {"secretsMapping": mapping, "nextSecretLeadTime": ALWAYS}
    return rotation(spec=spec, status=status, annotations=annotations)


def body_of(stored: Stored | Shown) -> dict[str, Any]:
    """Return a Secret as the cluster gives it back."""
    metadata: dict[str, Any] = {}
    if isinstance(stored, Stored) and stored.deleting_since is not None:
        metadata["deletionTimestamp"] = timestamp(stored.deleting_since)
        metadata["finalizers"] = [SENDING_FINALIZER] if stored.journal.is_sending else []
    return {"metadata": metadata, "stored": stored}


def no_answer() -> NoReturn:
    """The API server gives no answer."""
    raise Retry(Reason.CLUSTER_UNREACHABLE, "no answer")
