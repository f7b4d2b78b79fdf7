"""What an error of the API server means for the loop."""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final

from kubernetes.aio.client.exceptions import ApiException

from auth0_rotator.conditions import Reason
from auth0_rotator.credential import ClientSecret, masked
from auth0_rotator.errors import Contested, Refused, Retry, RotatorError, Stale

LONGEST_WAIT: Final = timedelta(minutes=1)


def translated(error: ApiException, hidden: Sequence[ClientSecret]) -> RotatorError:
    """Return what an error of the API server means for the loop."""
    status = _status_of(error)
    message = masked(" ".join(str(status.get("message") or error.reason or "").split()), hidden)
    causes = (status.get("details") or {}).get("causes") or []
    match error.status:
        case HTTPStatus.CONFLICT:
            managers = tuple(
                _manager_in(cause.get("message") or "")
                for cause in causes
                if cause.get("reason") == "FieldManagerConflict"
            )
            if managers:
                return Contested(Reason.TARGET_CONTESTED, message, managers)
            return Stale(Reason.BUSY, message)
        case HTTPStatus.GONE:
            return Stale(Reason.BUSY, message)
        case HTTPStatus.FORBIDDEN if any(
            cause.get("reason") == "NamespaceTerminating" for cause in causes
        ):
            return Refused(Reason.NAMESPACE_TERMINATING, message)
        case HTTPStatus.FORBIDDEN:
            return Refused(Reason.FORBIDDEN, message)
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.TOO_MANY_REQUESTS | HTTPStatus.REQUEST_TIMEOUT:
            return Retry(Reason.CLUSTER_UNREACHABLE, message, _wait_asked(error))
        case code if HTTPStatus.BAD_REQUEST <= code < HTTPStatus.INTERNAL_SERVER_ERROR:
            return Refused(Reason.WRITE_REFUSED, message)
        case _:
            return Retry(Reason.CLUSTER_UNREACHABLE, message or str(error.status), _wait_asked(error))


def _status_of(error: ApiException) -> Mapping[str, Any]:
    try:
        status = json.loads(error.body or "{}")
    except ValueError:
        return {}
    return status if isinstance(status, dict) else {}


def _manager_in(message: str) -> str:
    """Return the manager's name from `conflict with "NAME" using v1: ...`."""
    _, _, rest = message.partition('"')
    name, _, _ = rest.partition('"')
    return name or message


def _wait_asked(error: ApiException) -> timedelta | None:
    told = (error.headers or {}).get("Retry-After", "")
    if not told.isdecimal():
        return None
    # Longer than a minute no API server is away on purpose.
    return LONGEST_WAIT if len(told) > len("60") else min(timedelta(seconds=int(told)), LONGEST_WAIT)
