"""`python -m auth0_simulator`: a tenant to rehearse with, until Ctrl-C."""

import argparse
import asyncio
import sys

from auth0_simulator.server import Simulator
from auth0_simulator.tenant import Tenant


async def _serve(arguments: argparse.Namespace) -> None:
    tenant = Tenant(arguments.domain)
    tenant.refuse_new_secret_for(arguments.propagation)
    if arguments.rate:
        tenant.limit(burst=arguments.burst, per_second=arguments.rate)
    apps = [tenant.add_app(f"application {number + 1}") for number in range(arguments.clients)]
    async with Simulator(tenant, port=arguments.port) as simulator:
        manager = tenant.manager
        lines = [
            f"tenant {tenant.domain} at {simulator.url}",
            f"the operator's application: clientId {manager.client_id} clientSecret {manager.secret}",
            *(f"{app.name}: clientId {app.client_id}" for app in apps),
        ]
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


def main() -> None:
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m auth0_simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=8089)
    parser.add_argument("--domain", default="acme.eu.auth0.com")
    parser.add_argument("--clients", type=int, default=3, help="applications besides the operator's")
    parser.add_argument("--propagation", type=float, default=0, help="seconds until a change has spread")
    parser.add_argument("--rate", type=float, default=0, help="requests a second (0: no limit)")
    parser.add_argument("--burst", type=int, default=2)
    try:
        asyncio.run(_serve(parser.parse_args()))
    except KeyboardInterrupt:
        sys.stdout.write("\n")


if __name__ == "__main__":
    main()
