"""What the tenant answers: the two error envelopes, and the content types as they were recorded.

Guessed: the reset time on answers of the token endpoint, of which one is recorded, 43 minutes ahead.
"""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from aiohttp import web

from auth0_simulator.faults import Fault
from auth0_simulator.journal import Entry

MANAGEMENT_JSON: Final = "application/json; charset=utf-8"
OAUTH_JSON: Final = "application/json"
TEXT_OF_A_FIREWALL: Final = "text/html; charset=utf-8"


class Answered(Exception):
    """Ends a request with an answer."""

    def __init__(self, response: web.Response) -> None:
        """Keep the answer."""
        super().__init__()
        self.response = response


def management_answer(
    body: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Return an answer of the Management API."""
    return _answer(json.dumps(body), status, MANAGEMENT_JSON, headers or {})


def management_error(
    status: int, message: str, code: str | None = None, attributes: Mapping[str, str] | None = None
) -> web.Response:
    """Return the Management API's error envelope."""
    body: dict[str, Any] = {
        "statusCode": status,
        "error": HTTPStatus(status).phrase,
        "message": message,
    }
    if attributes:
        body["attributes"] = dict(attributes)
    return management_answer(body | ({"errorCode": code} if code else {}), status)


def invalid_body(detail: str, name: str = "") -> web.Response:
    """Return the refusal of a request body, or of the property `name` in it."""
    where = f" on property {name}" if name else ""
    return management_error(400, f"Payload validation error: '{detail}'{where}.", "invalid_body")


def oauth_answer(body: Any, status: int = 200) -> web.Response:
    """Return an answer of the Authentication API."""
    return _answer(json.dumps(body), status, OAUTH_JSON, {})


def oauth_error(status: int, error: str, description: str) -> web.Response:
    """Return the Authentication API's error envelope."""
    return oauth_answer({"error": error, "error_description": description}, status)


def faulty(fault: Fault, entry: Entry) -> web.Response | None:
    """Return what `fault` answers instead of the tenant, None where the answer is lost."""
    if fault.is_lost:
        return None
    if fault.quotes_value:
        # On another property: a message on client_secret says that the value itself was refused.
        message = f"Payload validation error: 'Not acceptable: {entry.value}' on property name."
        return management_error(fault.status, message, "invalid_body")
    if fault.text is not None:
        return _answer(fault.text, fault.status, TEXT_OF_A_FIREWALL, fault.headers)
    return _answer(json.dumps(fault.body), fault.status, MANAGEMENT_JSON, fault.headers)


def _answer(text: str, status: int, content_type: str, headers: Mapping[str, str]) -> web.Response:
    merged = {"Content-Type": content_type, **headers}
    return web.Response(body=text.encode(), status=status, headers=merged)
