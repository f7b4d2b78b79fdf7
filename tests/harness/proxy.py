"""A plain-HTTP proxy in front of the real API server: holds, loses and refuses what a test names.

The API server behind it is a real one, so that a fault changes nothing but what it says. Everything
that is not named in a fault flows, watches included. It stands for the API server in two ways:

* in this process: `Api(proxy.configuration())`, which is the fixture `proxied`;
* for an operator's own process: a kubeconfig by `proxy.kubeconfig(plane.kubeconfig_for(token))`.

Each request is one `Effect`, told by method, path, query and body. Whether a write of a journal
commits, parks or only mends it is told by the state that stands there, which is read first; a read
of the proxy's own that shows in the audit log and nowhere else. Faults are sentences:

    gate = proxy.hold(Effect.TARGET_APPLY)                      # until gate.open(); see gate.reached()
    gate = proxy.hold(Effect.STATUS, Moment.AFTER, following=(Effect.JOURNAL_COMMIT,))
    proxy.lose_request(Effect.JOURNAL_BEGIN, times=2)           # the API server never hears of it
    proxy.lose_answer(Effect.JOURNAL_COMMIT)                    # it was done, and nobody was told
    proxy.answer(Effect.TARGET_DRY_RUN, 422, message="denied by a policy")
    proxy.answer(Effect.STATUS, 429, retry_after=1)
    proxy.answer(Effect.JOURNAL_BEGIN, 500, moment=Moment.AFTER)    # it was done, and denied
    proxy.delay(Effect.TARGET_APPLY, 11)                        # longer than the client waits
    proxy.close_watches()                                       # those that are open now
    proxy.expire_watches()                                      # the next one is told 410 in an event
    proxy.clear()                                               # nothing goes wrong any more

A fault waits for its effect, is used up by it, and the oldest one strikes first. `name` limits it to
one object (a journal goes by the name of its rotation, an Event by that of what it is about),
`following` to the time after effects of these kinds were done, one after the other. A fault before the
effect keeps the request from the API server, except for a hold or a delay that ends while the client
still waits: a request whose client went away is never forwarded. A fault after the effect strikes when
the API server has answered; a watch has no such moment.

`proxy.calls` is the journal: what was asked, and what was answered, in order.
"""

import asyncio
import json
import os
import re
import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Self

import aiohttp
from aiohttp import web
from kubernetes.aio.client import Configuration
from yarl import URL

from auth0_simulator import Moment
from auth0_simulator.faults import Gate
from controlplane import ControlPlane
from controlplane.plane import ADMIN_TOKEN

