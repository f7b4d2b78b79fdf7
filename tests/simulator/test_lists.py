"""The shapes of a list of clients: pages, totals, checkpoints, filters."""

import pytest

from auth0_simulator import Tenant
from simulator.caller import Caller


@pytest.fixture
def many(tenant: Tenant) -> list[str]:
    """120 clients in all, the operator's first."""
    kinds = ("native", "spa", "non_interactive")
    for number in range(119):
        tenant.add_app(f"app {number}", app_type=kinds[number % 3], is_global=number == 7)
    return list(tenant.apps)


async def test_a_bare_page_has_links_by_http(caller: Caller, many: list[str]) -> None:
    answer = await caller.ask("GET", "?fields=name&include_fields=true&page=1&per_page=50")
    rows = answer.json()
    assert len(rows) == 50
    assert rows[0] == {"tenant": "acme", "name": "app 49"}
    first = (
        "<http://acme.eu.auth0.com/api/v2/clients?fields=name&include_fields=true&page={}&per_page=50>"
    )
    relations = zip((0, 2, 2), ("first", "next", "last"), strict=True)
    links = [f'{first.format(page)}; rel="{relation}"' for page, relation in relations]
    assert answer.headers["link"] == ", ".join(links)
    last = await caller.ask("GET", "?page=2")
    assert len(last.json()) == len(many) - 100
    assert 'rel="next"' not in last.headers["link"]


async def test_a_page_with_totals_says_where_it_stands(caller: Caller, many: list[str]) -> None:
    answer = await caller.ask("GET", "?include_totals=true&page=2&per_page=40&fields=client_id")
    body = answer.json()
    assert body.keys() == {"start", "limit", "total", "clients"}
    assert (body["start"], body["limit"], body["total"]) == (80, 40, 120)
    assert [row["client_id"] for row in body["clients"]] == many[80:]
    assert "link" not in answer.headers


async def test_a_page_has_50_rows_and_at_most_100(caller: Caller, many: list[str]) -> None:
    assert len((await caller.ask("GET")).json()) == 50
    assert len((await caller.ask("GET", "?per_page=100")).json()) == 100
    assert (await caller.ask("GET", "?page=9")).json() == []
    assert len(many) == 120


@pytest.mark.parametrize(("take", "pages"), [(50, 3), (60, 2), (100, 2)])
async def test_checkpoints_lead_to_every_client_once(
    caller: Caller, many: list[str], take: int, pages: int
) -> None:
    seen: list[str] = []
    query, bodies = f"take={take}", []
    while query:
        body = (await caller.ask("GET", f"?{query}&fields=client_id")).json()
        bodies.append(body.keys())
        seen += [row["client_id"] for row in body["clients"]]
        query = f"take={take}&from={body['next']}" if "next" in body else ""
    assert seen == many
    assert bodies == [{"clients", "next"}] * (pages - 1) + [{"clients"}]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("is_global=true", 1),
        ("is_global=false", 119),
        ("app_type=spa", 40),
        ("app_type=spa,native", 80),
        ("is_first_party=false", 0),
        ("is_global=true&app_type=native", 0),
        ("is_global=true&app_type=spa", 1),
    ],
)
async def test_a_filter_counts(caller: Caller, many: list[str], query: str, count: int) -> None:
    assert many
    body = (await caller.ask("GET", f"?{query}&include_totals=true&per_page=1")).json()
    assert body["total"] == count
    assert len(body["clients"]) == min(1, count)
