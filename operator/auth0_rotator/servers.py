"""The operator's own HTTP servers: health for the kubelet, metrics for Prometheus."""

from collections.abc import Callable
from typing import Final

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from auth0_rotator.settings import split_address

# Who reads an answer slowly does not keep the process from ending.
SHUTDOWN_SECONDS: Final = 0.2


async def serve_health(address: str, is_ready: Callable[[], bool]) -> web.AppRunner:
    """Serve /healthz and /readyz on `address` and return what stops it.

    Raises:
        OSError: the address cannot be had.
    """

    async def healthz(_: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def readyz(_: web.Request) -> web.Response:
        ready = is_ready()
        return web.Response(text="ok" if ready else "starting", status=200 if ready else 503)

    return await _serve(address, [web.get("/healthz", healthz), web.get("/readyz", readyz)])


async def serve_metrics(address: str, registry: CollectorRegistry) -> web.AppRunner:
    """Serve /metrics on `address` and return what stops it.

    Raises:
        OSError: the address cannot be had.
    """

    async def metrics(_: web.Request) -> web.Response:
        body = generate_latest(registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    return await _serve(address, [web.get("/metrics", metrics)])


async def _serve(address: str, routes: list[web.RouteDef]) -> web.AppRunner:
    host, port = split_address(address)
    application = web.Application()
    application.add_routes(routes)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    await web.TCPSite(runner, host or None, port).start()
    return runner
