"""GET /api/v2/clients: pages, checkpoints, filters, fields.

The `next` of a checkpoint does not expire here (24 hours at Auth0). Guessed: the error code of a
wrong query; `Link` on the last page, which has no `next`. `q` and `external_client_id` are not there:
they get 501, which Auth0 never answers.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from aiohttp import web

from auth0_simulator.answers import Answered, management_answer, management_error
from auth0_simulator.app import App

MOST_PER_PAGE: Final = 100
USUAL_PER_PAGE: Final = 50
_MOST_PAGES: Final = 1_000_000
_KNOWN: Final = frozenset(
    {"page", "per_page", "include_totals", "take", "from", "fields", "include_fields"}
    | {"is_global", "is_first_party", "app_type"}
)
_NOT_HERE: Final = frozenset({"q", "external_client_id"})
_MARK: Final = "after:"

Show = Callable[[App], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Fields:
    """Which properties were asked for."""

    names: frozenset[str]
    are_wanted: bool = True
    """Whether these are shown; else all others."""

    def named(self) -> frozenset[str]:
        """Return the properties that the caller wants by name."""
        return self.names if self.are_wanted else frozenset()

    def of(self, shown: dict[str, Any]) -> dict[str, Any]:
        """Return what is left of a client."""
        if not self.names:
            return shown
        return {name: value for name, value in shown.items() if (name in self.names) is self.are_wanted}


def fields_of(query: Mapping[str, str]) -> Fields:
    """Return what `fields` and `include_fields` say."""
    names = frozenset(name for name in query.get("fields", "").split(",") if name)
    return Fields(names, are_wanted=_flag(query, "include_fields") is not False)


def listed(query: Mapping[str, str], apps: list[App], show: Show, host: str) -> web.Response:
    """Return one page of `apps` in the form that `query` asks for."""
    for name in query:
        if name in _NOT_HERE:
            raise Answered(management_error(501, f"The simulator has no {name}"))
        if name not in _KNOWN:
            raise _wrong(f"Additional properties not allowed: {name}")
    kinds = [kind for kind in query.get("app_type", "").split(",") if kind]
    is_global, is_first_party = _flag(query, "is_global"), _flag(query, "is_first_party")
    found = [
        app
        for app in apps
        if is_global in {None, app.is_global}
        and is_first_party in {None, app.is_first_party}
        and (not kinds or app.app_type in kinds)
    ]
    fields = fields_of(query)
    # As recorded: a row tells its tenant even where `fields` does not name it.
    fields = Fields(fields.names | {"tenant"}) if fields.named() else fields
    if "take" in query or "from" in query:
        return _from_checkpoint(query, found, lambda app: fields.of(show(app)))
    return _page(query, found, lambda app: fields.of(show(app)), host)


def _page(query: Mapping[str, str], found: list[App], show: Show, host: str) -> web.Response:
    page = _number(query, "page", 0, 0, _MOST_PAGES)
    size = _number(query, "per_page", USUAL_PER_PAGE, 1, MOST_PER_PAGE)
    rows = [show(app) for app in found[page * size : (page + 1) * size]]
    if _flag(query, "include_totals"):
        totals = {"total": len(found), "start": page * size, "limit": size}
        return management_answer(totals | {"clients": rows})
    last = max(0, (len(found) - 1) // size)
    targets = {"first": 0} | ({"next": page + 1} if page < last else {}) | {"last": last}
    return management_answer(rows, headers={"Link": _link(query, targets, size, host)})


def _link(query: Mapping[str, str], targets: Mapping[str, int], size: int, host: str) -> str:
    # As recorded: http, although the request came by https. A caller had better not follow it.
    parts = []
    for relation, page in targets.items():
        text = urlencode(dict(query) | {"page": page, "per_page": size}, safe=",")
        parts.append(f'<http://{host}/api/v2/clients?{text}>; rel="{relation}"')
    return ", ".join(parts)


def _from_checkpoint(query: Mapping[str, str], found: list[App], show: Show) -> web.Response:
    size = _number(query, "take", USUAL_PER_PAGE, 1, MOST_PER_PAGE)
    start = 0
    if "from" in query:
        ids = [app.client_id for app in found]
        seen = _unmarked(query["from"])
        if seen not in ids:
            raise _wrong("Invalid checkpoint on property from")
        start = ids.index(seen) + 1
    rows = found[start : start + size]
    body: dict[str, Any] = {"clients": [show(app) for app in rows]}
    if start + size < len(found):
        body["next"] = urlsafe_b64encode(f"{_MARK}{rows[-1].client_id}".encode()).decode()
    return management_answer(body)


def _unmarked(text: str) -> str:
    try:
        decoded = urlsafe_b64decode(text.encode()).decode()
    except ValueError:
        return ""
    return decoded.removeprefix(_MARK) if decoded.startswith(_MARK) else ""


def _number(query: Mapping[str, str], name: str, usual: int, least: int, most: int) -> int:
    text = query.get(name, str(usual))
    if not text.isascii() or not text.isdecimal():
        raise _wrong(f"Expected type integer on property {name}")
    if not least <= int(text) <= most:
        raise _wrong(f"Value {text} is not within {least} and {most} on property {name}")
    return int(text)


def _flag(query: Mapping[str, str], name: str) -> bool | None:
    match query.get(name):
        case None:
            return None
        case "true":
            return True
        case "false":
            return False
        case _:
            raise _wrong(f"Expected type boolean on property {name}")


def _wrong(detail: str) -> Answered:
    message = f"Query validation error: '{detail}'."
    return Answered(management_error(400, message, "invalid_query_string"))
