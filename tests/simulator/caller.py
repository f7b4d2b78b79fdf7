"""One caller of a simulator, over real HTTP."""

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Final, Self

import httpx

from auth0_simulator import App, Simulator, Tenant

CLIENTS: Final = "/api/v2/clients"
NEW: Final = "a-new-value-of-48-characters-and-more-0123456789"
# Long enough to be seen by a request before and after, short enough to wait for.
WINDOW_SECONDS: Final = 0.3
# What has not come by then will not come.
DEADLINE_SECONDS: Final = 10.0
# Long enough for any delay here, short enough to be told from a hang.
REQUEST_SECONDS: Final = 10.0


class Caller:
    """Sends each request once: no redirect is followed and nothing is repeated."""

    def __init__(self, simulator: Simulator) -> None:
        """Prepare; nothing is sent before it is asked for."""
        self.tenant: Tenant = simulator.tenant
        self._http = httpx.AsyncClient(base_url=simulator.url, timeout=REQUEST_SECONDS)
        self._token = ""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: str | None = None,
    ) -> httpx.Response:
        """Send a request as it is, without a token."""
        return await self._http.request(method, path, headers=headers, content=content)

    async def log_in(self, app: App, **form: str | None) -> httpx.Response:
        """Ask for a token as `app`; `form` changes the usual request, None takes a field out."""
        usual = {
            "grant_type": "client_credentials",
            "client_id": app.client_id,
            "client_secret": app.secret,
            "audience": self.tenant.audience,
        }
        fields = {name: value for name, value in (usual | form).items() if value is not None}
        return await self._http.post("/oauth/token", data=fields)

    async def ask(
        self, method: str, path: str = "", *, body: Any = None, scopes: tuple[str, ...] | None = None
    ) -> httpx.Response:
        """Ask the Management API as the operator, or with exactly these scopes."""
        if scopes is not None:
            token = self.tenant.issue(scopes)
        else:
            if not self._token:
                answer = await self.log_in(self.tenant.manager)
                self._token = answer.raise_for_status().json()["access_token"]
            token = self._token
        headers = {"Authorization": f"Bearer {token}"}
        # An absent body and the literal null are two things to HTTP.
        parts = {"json": body} if body is not None else {}
        return await self._http.request(method, f"{CLIENTS}{path}", headers=headers, **parts)

    async def change(self, app: App, value: str) -> httpx.Response:
        """Change the secret of `app`."""
        return await self.ask("PATCH", f"/{app.client_id}", body={"client_secret": value})

    async def is_accepted(self, app: App, value: str) -> bool:
        """Return whether a login of `app` with `value` works, asked of the tenant."""
        answer = await self.log_in(app, client_secret=value)
        assert answer.status_code in {200, 401, 403}, answer.text
        return answer.status_code != httpx.codes.UNAUTHORIZED


def sent_at(headers: Mapping[str, str]) -> int:
    """Return an answer's own Date in epoch seconds."""
    return int(parsedate_to_datetime(headers["date"]).timestamp())
