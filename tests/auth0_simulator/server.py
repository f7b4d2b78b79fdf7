"""The tenant's HTTP face: routes, scopes, error envelopes, faults."""

import json
import time
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from typing import Any, Self

from aiohttp import web

from auth0_simulator.app import App
from auth0_simulator.faults import Fault, Moment, Operation
from auth0_simulator.journal import Entry
from auth0_simulator.tenant import Tenant

Handler = Callable[[web.Request, Entry], Awaitable[web.Response]]
_CLIENT_SCOPES = frozenset(
    {"read:clients", "read:client_keys", "read:client_credentials", "update:clients"}
)
_PATCHABLE = frozenset({"client_secret", "name", "description", "token_endpoint_auth_method"})


class Answered(Exception):
    """Ends a request with an answer."""

    def __init__(self, response: web.Response) -> None:
        """Keep the answer."""
        super().__init__()
        self.response = response


def management_error(status: int, error: str, message: str, code: str | None = None) -> web.Response:
    """Return the Management API's error envelope."""
    body: dict[str, Any] = {"statusCode": status, "error": error, "message": message}
    return web.json_response(body | ({"errorCode": code} if code else {}), status=status)


def oauth_error(status: int, error: str, description: str) -> web.Response:
    """Return the Authentication API's error envelope."""
    return web.json_response({"error": error, "error_description": description}, status=status)


