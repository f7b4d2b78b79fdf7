"""`python -m auth0_simulator`: a tenant to rehearse with, until Ctrl-C.

Exit code 0 after Ctrl-C, 1 where the port is taken, 2 for a wrong flag.
"""

import argparse
import asyncio
import os
import signal
import sys
from typing import Final

from auth0_simulator.app import App
from auth0_simulator.server import Simulator
from auth0_simulator.tenant import Tenant

_MOST_PORT: Final = 65535


async def _serve(arguments: argparse.Namespace) -> None:
    tenant = Tenant(arguments.domain)
    tenant.refuse_new_secret_for(arguments.propagation)
    if arguments.rate:
        tenant.limit(burst=arguments.burst, per_second=arguments.rate)
    apps = [tenant.add_app(f"application {number + 1}") for number in range(arguments.clients)]
    async with Simulator(tenant, port=arguments.port) as simulator:
        sys.stdout.write(_greeting(simulator, apps))
        sys.stdout.flush()
        await asyncio.Event().wait()


def _greeting(simulator: Simulator, apps: list[App]) -> str:
    tenant = simulator.tenant
    manager = tenant.manager
    lines = [
        f"tenant {tenant.domain} at {simulator.url}",
        f"the operator's application: clientId {manager.client_id} clientSecret {manager.secret}",
        *(f"{app.name}: clientId {app.client_id}" for app in apps),
    ]
    return "\n".join(lines) + "\n"


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= _MOST_PORT:
        raise argparse.ArgumentTypeError(f"{port} is not a port")
    return port


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m auth0_simulator", description=__doc__)
    parser.add_argument("--port", type=_port, default=8089, help="0 for any free one")
    parser.add_argument("--domain", default="acme.eu.auth0.com")
    parser.add_argument("--clients", type=int, default=3, help="applications besides the operator's")
    parser.add_argument("--propagation", type=float, default=0, help="seconds until a change has spread")
    parser.add_argument("--rate", type=float, default=0, help="requests a second (0: no limit)")
    parser.add_argument("--burst", type=int, default=2)
    return parser.parse_args()


def main() -> int:
    """Serve until Ctrl-C and return the exit code."""
    arguments = _arguments()
    # A shell that starts it in the background has it ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        asyncio.run(_serve(arguments))
    except KeyboardInterrupt:
        sys.stdout.write("\n")
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        sys.stderr.write(f"cannot listen on 127.0.0.1:{arguments.port}: {reason}; name another --port\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
