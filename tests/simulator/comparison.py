"""What is compared of a recorded answer and of the simulator's: everything, but for these tables.

A row that no recording needs is as wrong as one that is missing.
"""

from collections.abc import Mapping
from typing import Any, Final

import httpx

from simulator.caller import sent_at
from simulator.recordings import Exchange

KEYS_OF_THE_RECORDING_ONLY: Final = {
    "cross_origin_auth": "a login setting that nothing here depends on",
    "cross_origin_authentication": "a login setting that nothing here depends on",
    "oidc_backchannel_logout": "a login setting that nothing here depends on",
    "organization_usage": "a login setting that nothing here depends on",
    "sso": "a login setting of the global client",
    "signing_keys": "the Go recorders put it into every client, also where `fields` leaves it out",
    "client_secret": "go-auth0's recorder puts it into every client",
}
KEYS_OF_THE_SIMULATOR_ONLY: Final = {
    "tenant": "the Go recorders' struct of a client does not have it",
    "global": "the Go recorders' struct of a client does not have it",
    "grant_types": "the global client was recorded without",
    "jwt_configuration.secret_encoded": "recorded for ordinary clients only",
    "jwt_configuration.lifetime_in_seconds": "recorded only where no alg was chosen",
}
VALUES_OF_THE_TENANT: Final = {
    "oidc_conformant": "the recorded tenant's own setting",
    "jwt_configuration": "the times and the algorithm are chosen by who made the client",
    "refresh_token": "the times are defaults that Auth0 changed between the recordings",
    "client_secret": "redacted; where a value was put back it is compared",
    "signing_keys": "redacted",
}
"""Keys of which the type is compared and not the value."""

HEADERS_COMPARED: Final = frozenset(
    {"content-type", "www-authenticate", "link", "x-ratelimit-limit", "x-ratelimit-remaining"}
)
HEADERS_NOT_COMPARED: Final = {
    "date": "compared through the reset that is counted from it",
    "x-ratelimit-reset": "an instant; its distance from Date is compared",
    "transfer-encoding": "of the connection",
    "connection": "of the connection",
    "alt-svc": "of the connection",
    "server": "the proxy in front of Auth0",
    "cf-ray": "the proxy in front of Auth0",
    "cf-cache-status": "the proxy in front of Auth0",
    "expect-ct": "the proxy in front of Auth0",
    "ot-baggage-auth0-request-id": "Auth0's tracing",
    "ot-tracer-sampled": "Auth0's tracing",
    "ot-tracer-spanid": "Auth0's tracing",
    "ot-tracer-traceid": "Auth0's tracing",
    "cache-control": "for browsers",
    "strict-transport-security": "for browsers",
    "vary": "for browsers and caches",
    "x-content-type-options": "for browsers",
}

TABLES: Final[Mapping[str, Mapping[str, str]]] = {
    "recorded only": KEYS_OF_THE_RECORDING_ONLY,
    "simulated only": KEYS_OF_THE_SIMULATOR_ONLY,
    "value": VALUES_OF_THE_TENANT,
    "header": HEADERS_NOT_COMPARED,
}

RELIED_ON: Final = frozenset(
    {
        "client_id",
        "name",
        "jwt_configuration",
        "token_endpoint_auth_method",
        "client_authentication_methods",
    }
)
"""What the operator reads of a client: where it was recorded, the simulator has it."""