class Simulator:
    """Serves one tenant on a free port of the loopback. Use it as an async context manager."""

    def __init__(self, tenant: Tenant | None = None, *, port: int = 0) -> None:
        """Prepare; `port` 0 means any free one."""
        self.tenant = tenant if tenant is not None else Tenant()
        self.port = port
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen; on the same port again after a stop."""
        application = web.Application()
        application.add_routes(
            [
                web.post("/oauth/token", self._routed(self._operation_of_token, self._token)),
                web.get("/api/v2/clients", self._routed(Operation.LIST, self._list)),
                web.get("/api/v2/clients/{id}", self._routed(Operation.READ, self._read)),
                web.patch("/api/v2/clients/{id}", self._routed(Operation.PATCH, self._patch)),
                web.post(
                    "/api/v2/clients/{id}/rotate-secret",
                    self._routed(Operation.ROTATE, self._rotate),
                ),
            ]
        )
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Stop listening: connections are refused from now on. The state stays."""
        if self._runner is not None:
            await self.tenant.close()
            await self._runner.cleanup()
            self._runner = None

    # Around every request ----------------------------------------------------------------------

    def _routed(
        self, operation: Operation | Callable[[Any], Operation], handler: Handler
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def serve(request: web.Request) -> web.StreamResponse:
            body = await _body_of(request)
            kind = operation if isinstance(operation, Operation) else operation(body)
            entry = Entry(time.monotonic(), kind, request.match_info.get("id", ""))
            entry.body = body
            self.tenant.journal.append(entry)
            response = await self._answer(request, entry, handler)
            entry.status = response.status if response is not None else 0
            if response is None:
                _hang_up(request)
                return web.Response()
            response.headers["Date"] = formatdate(usegmt=True)
            return response

        return serve

    async def _answer(self, request: web.Request, entry: Entry, handler: Handler) -> web.Response | None:
        before = self.tenant.faults.take(entry.operation, Moment.BEFORE)
        if before is not None:
            await before.wait()
            self._land_later(entry, before)
            if before.is_lost or before.status:
                return _faulty(before, entry)
        try:
            response = await handler(request, entry)
        except Answered as answered:
            response = answered.response
        after = self.tenant.faults.take(entry.operation, Moment.AFTER)
        if after is not None:
            await after.wait()
            if after.is_lost or after.status:
                return _faulty(after, entry)
        return response

    def _land_later(self, entry: Entry, fault: Fault) -> None:
        if fault.effect_after is None:
            return
        app = self.tenant.apps[entry.client_id]
        self.tenant.change_later(app, entry.body["client_secret"], fault.effect_after)

    # Authentication API ------------------------------------------------------------------------

    def _operation_of_token(self, body: Any) -> Operation:
        """Tell the operator's own logins from probes, by who asks."""
        asked_by = body.get("client_id", "") if isinstance(body, dict) else ""
        return Operation.TOKEN if asked_by == self.tenant.manager.client_id else Operation.PROBE

    async def _token(self, _: web.Request, entry: Entry) -> web.Response:
        form: dict[str, Any] = entry.body if isinstance(entry.body, dict) else {}
        entry.client_id, entry.value = form.get("client_id", ""), form.get("client_secret", "")
        app = self.tenant.apps.get(entry.client_id)
        if not form.get("grant_type"):
            return oauth_error(400, "invalid_request", "Missing required parameter: grant_type")
        if app is None or not self.tenant.accepts(entry.client_id, entry.value):
            return oauth_error(401, "access_denied", "Unauthorized")
        grant = form["grant_type"]
        if grant not in app.grant_types:
            message = f"Grant type '{grant}' not allowed for the client."
            return oauth_error(403, "unauthorized_client", message)
        if grant == "authorization_code":
            return oauth_error(403, "invalid_grant", "Invalid authorization code")
        return self._client_credentials(app, form)

    def _client_credentials(self, app: App, form: dict[str, Any]) -> web.Response:
        audience = form.get("audience", "")
        scopes = app.audiences.get(audience)
        if scopes is None:
            if audience != self.tenant.audience:
                return oauth_error(403, "access_denied", f"Service not found: {audience}")
            message = (
                f'Client is not authorized to access "{audience}". You need to create a '
                '"client-grant" associated to this API.'
            )
            return oauth_error(403, "access_denied", message)
        body: dict[str, Any] = {
            "access_token": self.tenant.issue(scopes),
            "expires_in": self.tenant.token_seconds,
            "token_type": "Bearer",
        }
        return web.json_response(body | ({"scope": " ".join(scopes)} if scopes else {}))

    # Management API ----------------------------------------------------------------------------

    def _authorize(self, request: web.Request, *any_of: str) -> frozenset[str]:
        """Return the scopes of the request's token; end the request where they do not suffice."""
        kind, _, text = request.headers.get("Authorization", "").partition(" ")
        if kind != "Bearer" or not text:
            response = management_error(401, "Unauthorized", "Missing authentication")
            response.headers["Www-Authenticate"] = "Bearer"
            raise Answered(response)
        if self.tenant.is_over_limit():
            raise Answered(self._limited())
        scopes, expires_at = self.tenant.tokens.get(text, (frozenset[str](), -1.0))
        if expires_at < 0:
            raise Answered(management_error(401, "Unauthorized", "Invalid token"))
        if expires_at <= time.monotonic():
            message = "Expired token received for JSON Web Token validation"
            raise Answered(management_error(401, "Unauthorized", message))
        if not scopes & set(any_of):
            message = f"Insufficient scope, expected any of: {','.join(any_of)}"
            raise Answered(management_error(403, "Forbidden", message, "insufficient_scope"))
        return scopes

    def _limited(self) -> web.Response:
        message = "Global limit has been reached"
        response = management_error(429, "Too Many Requests", message, "too_many_requests")
        if self.tenant.tells_retry_after:
            response.headers["Retry-After"] = "1"
        response.headers["X-Ratelimit-Reset"] = str(int(time.time()) + 1)
        return response

    def _app(self, request: web.Request) -> App:
        app = self.tenant.apps.get(request.match_info["id"])
        if app is None:
            message = "The client does not exist"
            raise Answered(management_error(404, "Not Found", message, "inexistent_client"))
        return app

    async def _list(self, request: web.Request, _: Entry) -> web.Response:
        scopes = self._authorize(request, *_CLIENT_SCOPES)
        page, size = int(request.query.get("page", 0)), int(request.query.get("per_page", 50))
        apps = list(self.tenant.apps.values())
        shown = [
            _selected(app.shown(with_keys="read:client_keys" in scopes), request)
            for app in apps[page * size : (page + 1) * size]
        ]
        if request.query.get("include_totals") == "true":
            totals = {"total": len(apps), "start": page * size, "limit": size}
            return web.json_response(totals | {"clients": shown})
        return web.json_response(shown)

    async def _read(self, request: web.Request, _: Entry) -> web.Response:
        scopes = self._authorize(request, *_CLIENT_SCOPES)
        shown = self._app(request).shown(with_keys="read:client_keys" in scopes)
        return web.json_response(_selected(shown, request))

    async def _patch(self, request: web.Request, entry: Entry) -> web.Response:
        body = entry.body
        scopes = self._authorize(request, "update:clients", "update:client_keys")
        app = self._app(request)
        if not isinstance(body, dict) or not body.keys() <= _PATCHABLE:
            message = "Payload validation error: 'Additional properties not allowed'."
            return management_error(400, "Bad Request", message, "invalid_body")
        value = body.get("client_secret")
        if value is not None:
            if "update:client_keys" not in scopes:
                message = "Insufficient scope, expected any of: update:client_keys"
                return management_error(403, "Forbidden", message, "insufficient_scope")
            if app.uses_key:
                message = "Payload validation error: the client does not use a secret."
                return management_error(400, "Bad Request", message, "invalid_body")
            if len(value) < self.tenant.least_secret_length:
                fault = f"String is too short: {value}"
                message = f"Payload validation error: '{fault}' on property client_secret."
                return management_error(400, "Bad Request", message, "invalid_body")
            self._change(app, value, entry)
        return web.json_response(app.shown(with_keys="update:client_keys" in scopes))

    async def _rotate(self, request: web.Request, entry: Entry) -> web.Response:
        self._authorize(request, "update:client_keys")
        app = self._app(request)
        self._change(app, App("unused").secret, entry)
        return web.json_response(app.shown(with_keys=True))

    def _change(self, app: App, value: str, entry: Entry) -> None:
        count = app.changes
        app.change(value, time.monotonic())
        entry.value, entry.had_effect = value, app.changes > count


async def _body_of(request: web.Request) -> Any:
    if request.content_type == "application/json":
        text = await request.text()
        try:
            return json.loads(text) if text else None
        except ValueError:
            return None
    return dict(await request.post())


def _selected(shown: dict[str, Any], request: web.Request) -> dict[str, Any]:
    fields = [name for name in request.query.get("fields", "").split(",") if name]
    if not fields:
        return shown
    is_wanted = request.query.get("include_fields", "true") == "true"
    return {name: value for name, value in shown.items() if (name in fields) is is_wanted}


def _faulty(fault: Fault, entry: Entry) -> web.Response | None:
    if fault.is_lost:
        return None
    if fault.quotes_value:
        value = entry.body.get("client_secret", "")
        message = f"Payload validation error: 'Not acceptable: {value}' on property name."
        return management_error(fault.status, "Bad Request", message, "invalid_body")
    headers = dict(fault.headers)
    if fault.text is not None:
        return web.Response(
            status=fault.status, text=fault.text, content_type="text/html", headers=headers
        )
    return web.json_response(fault.body, status=fault.status, headers=headers)


def _hang_up(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()
