"""The Authentication API: POST /oauth/token.

Guessed: the order of the checks (the secret, the grant type, the audience; a knob turns it round);
the status of an unsupported grant type; that a missing secret is a wrong one; that the secret of a
client without authentication is not looked at; that an audience in the form of another tenant's
Management API is the one that is "not enabled within domain".
"""

import re
from typing import Any, Final

from aiohttp import web

from auth0_simulator.answers import Answered, oauth_answer, oauth_error
from auth0_simulator.app import App
from auth0_simulator.faults import Operation
from auth0_simulator.journal import Entry
from auth0_simulator.rate import rate_headers
from auth0_simulator.tenant import Tenant

JWT_BEARER: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_CLIENT_CREDENTIALS: Final = "client_credentials"
_NEEDED: Final = {
    _CLIENT_CREDENTIALS: ("client_id",),
    "authorization_code": ("client_id", "code"),
}
_MANAGEMENT_OF_A_TENANT: Final = re.compile(r"https://[^/]+\.auth0\.com/api/v2/")
_QUOTA_WAIT_SECONDS: Final = 3600


class Authentication:
    """Answers token requests."""

    def __init__(self, tenant: Tenant) -> None:
        """Answer for `tenant`."""
        self._tenant = tenant

    def operation_of(self, body: Any) -> Operation:
        """Tell the operator's own logins from probes, by who asks."""
        asked_by = body.get("client_id") if isinstance(body, dict) else None
        return Operation.TOKEN if asked_by == self._tenant.manager.client_id else Operation.PROBE

    async def token(self, _: web.Request, entry: Entry) -> web.Response:
        """Answer POST /oauth/token; a form and a JSON object are the same."""
        entry.client_id, entry.value = entry.text("client_id"), entry.text("client_secret")
        try:
            response = self._login(entry)
        except Answered as answered:
            response = answered.response
        entry.told = self._rate_headers()
        return response

    def _login(self, entry: Entry) -> web.Response:
        rate = self._tenant.login_rate
        if rate is not None and not rate.take():
            headers = self._retry_after(rate.seconds_to_next())
            raise Answered(_limited("Rate limit exceeded.", headers))
        self._check_parameters(entry)
        app = self._tenant.apps.get(entry.client_id)
        if app is None:
            raise self._refused()
        checks = [self._check_client, self._check_grant]
        for check in reversed(checks) if self._tenant.is_grant_checked_first else checks:
            check(app, entry)
        if entry.text("grant_type") != _CLIENT_CREDENTIALS:
            return oauth_error(403, "invalid_grant", "Invalid authorization code")
        return self._issued(app, entry.text("audience"))

    def _check_parameters(self, entry: Entry) -> None:
        kind = entry.text("grant_type")
        if kind and kind not in _NEEDED:
            description = f"Unsupported grant type: {kind}"
            raise Answered(oauth_error(400, "unsupported_grant_type", description))
        for name in ("grant_type", *_NEEDED.get(kind, ())):
            if not entry.text(name):
                raise Answered(
                    oauth_error(400, "invalid_request", f"Missing required parameter: {name}")
                )

    def _check_client(self, app: App, entry: Entry) -> None:
        if app.uses_key:
            is_form_right = entry.text("client_assertion_type") == JWT_BEARER
            is_known = bool(app.assertion) and entry.text("client_assertion") == app.assertion
            is_authentic = is_form_right and is_known
        else:
            is_public = app.auth_method == "none"
            is_authentic = is_public or self._tenant.accepts(app.client_id, entry.value)
        if not is_authentic:
            raise self._refused()

    def _check_grant(self, app: App, entry: Entry) -> None:
        kind, audience = entry.text("grant_type"), entry.text("audience")
        is_public = app.auth_method == "none" and not app.uses_key
        if kind not in app.grant_types or (kind == _CLIENT_CREDENTIALS and is_public):
            message = f"Grant type '{kind}' not allowed for the client."
            raise Answered(oauth_error(403, "unauthorized_client", message))
        if kind == _CLIENT_CREDENTIALS and audience not in app.audiences:
            raise Answered(oauth_error(403, "access_denied", self._reason_against(audience)))

    def _reason_against(self, audience: str) -> str:
        if not audience:
            return "Non-global clients are not allowed access to APIv1"
        if self._tenant.has_api(audience):
            needed = 'You need to create a "client-grant" associated to this API.'
            return f'Client is not authorized to access "{audience}". {needed}'
        if _MANAGEMENT_OF_A_TENANT.fullmatch(audience):
            return f"Service not enabled within domain: {audience}"
        return f"Service not found: {audience}"

    def _issued(self, app: App, audience: str) -> web.Response:
        if self._tenant.is_quota_used_up(app, audience):
            quota = {"Auth0-Client-Quota-Limit": self._tenant.quota_header()}
            headers = quota | self._retry_after(_QUOTA_WAIT_SECONDS)
            raise Answered(_limited("Client quota exceeded", headers))
        scopes = app.audiences[audience]
        body: dict[str, Any] = {
            "access_token": self._tenant.issue(scopes, audience),
            "expires_in": self._tenant.token_seconds,
            "token_type": "Bearer",
        }
        return oauth_answer(body | ({"scope": " ".join(scopes)} if scopes else {}))

    def _refused(self) -> Answered:
        return Answered(oauth_error(401, *self._tenant.login_refusal))

    def _retry_after(self, seconds: int) -> dict[str, str]:
        return {"Retry-After": str(seconds)} if self._tenant.tells_retry_after else {}

    def _rate_headers(self) -> dict[str, str]:
        if not self._tenant.tells_rate:
            return {}
        rate = self._tenant.login_rate
        return rate.headers() if rate is not None else rate_headers(100, 97, 43 * 60)


def _limited(description: str, headers: dict[str, str]) -> web.Response:
    response = oauth_error(429, "too_many_requests", description)
    response.headers.update(headers)
    return response