# Headers that belong to one connection, and the length, which is told anew.
_OF_A_CONNECTION: Final = frozenset(
    {
        "connection",
        "content-length",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_REASONS: Final = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    409: "Conflict",
    410: "Expired",
    422: "Invalid",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}
_PATH: Final = re.compile(
    r"/apis?/(?:(?P<group>[^/]+\.[^/]+|apps)/)?v[^/]+"
    r"(?:/namespaces/(?P<namespace>[^/]+)(?=/))?/(?P<plural>[^/]+)(?:/(?P<name>[^/]+))?(?:/(?P<part>[^/]+))?"
)
JOURNAL_SUFFIX: Final = ".journal"
_STATE: Final = "auth0rotator.dev/state"
_ATTEMPTS: Final = "auth0rotator.dev/attempts"


class Effect(StrEnum):
    """What a request to the API server is for."""

    JOURNAL_BEGIN = "journal: a chosen value may be sent"
    JOURNAL_COUNT = "journal: the same value may be sent once more"
    JOURNAL_CHOOSE = "journal: another value"
    JOURNAL_COMMIT = "journal: the value is current"
    JOURNAL_PARK = "journal: idle again, the value kept"
    JOURNAL_UPDATE = "journal: adopted, or written anew while idle"
    JOURNAL_RELEASE = "journal: the finalizer taken from what cannot be read"
    JOURNAL_DELETE = "journal: deleted"
    JOURNAL_READ = "journal: read"
    TARGET_DRY_RUN = "target: rehearsed"
    TARGET_APPLY = "target: written"
    TARGET_RELEASE = "target: our marks or our keys withdrawn"
    TARGET_DELETE = "target: deleted"
    SECRET_READ = "another Secret read: a target or credentials"
    STATUS = "status of a rotation"
    CONNECTION_STATUS = "status of a connection"
    EVENT = "Event"
    ROTATION_READ = "rotation: read"
    ROTATION_PATCH = "rotation: finalizers or an annotation"
    NAMESPACE_READ = "namespace: read"
    LEASE = "Lease"
    LIST = "list"
    WATCH = "watch"
    OTHER = "anything else"


@dataclass(slots=True)
class Call:
    """One request, and what became of it."""

    effect: Effect
    method: str
    path: str
    """With its query."""
    namespace: str
    name: str
    """Of the object; a journal has its rotation's, an Event that of the object that it is about."""
    body: Any = None
    is_forwarded: bool = False
    """Whether the API server was asked."""
    status: int = 0
    """What the client was answered; 0 for nothing."""


@dataclass(slots=True)
class Fault:
    """One thing that goes wrong, `times` times."""

    effect: Effect
    moment: Moment
    times: int = 1
    name: str = ""
    following: tuple[Effect, ...] = ()
    """What must be done before; each is taken away when it was."""
    gate: Gate | None = None
    delay: float = 0.0
    is_lost: bool = False
    status: int = 0
    text: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    def is_about(self, call: Call, moment: Moment) -> bool:
        """Return whether it strikes this request at this moment."""
        is_meant = (call.effect, moment) == (self.effect, self.moment)
        return is_meant and self.name in {"", call.name} and not self.following

    def note(self, done: Call) -> None:
        """Take away what it waited for, where that was done now."""
        if self.following[:1] == (done.effect,) and self.name in {"", done.name}:
            self.following = self.following[1:]

    async def wait(self) -> None:
        """Pass the delay and the gate."""
        if self.delay:
            await asyncio.sleep(self.delay)
        if self.gate is not None:
            await self.gate._pass()  # noqa: SLF001 - the other half of the gate


class Proxy:
    """Stands in front of one control plane's API server. Use it as an async context manager."""

    def __init__(self, plane: ControlPlane) -> None:
        """Prepare; nothing listens yet."""
        self.plane = plane
        self.calls: list[Call] = []
        self.port = 0
        self._faults: list[Fault] = []
        self._lists: dict[str, bytes] = {}
        self._old_lists: dict[str, bytes] = {}
        self._watches: set[aiohttp.ClientResponse] = set()
        self._runner: web.AppRunner | None = None
        self._server: aiohttp.ClientSession | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def configuration(self, token: str = ADMIN_TOKEN) -> Configuration:
        """Return how the operator's own client reaches the API server through here."""
        configuration = Configuration(host=self.url)
        configuration.api_key["BearerToken"] = f"Bearer {token}"
        return configuration

    def kubeconfig(self, direct: Mapping[str, Any]) -> dict[str, Any]:
        """Return a kubeconfig for the same user as `direct`, through here."""
        clusters = [{**entry, "cluster": {"server": self.url}} for entry in direct["clusters"]]
        return {**direct, "clusters": clusters}

    async def __aenter__(self) -> Self:
        context = ssl.create_default_context(cafile=str(self.plane.ca_file))
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        self._server = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=context, limit=0),
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
        )
        application = web.Application(client_max_size=8 * 2**20)
        application.router.add_route("*", "/{path:.*}", self._serve)
        # The cancellation is what keeps a request of a client that went away from being forwarded.
        runner = web.AppRunner(
            application, access_log=None, handler_cancellation=True, shutdown_timeout=0.1
        )
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self.port, reuse_address=True).start()
        self._runner = runner
        self.port = runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close_watches()
        if self._runner is not None:
            await self._runner.cleanup()
        if self._server is not None:
            await self._server.close()

    # What a test sets up ----------------------------------------------------------------------

    def hold(
        self,
        effect: Effect,
        moment: Moment = Moment.BEFORE,
        *,
        name: str = "",
        following: tuple[Effect, ...] = (),
    ) -> Gate:
        """Hold the next request of this kind at a gate."""
        gate = Gate()
        self._faults.append(Fault(effect, moment, name=name, following=following, gate=gate))
        return gate

    def lose_request(
        self, effect: Effect, *, times: int = 1, name: str = "", following: tuple[Effect, ...] = ()
    ) -> None:
        """Close the connection before anything happens."""
        fault = Fault(effect, Moment.BEFORE, times, name, following, is_lost=True)
        self._faults.append(fault)

    def lose_answer(
        self, effect: Effect, *, times: int = 1, name: str = "", following: tuple[Effect, ...] = ()
    ) -> None:
        """Do what was asked, then close the connection without an answer."""
        fault = Fault(effect, Moment.AFTER, times, name, following, is_lost=True)
        self._faults.append(fault)

    def answer(
        self,
        effect: Effect,
        status: int,
        *,
        moment: Moment = Moment.BEFORE,
        times: int = 1,
        name: str = "",
        following: tuple[Effect, ...] = (),
        message: str = "a fault of the test",
        causes: Sequence[Mapping[str, str]] = (),
        retry_after: int | None = None,
    ) -> None:
        """Answer a Kubernetes Status instead of the true answer, before or after the effect."""
        body = _status(status, message, causes=causes, retry_after=retry_after)
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        self._faults.append(
            Fault(
                effect,
                moment,
                times,
                name,
                following,
                status=status,
                text=json.dumps(body),
                headers=headers,
            )
        )

    def delay(
        self,
        effect: Effect,
        seconds: float,
        moment: Moment = Moment.BEFORE,
        *,
        times: int = 1,
        name: str = "",
        following: tuple[Effect, ...] = (),
    ) -> None:
        """Be slow."""
        self._faults.append(Fault(effect, moment, times, name, following, delay=seconds))

    def expire_watches(self, *, times: int = 1) -> None:
        """Tell the next watches that their resourceVersion is too old, as an API server does: 200,
        and one event that says 410. `answer(Effect.WATCH, 410)` says it at once."""
        event = {"type": "ERROR", "object": _status(410, "too old resource version")}
        text = f"{json.dumps(event)}\n"
        self._faults.append(Fault(Effect.WATCH, Moment.BEFORE, times, status=200, text=text))

    def lag(self) -> None:
        """Answer every list as it was answered last, like an API server that is behind."""
        self._old_lists = dict(self._lists)

    def close_watches(self) -> None:
        """End every watch that is open now."""
        for watch in list(self._watches):
            watch.close()

    def clear(self) -> None:
        """Let nothing go wrong any more, and let go on what is held."""
        for fault in self._faults:
            if fault.gate is not None:
                fault.gate.open()
        self._faults.clear()
        self._old_lists.clear()

    def asked(self, *effects: Effect, name: str = "") -> list[Call]:
        """Return the journal's entries of these effects about this object; of all that is not named."""
        return [
            call
            for call in self.calls
            if (not effects or call.effect in effects) and (not name or call.name == name)
        ]

    # One request ------------------------------------------------------------------------------

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        content = await request.read()
        call = await self._call_of(request, content)
        self.calls.append(call)
        before = self._take(call, Moment.BEFORE)
        if before is not None:
            await before.wait()
            if before.is_lost or not _is_waiting(request):
                return _hang_up(request)
            if before.status:
                return _told(call, before)
        call.is_forwarded = True
        try:
            if call.effect is Effect.WATCH:
                return await self._stream(request, call)
            answer = await self._forward(request, call, content)
        except aiohttp.ClientError:
            return _hang_up(request)
        after = self._take(call, Moment.AFTER)
        if after is not None:
            await after.wait()
            if after.is_lost:
                return _hang_up(request)
            if after.status:
                return _told(call, after)
        call.status = answer.status
        return answer

    async def _call_of(self, request: web.Request, content: bytes) -> Call:
        body = _parsed(content)
        found = _PATH.fullmatch(request.path)
        part = found.groupdict(default="") if found is not None else dict[str, str]()
        metadata = body.get("metadata") or {} if isinstance(body, dict) else {}
        name = part.get("name", "") or metadata.get("name", "")
        effect = effect_of(request.method, request.path, request.query, body)
        if effect is Effect.EVENT:
            name = body["involvedObject"]["name"]
        if effect in {Effect.JOURNAL_BEGIN, Effect.JOURNAL_UPDATE} and request.method == "PUT":
            effect = journal_effect(body, await self._journal_before(request))
        path = request.rel_url.raw_path_qs
        namespace, name = part.get("namespace", ""), name.removesuffix(JOURNAL_SUFFIX)
        return Call(effect, request.method, path, namespace, name, body)

    async def _journal_before(self, request: web.Request) -> Any:
        """Return the Secret as it stands, by the rights of whoever writes it."""
        headers = {"Authorization": request.headers.get("Authorization", "")}
        url = URL(f"{self.plane.url}{request.rel_url.raw_path}", encoded=True)
        async with self._session.get(url, headers=headers) as answer:
            return _parsed(await answer.read())

    def _take(self, call: Call, moment: Moment) -> Fault | None:
        for fault in self._faults:
            if fault.is_about(call, moment):
                fault.times -= 1
                if fault.times <= 0:
                    self._faults.remove(fault)
                return fault
        return None

    @property
    def _session(self) -> aiohttp.ClientSession:
        assert self._server is not None, "use the proxy as a context manager"
        return self._server

    def _upstream(self, request: web.Request, content: bytes | None) -> Any:
        return self._session.request(
            request.method,
            URL(f"{self.plane.url}{request.rel_url.raw_path_qs}", encoded=True),
            headers=_passed_on(request.headers),
            data=content or None,
            allow_redirects=False,
        )

    async def _forward(self, request: web.Request, call: Call, content: bytes) -> web.Response:
        if call.effect is Effect.LIST and call.path in self._old_lists:
            call.is_forwarded = False
            return web.json_response(body=self._old_lists[call.path])
        async with self._upstream(request, content) as answer:
            body = await answer.read()
        if call.effect is Effect.LIST:
            self._lists[call.path] = body
        if answer.status < web.HTTPBadRequest.status_code:
            for fault in self._faults:
                fault.note(call)
        return web.Response(status=answer.status, body=body, headers=_passed_on(answer.headers))

    async def _stream(self, request: web.Request, call: Call) -> web.StreamResponse:
        async with self._upstream(request, None) as answer:
            call.status = answer.status
            stream = web.StreamResponse(status=answer.status, headers=_passed_on(answer.headers))
            await stream.prepare(request)
            self._watches.add(answer)
            try:
                async for chunk in answer.content.iter_any():
                    await stream.write(chunk)
            except (aiohttp.ClientError, ConnectionError):
                pass  # closed by the test, by the API server, or by the client: it ends in each case
            finally:
                self._watches.discard(answer)
            return stream


