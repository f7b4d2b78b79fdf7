"""The Management API: read, list, change, rotate; who may see what.

Guessed: which ids the path takes; every refusal for a client that uses a key (its status and code are
not recorded), and that the global client is not refused; that rotate-secret refuses a body other than
null; that a change answers with the new value without read:client_keys; the text of a value that is
too short, which quotes it here so that a caller has to mask; what a path that does not exist answers.
"""

import re
import time
from typing import Any, Final

from aiohttp import web

from auth0_simulator.answers import Answered, invalid_body, management_answer, management_error
from auth0_simulator.app import App
from auth0_simulator.journal import Entry, Malformed
from auth0_simulator.listing import fields_of, listed
from auth0_simulator.rate import rate_headers
from auth0_simulator.tenant import Tenant

_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_READ: Final = ("read:clients", "read:client_keys", "read:client_credentials", "read:client_summary")
_UPDATE: Final = ("update:clients", "update:client_keys", "update:client_credentials")
_SEES_SETTINGS: Final = frozenset({"read:clients", "read:client_keys"})
_SEES_KEYS: Final = frozenset({"read:client_keys", "read:client_credentials"})
# With any of the scopes.
_SUMMARY: Final = ("client_id", "app_type", "name", "description")
_HIDDEN_WITHOUT_KEYS: Final = frozenset({"client_secret", "signing_keys", "encryption_key"})
_METHODS: Final = "client_authentication_methods"
_NEEDS: Final = {
    "client_secret": "update:client_keys",
    _METHODS: "update:client_credentials",
    "name": "update:clients",
    "description": "update:clients",
    "app_type": "update:clients",
    "token_endpoint_auth_method": "update:clients",
    "signed_request_object": "update:clients",
    "custom_login_page": "update:clients",
    "custom_login_page_on": "update:clients",
}
"""The scope by property: what a change may hold. Of Auth0's long list only what is recorded."""
_KEPT: Final = frozenset({"description", "custom_login_page", "custom_login_page_on"})


