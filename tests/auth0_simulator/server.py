"""The tenant's HTTP face: routes, and what stands around every request: journal, faults, headers."""

import json
import ssl
import time
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from typing import Any, Self

from aiohttp import web

from auth0_simulator.answers import Answered, faulty
from auth0_simulator.authentication import Authentication
from auth0_simulator.faults import Fault, Moment, Operation
from auth0_simulator.journal import Entry, Malformed
from auth0_simulator.management import Management
from auth0_simulator.port import Keeper
from auth0_simulator.tenant import Tenant

Handler = Callable[[web.Request, Entry], Awaitable[web.Response]]
_CLIENTS = "/api/v2/clients"


class Simulator:
    """Serves one tenant on a free port of the loopback. Use it as an async context manager."""

    def __init__(
        self, tenant: Tenant | None = None, *, port: int = 0, tls: ssl.SSLContext | None = None
    ) -> None:
        """Prepare; `port` 0 means any free one, and with `tls` it speaks HTTPS."""
        self.tenant = tenant if tenant is not None else Tenant()
        self.port = port
        self._tls = tls
        self._runner: web.AppRunner | None = None
        self._keeper = Keeper()
        self._broken: list[Exception] = []

    @property
    def url(self) -> str:
        """Where it listens."""
        scheme = "http" if self._tls is None else "https"
        return f"{scheme}://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def start(self) -> None:
        """Listen; on the same port again after a stop.

        Raises:
            OSError: the port is taken.
        """
        runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        self._keeper.release()
        try:
            site = web.TCPSite(runner, "127.0.0.1", self.port, reuse_address=True, ssl_context=self._tls)
            await site.start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        self.port = runner.addresses[0][1]

    async def stop(self) -> None:
        """Stop listening: connections are refused from now on. State and port stay.

        Raises:
            ExceptionGroup: a request broke the simulator. Its 500 looks like one of the tenant, and a
                test of the operator would take it for that.
        """
        if self._runner is not None:
            await self.tenant.close()
            await self._runner.cleanup()
            self._runner = None
            self._keeper.keep(self.port)
        if self._broken:
            broken, self._broken = self._broken, []
            raise ExceptionGroup("the simulator is broken", broken)

    async def close(self) -> None:
        """Stop, for good.

        Raises:
            ExceptionGroup: as `stop`.
        """
        try:
            await self.stop()
        finally:
            self._keeper.release()

    def _application(self) -> web.Application:
        authentication, management = Authentication(self.tenant), Management(self.tenant)
        application = web.Application()
        application.add_routes(
            [
                web.post(
                    "/oauth/token", self._routed(authentication.operation_of, authentication.token)
                ),
                web.get(_CLIENTS, self._routed(Operation.LIST, management.list), allow_head=False),
                web.get(
                    f"{_CLIENTS}/{{id}}",
                    self._routed(Operation.READ, management.read),
                    allow_head=False,
                ),
                web.patch(f"{_CLIENTS}/{{id}}", self._routed(Operation.PATCH, management.patch)),
                web.post(
                    f"{_CLIENTS}/{{id}}/rotate-secret",
                    self._routed(Operation.ROTATE, management.rotate),
                ),
                web.route("*", "/{rest:.*}", self._routed(Operation.UNKNOWN, management.unknown)),
            ]
        )
        return application

    def _routed(
        self, operation: Operation | Callable[[Any], Operation], handler: Handler
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def serve(request: web.Request) -> web.StreamResponse:
            body = await _body_of(request)
            kind = operation if isinstance(operation, Operation) else operation(body)
            entry = Entry(time.monotonic(), kind, request.match_info.get("id", ""), body=body)
            entry.value = entry.text("client_secret")
            self.tenant.journal.append(entry)
            try:
                response = await self._answer(request, entry, handler)
            except Exception as error:
                self._broken.append(error)
                raise
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
                return faulty(before, entry)
        try:
            response = await handler(request, entry)
        except Answered as answered:
            response = answered.response
        response.headers.update(entry.told)
        after = self.tenant.faults.take(entry.operation, Moment.AFTER)
        if after is not None:
            await after.wait()
            if after.is_lost or after.status:
                return faulty(after, entry)
        return response

    def _land_later(self, entry: Entry, fault: Fault) -> None:
        app = self.tenant.apps.get(entry.client_id)
        if fault.effect_after is not None and app is not None and entry.value:
            self.tenant.change_later(app, entry, fault.effect_after)


async def _body_of(request: web.Request) -> Any:
    """Return the body, parsed; None for nothing. Only the token endpoint takes a form."""
    text = await request.text()
    if request.content_type == "application/json" or not text:
        try:
            return json.loads(text) if text.strip() else None
        except ValueError:
            return Malformed(text)
    is_form = request.content_type == "application/x-www-form-urlencoded"
    if is_form and request.path == "/oauth/token":
        return dict(await request.post())
    return Malformed(text)


def _hang_up(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()