# What a request is for --------------------------------------------------------------------------


def effect_of(method: str, path: str, query: Mapping[str, str], body: Any) -> Effect:
    """Return what a request is for; of a write of an idle journal see `journal_effect`."""
    found = _PATH.fullmatch(path)
    if found is None:
        return Effect.OTHER
    plural, name, part = found["plural"], found["name"] or "", found["part"] or ""
    if plural == "leases":
        return Effect.LEASE
    if method == "GET" and not name:
        return Effect.WATCH if query.get("watch") in {"1", "true"} else Effect.LIST
    match plural, method:
        case "secrets", _:
            return _effect_on_secret(method, name or _name_in(body), query, body)
        case "events", "POST":
            return Effect.EVENT
        case "namespaces", "GET":
            return Effect.NAMESPACE_READ
        case "auth0clientsecretrotations", "GET":
            return Effect.ROTATION_READ
        case "auth0clientsecretrotations", "PATCH":
            return Effect.STATUS if part == "status" else Effect.ROTATION_PATCH
        case "auth0connections" | "clusterauth0connections", "PATCH":
            return Effect.CONNECTION_STATUS
    return Effect.OTHER


def _effect_on_secret(method: str, name: str, query: Mapping[str, str], body: Any) -> Effect:
    is_journal = name.endswith(JOURNAL_SUFFIX)
    is_apply = isinstance(body, dict) and "apiVersion" in body
    match method:
        case "GET":
            return Effect.JOURNAL_READ if is_journal else Effect.SECRET_READ
        case "DELETE":
            return Effect.JOURNAL_DELETE if is_journal else Effect.TARGET_DELETE
        case "POST" | "PUT" if is_journal:
            return journal_effect(body, None)
        case "PATCH" if is_journal:
            return Effect.JOURNAL_RELEASE
        case "PATCH" if is_apply:
            return Effect.TARGET_DRY_RUN if query.get("dryRun") == "All" else Effect.TARGET_APPLY
        case "PATCH":
            return Effect.TARGET_RELEASE
    return Effect.OTHER