class Comparison:
    """Collects what differs, and which rows of the tables were needed."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.compared = 0
        self.differences: list[str] = []
        self.used: set[tuple[str, str]] = set()

    def compare(self, exchange: Exchange, answer: httpx.Response) -> None:
        """Compare one answer."""
        self.compared += 1
        self._equal(exchange, "status", exchange.status, answer.status_code)
        self._compare_headers(exchange, answer)
        recorded, shown = exchange.body, answer.json()
        if exchange.url.path == "/oauth/token" and exchange.status == httpx.codes.OK:
            self._equal(exchange, "keys", set(recorded), set(shown))
            self._compare_types(exchange, recorded, shown)
            self._equal(exchange, "token_type", recorded["token_type"], shown["token_type"])
            self._equal(exchange, "expires_in", recorded["expires_in"], shown["expires_in"])
        elif isinstance(recorded, dict) and "client_id" in recorded:
            self._compare_client(exchange, recorded, shown)
        else:
            self._equal(exchange, "body", recorded, shown)

    def _compare_headers(self, exchange: Exchange, answer: httpx.Response) -> None:
        for name, value in exchange.headers.items():
            if name in HEADERS_COMPARED:
                self._equal(exchange, name, value, answer.headers.get(name, "absent"))
            elif name in HEADERS_NOT_COMPARED:
                self.used.add(("header", name))
            else:
                self._differs(exchange, f"the header {name} stands in no table")
        is_complete = "date" in exchange.headers
        if is_complete and "x-ratelimit-reset" not in exchange.headers:
            self._equal(exchange, "rate headers", [], [n for n in answer.headers if "rate" in n])
        if is_complete and "x-ratelimit-reset" in exchange.headers:
            ours, theirs = _reset_ahead(answer.headers), _reset_ahead(exchange.headers)
            # The second may end between our two clocks.
            if ours not in {theirs, theirs - 1}:
                self._differs(exchange, f"reset {ours} s ahead instead of {theirs} s")

    def _compare_client(
        self, exchange: Exchange, recorded: Mapping[str, Any], shown: Mapping[str, Any]
    ) -> None:
        for name in recorded.keys() - shown.keys():
            self._needs_row(exchange, name, "recorded only")
            is_injected = name == "client_secret" and exchange.is_of_go_sdk
            if name in RELIED_ON or (name == "client_secret" and not is_injected):
                self._differs(exchange, f"{name} is not shown")
        for name in shown.keys() - recorded.keys():
            self._needs_row(exchange, name, "simulated only")
        common = {name: value for name, value in recorded.items() if name in shown}
        self._compare_types(exchange, common, shown)
        for name, value in common.items():
            if name not in VALUES_OF_THE_TENANT:
                self._equal(exchange, name, value, shown[name])
            elif value != shown[name]:
                self.used.add(("value", name))
        if "REDACTED" not in recorded.get("client_secret", "REDACTED"):
            self._equal(exchange, "client_secret", recorded["client_secret"], shown.get("client_secret"))
        if "client_secret" in (exchange.sent or {}):
            self._equal(exchange, "new value", exchange.sent["client_secret"], shown["client_secret"])

    def _compare_types(self, exchange: Exchange, recorded: Any, shown: Any, where: str = "") -> None:
        if _kind(recorded) != _kind(shown):
            self._differs(exchange, f"{where}: {_kind(shown)} instead of {_kind(recorded)}")
        elif isinstance(recorded, dict):
            prefix = f"{where}." if where else ""
            for name in recorded.keys() & shown.keys():
                self._compare_types(exchange, recorded[name], shown[name], f"{prefix}{name}")
            if where:
                for name in shown.keys() - recorded.keys():
                    self._needs_row(exchange, f"{prefix}{name}", "simulated only")
                for name in recorded.keys() - shown.keys():
                    self._needs_row(exchange, f"{prefix}{name}", "recorded only")
        elif isinstance(recorded, list) and recorded and shown:
            self._compare_types(exchange, recorded[0], shown[0], f"{where}[]")

    def _needs_row(self, exchange: Exchange, name: str, table: str) -> None:
        self.used.add((table, name))
        if name not in TABLES[table]:
            self._differs(exchange, f"{name} is {table} and stands in no table")

    def _equal(self, exchange: Exchange, what: str, recorded: object, shown: object) -> None:
        if recorded != shown:
            self._differs(exchange, f"{what}: {shown!r} instead of {recorded!r}")

    def _differs(self, exchange: Exchange, what: str) -> None:
        self.differences.append(f"{exchange}: {what}")


def _kind(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return str(type(value).__name__)
    return "number" if isinstance(value, int | float) else type(value).__name__


def _reset_ahead(headers: Mapping[str, str]) -> int:
    return int(headers["x-ratelimit-reset"]) - sent_at(headers)