class Management:
    """Answers for the clients of one tenant."""

    def __init__(self, tenant: Tenant) -> None:
        """Answer for `tenant`."""
        self._tenant = tenant

    async def list(self, request: web.Request, entry: Entry) -> web.Response:
        """Answer GET /api/v2/clients."""
        scopes = self._authorize(request, entry, *_READ)
        self._check_fields(request, scopes)
        apps = list(self._tenant.apps.values())
        return listed(request.query, apps, lambda app: self._shown(app, scopes), self._tenant.domain)

    async def read(self, request: web.Request, entry: Entry) -> web.Response:
        """Answer GET /api/v2/clients/{id}."""
        scopes = self._authorize(request, entry, *_READ)
        app = self._app(request)
        self._check_fields(request, scopes)
        return management_answer(fields_of(request.query).of(self._shown(app, scopes)))

    async def patch(self, request: web.Request, entry: Entry) -> web.Response:
        """Answer PATCH /api/v2/clients/{id}: all that the body says, or nothing of it."""
        scopes = self._authorize(request, entry, *_UPDATE)
        fault = _fault_of(entry.body, self._tenant.least_secret_length)
        if fault is not None:
            return fault
        app = self._app(request)
        for name in entry.body:
            if _NEEDS[name] not in scopes:
                raise _insufficient(_NEEDS[name])
        if "client_secret" in entry.body:
            if entry.body.get(_METHODS, app.uses_key):
                return _uses_no_secret()
            entry.had_effect = app.change(entry.value, time.monotonic())
        _apply(app, entry.body)
        return management_answer(self._whole(app, with_keys="update:client_keys" in scopes))

    async def rotate(self, request: web.Request, entry: Entry) -> web.Response:
        """Answer POST /api/v2/clients/{id}/rotate-secret. Nothing and the literal null are a body."""
        self._authorize(request, entry, "update:client_keys")
        if entry.body is not None:
            return invalid_body("Additional properties not allowed")
        app = self._app(request)
        if app.uses_key:
            return _uses_no_secret()
        entry.value = App("unused").secret
        entry.had_effect = app.change(entry.value, time.monotonic())
        return management_answer(self._whole(app, with_keys=True))

    async def unknown(self, request: web.Request, _: Entry) -> web.Response:
        """Answer any other path."""
        if request.path.startswith("/api/v2/"):
            self._token_of(request)
        return management_error(404, "Not Found")

    # Who may ask -------------------------------------------------------------------------------

    def _authorize(self, request: web.Request, entry: Entry, *any_of: str) -> frozenset[str]:
        """Return the scopes of the request's token; end the request where they do not suffice."""
        text = self._token_of(request)
        self._count(entry)
        token = self._tenant.tokens.get(text)
        if token is None or token.audience != self._tenant.audience:
            raise _unauthorized("Invalid token")
        if token.expires_at <= time.monotonic():
            raise _unauthorized("Expired token received for JSON Web Token validation")
        if not token.scopes & set(any_of):
            raise _insufficient(*any_of)
        identifier = request.match_info.get("id")
        if identifier is not None and not _ID.fullmatch(identifier):
            detail = "Object didn't pass validation for format client-id"
            message = f"Path validation error: '{detail}' on property id."
            raise Answered(management_error(400, message, "invalid_uri"))
        return token.scopes

    def _token_of(self, request: web.Request) -> str:
        kind, _, text = request.headers.get("Authorization", "").partition(" ")
        if kind != "Bearer" or not text:
            response = management_error(401, "Missing authentication")
            response.headers["Www-Authenticate"] = "Bearer"
            raise Answered(response)
        return text

    def _count(self, entry: Entry) -> None:
        """Count the request, and note the headers that tell of it."""
        rate = self._tenant.management_rate
        is_within = rate is None or rate.take()
        if self._tenant.tells_rate:
            entry.told = rate.headers() if rate is not None else rate_headers(50, 49, 1)
        if rate is None or is_within:
            return
        response = management_error(429, "Global limit has been reached", "too_many_requests")
        if self._tenant.tells_retry_after:
            response.headers["Retry-After"] = str(rate.seconds_to_next())
        raise Answered(response)

    def _app(self, request: web.Request) -> App:
        app = self._tenant.apps.get(request.match_info["id"])
        if app is None:
            raise Answered(management_error(404, "The client does not exist", "inexistent_client"))
        return app

    # What is seen ------------------------------------------------------------------------------

    def _whole(self, app: App, *, with_keys: bool) -> dict[str, Any]:
        return app.shown(tenant=self._tenant.name, with_keys=with_keys)

    def _shown(self, app: App, scopes: frozenset[str]) -> dict[str, Any]:
        sees_keys = bool(scopes & _SEES_KEYS)
        body = self._whole(app, with_keys=sees_keys)
        if self._tenant.are_methods_hidden and not sees_keys:
            body.pop(_METHODS, None)
        if scopes & _SEES_SETTINGS:
            return body
        seen = {*_SUMMARY, *(_HIDDEN_WITHOUT_KEYS | {_METHODS} if sees_keys else ())}
        return {name: value for name, value in body.items() if name in seen}

    def _check_fields(self, request: web.Request, scopes: frozenset[str]) -> None:
        is_hidden = bool(fields_of(request.query).named() & _HIDDEN_WITHOUT_KEYS)
        if is_hidden and self._tenant.is_hidden_field_refused and not scopes & _SEES_KEYS:
            raise Answered(management_error(403, "Some fields cannot be read", "insufficient_scope"))


def _fault_of(body: Any, least_secret_length: int) -> web.Response | None:
    """Return what is wrong with the body of a change whatever the client, None for nothing."""
    if not isinstance(body, dict):
        kind = "something else" if isinstance(body, Malformed) else type(body).__name__
        return invalid_body(f"Expected type object but found {kind}")
    unknown = sorted(body.keys() - _NEEDS.keys())
    if unknown:
        return invalid_body(f"Additional properties not allowed: {','.join(unknown)}")
    if body.get(_METHODS) and body.get("token_endpoint_auth_method"):
        return invalid_body(f"Only one of {_METHODS} and token_endpoint_auth_method is allowed")
    if "client_secret" not in body:
        return None
    value = body["client_secret"]
    if not isinstance(value, str):
        return invalid_body("Expected type string", "client_secret")
    if len(value) < least_secret_length:
        return invalid_body(f"String is too short: {value}", "client_secret")
    return None


def _apply(app: App, body: dict[str, Any]) -> None:
    app.name = body.get("name", app.name)
    app.app_type = body.get("app_type", app.app_type)
    app.auth_method = body.get("token_endpoint_auth_method", app.auth_method) or ""
    app.settings.update({name: value for name, value in body.items() if name in _KEPT})
    if _METHODS in body:
        credentials = ((body[_METHODS] or {}).get("private_key_jwt") or {}).get("credentials") or []
        app.uses_key = bool(credentials)
        app.key_ids = tuple(credential["id"] for credential in credentials)


def _unauthorized(message: str) -> Answered:
    return Answered(management_error(401, message, attributes={"error": message}))


def _insufficient(*any_of: str) -> Answered:
    message = f"Insufficient scope, expected any of: {','.join(any_of)}"
    return Answered(management_error(403, message, "insufficient_scope"))


def _uses_no_secret() -> web.Response:
    return management_error(400, "The client does not log in by a secret", "operation_not_supported")
