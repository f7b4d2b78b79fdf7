"""The proxy itself: a server for one client, and what a test sets up."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, Self

import aiohttp
from aiohttp import web
from kubernetes.aio.client import Configuration
from yarl import URL

from auth0_simulator import Moment
from auth0_simulator.faults import Gate
from controlplane import ControlPlane
from controlplane.plane import ADMIN_TOKEN
from harness.proxy.effects import JOURNAL_SUFFIX, PATH, Effect, effect_of, journal_effect
from harness.proxy.faults import Call, Fault, kubernetes_status
from harness.proxy.wire import hang_up, is_waiting, parsed, passed_on, told

# Of every request the client would ask a thread for the proxy that the environment names.
DIRECTLY: Final = {"trust_env": False}


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
        configuration.client_session_kwargs = DIRECTLY
        return configuration

    def kubeconfig(self, direct: Mapping[str, Any]) -> dict[str, Any]:
        """Return a kubeconfig for the same user as `direct`, through here."""
        clusters = [{**entry, "cluster": {"server": self.url}} for entry in direct["clusters"]]
        return {**direct, "clusters": clusters}

    async def __aenter__(self) -> Self:
        self._server = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=self.plane.trust, limit=0),
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
        body = kubernetes_status(status, message, causes=causes, retry_after=retry_after)
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
        event = {"type": "ERROR", "object": kubernetes_status(410, "too old resource version")}
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
            if before.is_lost or not is_waiting(request):
                return hang_up(request)
            if before.status:
                return told(call, before)
        call.is_forwarded = True
        try:
            if call.effect is Effect.WATCH:
                return await self._stream(request, call)
            answer = await self._forward(request, call, content)
        except aiohttp.ClientError:
            return hang_up(request)
        after = self._take(call, Moment.AFTER)
        if after is not None:
            await after.wait()
            if after.is_lost:
                return hang_up(request)
            if after.status:
                return told(call, after)
        call.status = answer.status
        return answer

    async def _call_of(self, request: web.Request, content: bytes) -> Call:
        body = parsed(content)
        found = PATH.fullmatch(request.path)
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
            return parsed(await answer.read())

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
            headers=passed_on(request.headers),
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
        return web.Response(status=answer.status, body=body, headers=passed_on(answer.headers))

    async def _stream(self, request: web.Request, call: Call) -> web.StreamResponse:
        async with self._upstream(request, None) as answer:
            call.status = answer.status
            stream = web.StreamResponse(status=answer.status, headers=passed_on(answer.headers))
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