def journal_effect(body: Any, before: Any) -> Effect:
    """Return what a write of a journal is for, by what stood there; None for nothing or not known."""
    is_sending, was_sending = _is_sending(body), _is_sending(before)
    if not is_sending and not was_sending:
        return Effect.JOURNAL_UPDATE
    if not is_sending:
        return Effect.JOURNAL_PARK if "next" in (body.get("data") or {}) else Effect.JOURNAL_COMMIT
    if _annotation(body, _ATTEMPTS) != "1":
        return Effect.JOURNAL_COUNT
    return Effect.JOURNAL_CHOOSE if was_sending else Effect.JOURNAL_BEGIN


def _is_sending(body: Any) -> bool:
    return _annotation(body, _STATE) == "sending"


def _annotation(body: Any, name: str) -> str:
    metadata = body.get("metadata") or {} if isinstance(body, dict) else {}
    return str((metadata.get("annotations") or {}).get(name, ""))


def _name_in(body: Any) -> str:
    metadata = body.get("metadata") or {} if isinstance(body, dict) else {}
    return str(metadata.get("name", ""))


# What is answered, and to whom ------------------------------------------------------------------


def _status(
    code: int,
    message: str,
    *,
    causes: Sequence[Mapping[str, str]] = (),
    retry_after: int | None = None,
) -> dict[str, Any]:
    details: dict[str, Any] = {"causes": list(causes)} if causes else {}
    if retry_after is not None:
        details["retryAfterSeconds"] = retry_after
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": _REASONS.get(code, "Unknown"),
        "details": details,
        "code": code,
    }


def _told(call: Call, fault: Fault) -> web.Response:
    call.status = fault.status
    return web.Response(
        status=fault.status, text=fault.text, headers=fault.headers, content_type="application/json"
    )


def _hang_up(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _is_waiting(request: web.Request) -> bool:
    """Return whether the client is still there: also where the event loop has not heard of its end."""
    transport = request.transport
    if transport is None or transport.is_closing():
        return False
    with socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno())) as line:
        try:
            return line.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) != b""
        except BlockingIOError:
            return True
        except OSError:
            return False


def _passed_on(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in _OF_A_CONNECTION}


def _parsed(content: bytes) -> Any:
    """Return the body; None for nothing, and for what is no JSON."""
    try:
        return json.loads(content) if content else None
    except ValueError:
        return None
