"""Who claims a client, a Secret or a connection, and who does not any more."""

from typing import Any

import pytest

from auth0_rotator.claim_index import ClaimIndex, connection_of, target_of
from auth0_rotator.resource import Kind
from auth0_rotator.subject import ConnectionKey, Key, Rotation
from examples import CLIENT_ID, KEY, NAME, NAMESPACE, invalid_rotation, rotation

OTHER = Key(NAMESPACE, "other")
ACME = ConnectionKey(Kind.CONNECTION, NAMESPACE, "acme")
COMMON: dict[str, Any] = {"target": {"name": "common"}}


def of(name: str, **spec: Any) -> Rotation:
    return rotation(name=name, spec=COMMON | spec)


def claimed(index: ClaimIndex) -> list[set[Key]]:
    """Return who claims the client, the Secret and the connection."""
    return [
        index.of_client(CLIENT_ID),
        index.of_target(NAMESPACE, "common"),
        index.of_connection(ACME),
    ]


def test_who_shares_a_claim_is_found_by_each_part_of_it() -> None:
    index = ClaimIndex()
    assert claimed(index) == [set()] * 3
    index.add(of(NAME))
    index.add(of("other"))
    assert claimed(index) == [{KEY, OTHER}] * 3
    assert index.claimants(of(NAME)) == {KEY, OTHER}


def test_who_is_removed_claims_nothing_and_the_others_what_they_did() -> None:
    """Catches a claim that stays behind: it would wake, and count as a rival, for ever."""
    index = ClaimIndex()
    index.add(of(NAME))
    index.add(of("other"))
    index.remove(of(NAME))
    assert claimed(index) == [{OTHER}] * 3
    index.remove(of("other"))
    assert claimed(index) == [set()] * 3


def test_an_invalid_spec_claims_nothing_and_takes_no_claim_away() -> None:
    index = ClaimIndex()
    index.add(of(NAME))
    index.add(of("other", rotationInterval=0))
    index.remove(of("other", rotationInterval=0))
    assert claimed(index) == [{KEY}] * 3
    assert index.claimants(invalid_rotation()) == set()


@pytest.mark.parametrize(
    ("spec", "name"),
    [pytest.param(COMMON, "common", id="named"), pytest.param({}, NAME, id="by-default")],
)
def test_a_rotation_leads_to_its_secret_and_to_its_connection(spec: dict[str, Any], name: str) -> None:
    found = rotation(spec=spec).spec
    assert found is not None
    assert target_of(KEY, found) == (NAMESPACE, name)
    assert connection_of(KEY, found) == ACME
