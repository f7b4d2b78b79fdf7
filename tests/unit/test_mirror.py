"""What the watches last said, and whom a change concerns."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from auth0_rotator.journal import State
from auth0_rotator.journal_secret import journal_secret
from auth0_rotator.mirror import AnyKey, Mirror
from auth0_rotator.observation import Contest, Rival
from auth0_rotator.resource import ConnectionRef, Kind
from auth0_rotator.resource.rotation import ConnectionKind
from auth0_rotator.sightings import connection_key
from auth0_rotator.subject import ConnectionKey, Key, Rotation, referred
from examples import (
    CLIENT_ID,
    DOMAIN,
    NAMESPACE,
    NOW,
    UID,
    credential,
    intended,
    journal,
    plan,
    rotation,
    rotation_body,
    spec_body,
    target_body,
)

WEB = Key(NAMESPACE, "web")
API = Key(NAMESPACE, "api")
FAR = Key("team-b", "far")
ACME = ConnectionKey(Kind.CONNECTION, NAMESPACE, "acme")
SHARED = ConnectionKey(Kind.CLUSTER_CONNECTION, "", "shared")


def of(key: Key, version: int = 30, **changes: Any) -> dict[str, Any]:
    """Return a rotation's body under a key; by default of a client and a Secret of its own."""
    spec = {"parameters": {"clientId": f"client-of-{key.name}"}} | changes
    return rotation_body(
        spec=spec,
        name=key.name,
        namespace=key.namespace,
        uid=f"uid-{key.name}",
        resourceVersion=str(version),
    )


def journal_body(key: Key, version: int = 40, **changes: Any) -> dict[str, Any]:
    kept = journal(meta=None, **changes)
    body = journal_secret(kept, namespace=key.namespace, rotation=key.name, owner_uid=UID)
    body["metadata"] |= {"uid": "journal-uid", "resourceVersion": str(version)}
    return body


def secret_body(name: str = "web", version: int = 52, **metadata: Any) -> dict[str, Any]:
    """Return the target's Secret under a name."""
    return target_body(name=name, resourceVersion=str(version), **metadata)


def gone(key: Key | tuple[str, str], version: int) -> dict[str, Any]:
    namespace, name = (key.namespace, key.name) if isinstance(key, Key) else key
    return {"metadata": {"namespace": namespace, "name": name, "resourceVersion": str(version)}}


def connection_body(
    name: str = "acme", version: int = 10, generation: int = 1, **metadata: Any
) -> dict[str, Any]:
    base = {
        "name": name,
        "uid": f"uid-{name}",
        "generation": generation,
        "resourceVersion": str(version),
    }
    return {"metadata": base | metadata}


# Keys of connections ---------------------------------------------------------------------------


def test_a_connection_is_told_with_its_namespace() -> None:
    assert str(ACME) == "Auth0Connection acme in namespace team-a"
    assert str(SHARED) == "ClusterAuth0Connection shared"


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        pytest.param(ConnectionRef(name="acme"), ACME, id="by-default-of-this-namespace"),
        pytest.param(
            ConnectionRef(kind=ConnectionKind.CLUSTER_CONNECTION, name="shared"),
            SHARED,
            id="of-the-cluster",
        ),
    ],
)
def test_a_reference_leads_to_a_connection(reference: ConnectionRef, expected: ConnectionKey) -> None:
    assert referred(reference, NAMESPACE) == expected


def test_a_connection_object_has_a_key() -> None:
    assert connection_key(Kind.CONNECTION, connection_body(namespace=NAMESPACE)) == ACME
    assert connection_key(Kind.CLUSTER_CONNECTION, connection_body("shared")) == SHARED


# Rotations -------------------------------------------------------------------------------------


def test_an_empty_mirror_shows_nothing() -> None:
    mirror = Mirror()
    assert mirror.keys() == set()
    assert mirror.journal(WEB) is None
    assert mirror.target(NAMESPACE, "web") is None
    assert mirror.users_of(ACME) == set()
    assert mirror.rivals_of(rotation()) == []


def test_a_rotation_that_came_in_is_shown() -> None:
    mirror = Mirror()
    assert mirror.put_rotation(of(WEB)) == {WEB}
    assert mirror.rotations[WEB].uid == "uid-web"
    assert mirror.keys() == {WEB}
    assert mirror.users_of(ACME) == {WEB}


@pytest.mark.parametrize(
    ("version", "concerned", "shown"),
    [
        pytest.param(29, set(), 30, id="older"),
        pytest.param(30, set(), 30, id="the-same"),
        pytest.param(31, {WEB}, 31, id="newer"),
        pytest.param(200, {WEB}, 200, id="newer-by-number-not-by-letter"),
    ],
)
def test_a_newer_version_wins_whichever_way_it_came(
    version: int, concerned: set[Key], shown: int
) -> None:
    mirror = Mirror()
    mirror.put_rotation(of(WEB, 30))
    assert mirror.put_rotation(of(WEB, version)) == concerned
    assert mirror.rotations[WEB].resource_version == str(shown)


def test_what_was_dropped_may_come_back_as_it_was() -> None:
    mirror = Mirror()
    mirror.put_rotation(of(WEB, 30))
    mirror.forget_rotation(WEB)
    assert mirror.put_rotation(of(WEB, 29)) == set()
    assert mirror.put_rotation(of(WEB, 30)) == {WEB}
    assert WEB in mirror.rotations


@pytest.mark.parametrize(
    ("version", "is_dropped"), [(29, False), (30, True), (31, True)], ids=["older", "same", "newer"]
)
def test_a_rotation_is_gone_unless_it_was_seen_later(version: int, *, is_dropped: bool) -> None:
    mirror = Mirror()
    mirror.put_rotation(of(WEB, 30))
    assert mirror.drop_rotation(gone(WEB, version)) == ({WEB} if is_dropped else set())
    assert (WEB in mirror.rotations) is not is_dropped
    assert mirror.users_of(ACME) == (set() if is_dropped else {WEB})


def test_after_a_drop_an_older_version_is_no_news() -> None:
    mirror = Mirror()
    mirror.put_rotation(of(WEB, 30))
    mirror.drop_rotation(gone(WEB, 35))
    assert mirror.put_rotation(of(WEB, 34)) == set()
    assert mirror.rotations == {}


def test_those_who_claim_has_or_send_one_client_are_rivals() -> None:
    """Who waits for another is told when that other one's connection changes."""
    mirror = Mirror()
    for key in (WEB, FAR):
        mirror.put_rotation(of(key, parameters={"clientId": "shared"}))
    mirror.put_rotation(of(API, parameters={"clientId": CLIENT_ID}))
    assert mirror.with_rivals({WEB}) == {WEB, FAR}
    assert mirror.with_rivals({API}) == {API}
    mirror.put_secret(journal_body(WEB))
    assert mirror.with_rivals({WEB}) == {WEB, FAR, API}
    mirror.forget_rotation(WEB)
    assert mirror.with_rivals({WEB}) == {WEB, API}
    mirror.put_rotation(of(WEB, 31, parameters={"clientId": ""}))
    assert mirror.with_rivals({WEB}) == {WEB, API}


def test_what_was_never_seen_can_be_dropped_and_forgotten() -> None:
    mirror = Mirror()
    assert mirror.drop_rotation(gone(WEB, 5)) == {WEB}
    assert mirror.forget_rotation(API) == {API}
    assert mirror.keys() == set()


def test_a_rotation_that_a_read_did_not_find_is_forgotten() -> None:
    mirror = Mirror()
    mirror.put_rotation(of(WEB))
    assert mirror.forget_rotation(WEB) == {WEB}
    assert mirror.rotations == {}
    assert mirror.users_of(ACME) == set()


def test_a_rotation_that_a_read_did_not_find_concerns_those_with_the_same_claim() -> None:
    mirror = Mirror()
    mirror.put_rotation(of(WEB, **SAME_CLIENT))
    mirror.put_rotation(of(API, **SAME_CLIENT))
    mirror.put_rotation(of(FAR))
    assert mirror.forget_rotation(WEB) == {WEB, API}


def test_versions_are_counted_for_each_kind_and_place() -> None:
    mirror = Mirror()
    mirror.put_secret(secret_body("web", 900))
    mirror.put_rotation(of(Key("team-b", "web"), 800, parameters={"clientId": "of-team-b"}))
    assert mirror.put_rotation(of(WEB, 30)) == {WEB}
    assert len(mirror.rotations) == 2


# Whom a change concerns ------------------------------------------------------------------------

SAME_CLIENT: dict[str, Any] = {"parameters": {"clientId": CLIENT_ID}}
SAME_SECRET: dict[str, Any] = {"target": {"name": "common"}}


@pytest.mark.parametrize(
    ("claim", "other", "concerned"),
    [
        pytest.param(SAME_CLIENT, API, {WEB, API}, id="same-client"),
        pytest.param(SAME_CLIENT, FAR, {WEB, FAR}, id="same-client-elsewhere"),
        pytest.param(SAME_SECRET, API, {WEB, API}, id="same-secret"),
        pytest.param(SAME_SECRET, FAR, {WEB}, id="secret-of-that-name-elsewhere"),
        pytest.param({}, API, {WEB}, id="nothing-in-common"),
    ],
)
def test_a_rotation_concerns_those_with_the_same_claim(
    claim: dict[str, Any], other: Key, concerned: set[Key]
) -> None:
    mirror = Mirror()
    mirror.put_rotation(of(other, **claim))
    assert mirror.put_rotation(of(WEB, **claim)) == concerned
    assert mirror.put_rotation(of(WEB, 31, **claim)) == {WEB}, "the same claim is no news to others"
    assert mirror.drop_rotation(gone(WEB, 32)) == concerned


def test_a_changed_claim_concerns_those_before_and_those_now() -> None:
    mirror = Mirror()
    mirror.put_rotation(of(API, **SAME_CLIENT))
    mirror.put_rotation(of(FAR, parameters={"clientId": "other"}))
    mirror.put_rotation(of(WEB, **SAME_CLIENT))
    assert mirror.put_rotation(of(WEB, 31, parameters={"clientId": "other"})) == {WEB, API, FAR}
    assert mirror.put_rotation(of(WEB, 32, parameters={"clientId": "third"})) == {WEB, FAR}
    assert mirror.put_rotation(of(WEB, 33, rotationInterval=0)) == {WEB}
    assert mirror.users_of(ACME) == {API}


def test_a_spec_that_becomes_invalid_concerns_those_who_shared_its_claim() -> None:
    mirror = Mirror()
    mirror.put_rotation(of(API, **SAME_CLIENT))
    mirror.put_rotation(of(WEB, **SAME_CLIENT))
    assert mirror.put_rotation(of(WEB, 31, rotationInterval=0)) == {WEB, API}
    assert mirror.put_rotation(of(WEB, 32, rotationInterval=0)) == {WEB}
    assert mirror.put_rotation(of(WEB, 33, **SAME_CLIENT)) == {WEB, API}
    assert mirror.drop_rotation(gone(API, 40)) == {WEB, API}


def test_an_invalid_spec_claims_nothing() -> None:
    mirror = Mirror()
    assert mirror.put_rotation(of(WEB, rotationInterval=0)) == {WEB}
    assert mirror.users_of(ACME) == set()
    assert mirror.drop_rotation(gone(WEB, 31)) == {WEB}


def test_the_users_of_a_connection_are_those_that_refer_to_it() -> None:
    mirror = Mirror()
    mirror.put_rotation(of(WEB))
    mirror.put_rotation(of(FAR))
    mirror.put_rotation(of(API, connectionRef={"kind": "ClusterAuth0Connection", "name": "shared"}))
    assert mirror.users_of(ACME) == {WEB}
    assert mirror.users_of(SHARED) == {API}
    mirror.put_rotation(of(WEB, 31, connectionRef={"kind": "ClusterAuth0Connection", "name": "shared"}))
    assert mirror.users_of(ACME) == set()
    assert mirror.users_of(SHARED) == {WEB, API}


@pytest.mark.parametrize(
    ("body", "is_user"),
    [
        pytest.param({}, True, id="sending"),
        pytest.param({"state": State.IDLE}, False, id="at-rest"),
        pytest.param({"plan": plan(connectionRef={"name": "other"})}, False, id="sending-elsewhere"),
    ],
)
def test_an_open_outcome_uses_the_connection_of_its_plan(body: dict[str, Any], *, is_user: bool) -> None:
    mirror = Mirror()
    mirror.put_rotation(of(API))
    mirror.put_secret(sending_body(WEB, **body))
    mirror.put_rotation(of(WEB, connectionRef={"name": "edited-meanwhile"}))
    assert mirror.users_of(ACME) == ({WEB, API} if is_user else {API})


def test_an_open_outcome_uses_a_connection_of_its_own_namespace() -> None:
    mirror = Mirror()
    mirror.put_secret(sending_body(FAR))
    assert mirror.users_of(ACME) == set()
    assert mirror.users_of(ConnectionKey(Kind.CONNECTION, "team-b", "acme")) == {FAR}


def test_the_caller_may_keep_what_it_was_given() -> None:
    mirror = Mirror()
    mirror.put_rotation(of(WEB, **SAME_CLIENT))
    mirror.users_of(ACME).clear()
    mirror.keys().clear()
    mirror.put_rotation(of(API, **SAME_CLIENT)).clear()
    mirror.put_secret(secret_body("web")).clear()
    assert mirror.users_of(ACME) == {WEB, API}
    assert mirror.put_rotation(of(API, 31)) == {WEB, API}


# Rivals ----------------------------------------------------------------------------------------


def test_rivals_claim_the_same_client_or_the_same_secret() -> None:
    mirror = Mirror()
    mirror.put_rotation(of(WEB, **SAME_CLIENT, **SAME_SECRET))
    mirror.put_rotation(of(API, **SAME_SECRET))
    mirror.put_rotation(of(FAR, **SAME_CLIENT))
    mirror.put_rotation(of(Key(NAMESPACE, "unrelated")))
    mirror.put_secret(journal_body(FAR))
    created = datetime(2026, 6, 1, tzinfo=UTC)
    assert mirror.rivals_of(mirror.rotations[WEB]) == [
        Rival(
            FAR,
            "uid-far",
            created,
            holds=True,
            contest=Contest.CLIENT,
            domains=frozenset({DOMAIN}),
        ),
        Rival(API, "uid-api", created, holds=False, contest=Contest.TARGET),
    ]


OLD, NEW = "old.auth0.com", "new.auth0.com"


@pytest.mark.parametrize(
    ("kept", "domains"),
    [
        pytest.param({}, {DOMAIN}, id="has"),
        pytest.param({"current": credential(domain=OLD)}, {OLD}, id="has-elsewhere"),
        pytest.param(
            {"current": credential(domain=OLD), "next": intended(domain=NEW)}, {OLD, NEW}, id="parked"
        ),
        pytest.param({"current": None, "next": intended(domain=NEW)}, {NEW}, id="only-parked"),
        pytest.param({"current": None, "previous": None}, set(), id="empty"),
    ],
)
def test_a_rival_is_where_its_values_are(kept: dict[str, Any], domains: set[str]) -> None:
    mirror = Mirror()
    mirror.put_rotation(of(WEB, **SAME_CLIENT))
    mirror.put_rotation(of(FAR, **SAME_CLIENT))
    mirror.put_secret(journal_body(FAR, **kept))
    assert [rival.domains for rival in mirror.rivals_of(mirror.rotations[WEB])] == [domains]


# Who sends -------------------------------------------------------------------------------------


def sending_body(key: Key, version: int = 40, **changes: Any) -> dict[str, Any]:
    """Return the body of a journal that sends a value."""
    return journal_body(key, version, **({"state": State.SENDING, "next": intended()} | changes))


def sender(key: Key, **changes: Any) -> Rival:
    base = Rival(
        key,
        UID,
        None,
        holds=True,
        contest=Contest.CLIENT,
        domains=frozenset({DOMAIN}),
        is_sending=True,
    )
    return replace(base, **changes)


def test_who_sends_is_told_whatever_the_specs_say_by_now() -> None:
    mirror = Mirror()
    mirror.put_secret(sending_body(FAR))
    assert mirror.senders_of(CLIENT_ID, besides=WEB) == [sender(FAR)]
    mirror.put_rotation(of(FAR, parameters={"clientId": "edited-meanwhile"}))
    assert mirror.senders_of(CLIENT_ID, besides=WEB) == [sender(FAR)]
    assert mirror.senders_of("edited-meanwhile", besides=WEB) == []


@pytest.mark.parametrize(
    ("body", "is_told"),
    [
        pytest.param(sending_body(FAR), True, id="sends-this-client"),
        pytest.param(sending_body(FAR, current=None, previous=None), True, id="sends-its-first-value"),
        pytest.param(sending_body(FAR, next=intended(client_id="other")), False, id="sends-another"),
        pytest.param(journal_body(FAR, next=intended()), False, id="parked"),
        pytest.param(journal_body(FAR), False, id="at-rest"),
        pytest.param(sending_body(FAR) | {"data": {}}, False, id="unreadable"),
        pytest.param(sending_body(WEB), False, id="oneself"),
    ],
)
def test_only_who_is_in_the_middle_of_a_change_sends(body: dict[str, Any], *, is_told: bool) -> None:
    mirror = Mirror()
    mirror.put_secret(body)
    assert mirror.senders_of(CLIENT_ID, besides=WEB) == ([sender(FAR)] if is_told else [])


def test_a_value_is_sent_to_the_domain_that_it_was_chosen_for() -> None:
    mirror = Mirror()
    mirror.put_secret(sending_body(FAR, current=credential(domain=OLD), next=intended(domain=NEW)))
    assert mirror.senders_of(CLIENT_ID, besides=WEB) == [sender(FAR, domains=frozenset({NEW}))]


def test_those_who_send_are_told_in_the_order_of_their_names() -> None:
    mirror = Mirror()
    names = ["delta", "alpha", "charlie", "bravo"]
    for name in names:
        mirror.put_secret(sending_body(Key(NAMESPACE, name)))
    told = mirror.senders_of(CLIENT_ID, besides=WEB)
    assert [rival.key.name for rival in told] == sorted(names)


def test_a_rival_over_both_is_told_twice() -> None:
    mirror = Mirror()
    mirror.put_rotation(of(WEB, **SAME_CLIENT, **SAME_SECRET))
    mirror.put_rotation(of(API, **SAME_CLIENT, **SAME_SECRET))
    mirror.put_secret(journal_body(API, plan=plan(target={"name": "elsewhere"})))
    rivals = mirror.rivals_of(mirror.rotations[WEB])
    assert [(rival.contest, rival.holds) for rival in rivals] == [
        (Contest.CLIENT, True),
        (Contest.TARGET, False),
    ]


@pytest.mark.parametrize("claim", [SAME_CLIENT, SAME_SECRET], ids=["client", "secret"])
def test_rivals_are_told_in_the_order_of_their_names(claim: dict[str, Any]) -> None:
    mirror = Mirror()
    names = ["delta", "alpha", "charlie", "bravo"]
    for name in names:
        mirror.put_rotation(of(Key(NAMESPACE, name), **claim))
    mirror.put_rotation(of(WEB, **claim))
    rivals = mirror.rivals_of(mirror.rotations[WEB])
    assert [rival.key.name for rival in rivals] == sorted(names)


def test_an_invalid_spec_has_no_rivals_and_is_none() -> None:
    mirror = Mirror()
    mirror.put_rotation(of(WEB, **SAME_CLIENT))
    mirror.put_rotation(of(API, rotationInterval=0, **SAME_CLIENT))
    assert mirror.rivals_of(mirror.rotations[WEB]) == []
    assert mirror.rivals_of(mirror.rotations[API]) == []


def test_an_unreadable_journal_backs_no_claim() -> None:
    mirror = Mirror()
    mirror.put_rotation(of(WEB, **SAME_CLIENT))
    mirror.put_rotation(of(API, **SAME_CLIENT))
    mirror.put_secret(journal_body(API) | {"data": {}})
    assert [rival.holds for rival in mirror.rivals_of(mirror.rotations[WEB])] == [False]


@pytest.mark.parametrize(
    ("status", "spec", "is_due"),
    [
        pytest.param({"nextRotationAt": "2026-11-23T09:30:00Z"}, {}, True, id="due"),
        pytest.param({"nextRotationAt": "2026-11-23T09:30:01Z"}, {}, False, id="in-a-second"),
        pytest.param({}, {}, False, id="automation-off"),
        pytest.param(
            {"nextRotationAt": "2026-11-23T09:30:00Z", "rotationStatus": "failed"},
            {},
            False,
            id="held-up-by-a-failure",
        ),
        pytest.param(
            {"nextRotationAt": "2026-11-23T09:30:00Z"}, {"suspend": True}, False, id="suspended"
        ),
    ],
)
def test_a_rotation_is_due_by_what_was_told_of_it(
    status: dict[str, str], spec: dict[str, Any], *, is_due: bool
) -> None:
    mirror = Mirror()
    mirror.put_rotation(of(WEB, **spec) | {"status": status})
    assert mirror.is_due(WEB, NOW) is is_due
    assert not mirror.is_due(API, NOW)


def test_an_invalid_spec_is_never_due() -> None:
    mirror = Mirror()
    body = rotation_body(spec={"rotationInterval": 0}, name=WEB.name, namespace=WEB.namespace)
    mirror.put_rotation(body | {"status": {"nextRotationAt": "2026-11-23T09:30:00Z"}})
    assert not mirror.is_due(WEB, NOW)


def test_a_change_is_open_while_its_journal_says_so() -> None:
    mirror = Mirror()
    assert not mirror.is_open(WEB)
    mirror.put_secret(sending_body(WEB))
    mirror.put_secret(journal_body(API))
    assert (mirror.is_open(WEB), mirror.is_open(API)) == (True, False)


# Journals --------------------------------------------------------------------------------------


def test_a_journal_that_came_in_is_shown_and_concerns_its_rotation() -> None:
    mirror = Mirror()
    assert mirror.put_secret(journal_body(WEB, 40)) == {WEB}
    seen = mirror.journal(WEB)
    assert seen is not None
    assert seen.fault == ""
    assert seen.journal is not None
    assert seen.journal.current == credential()
    assert mirror.keys() == {WEB}
    assert mirror.target(NAMESPACE, "web.journal") is None


def test_an_unreadable_journal_is_shown_with_its_fault() -> None:
    mirror = Mirror()
    assert mirror.put_secret(journal_body(WEB, 40) | {"data": {}}) == {WEB}
    seen = mirror.journal(WEB)
    assert seen is not None
    assert seen.journal is None
    assert seen.fault == "a value and its commit record do not stand together"
    assert seen.deleting_since is None


def test_a_journal_and_a_secret_in_its_place_take_turns() -> None:
    mirror = Mirror()
    assert mirror.journal_usurper(WEB) == ""
    mirror.put_secret(secret_body("web.journal", 40))
    assert mirror.journal_usurper(WEB) == "Opaque"
    assert mirror.keys() == set()
    mirror.put_secret(journal_body(WEB, 41))
    assert (mirror.journal_usurper(WEB), mirror.journal(WEB) is None) == ("", False)
    mirror.put_secret(secret_body("web.journal", 42))
    assert (mirror.journal_usurper(WEB), mirror.journal(WEB) is None) == ("Opaque", True)
    mirror.forget_secret(NAMESPACE, "web.journal")
    assert mirror.journal_usurper(WEB) == ""


def test_an_unreadable_journal_is_shown_with_since_when_it_goes() -> None:
    mirror = Mirror()
    body = journal_body(WEB, 40) | {"data": {}}
    body["metadata"]["deletionTimestamp"] = "2026-11-23T09:30:00Z"
    mirror.put_secret(body)
    seen = mirror.journal(WEB)
    assert seen is not None
    assert seen.deleting_since == NOW


@pytest.mark.parametrize(
    ("body", "concerned"),
    [
        pytest.param(journal_body(WEB), {WEB, API}, id="has"),
        pytest.param(sending_body(WEB, current=None, previous=None), {WEB, API}, id="sends-its-first"),
        pytest.param(
            sending_body(WEB, current=credential(client_id="client-of-far")),
            {WEB, API, FAR},
            id="has-one-and-sends-another",
        ),
        pytest.param(
            journal_body(WEB, current=credential(client_id="of-nobody")), {WEB}, id="of-nobody"
        ),
        pytest.param(journal_body(WEB) | {"data": {}}, {WEB}, id="unreadable"),
        pytest.param(journal_body(WEB, current=None, previous=None), {WEB}, id="empty"),
    ],
)
def test_a_journal_concerns_those_that_claim_its_clients(
    body: dict[str, Any], concerned: set[Key]
) -> None:
    """They wait for it to come, to end its change, or to go."""
    mirror = Mirror()
    mirror.put_rotation(of(API, **SAME_CLIENT))
    mirror.put_rotation(of(FAR))
    assert mirror.put_secret(body) == concerned
    assert mirror.forget_secret(NAMESPACE, "web.journal") == concerned


def test_a_journal_that_went_on_concerns_those_that_claim_its_former_client() -> None:
    mirror = Mirror()
    mirror.put_rotation(of(API, **SAME_CLIENT))
    mirror.put_rotation(of(FAR))
    mirror.put_secret(journal_body(WEB, 40))
    changed = journal_body(WEB, 41, current=credential(client_id="client-of-far"))
    assert mirror.put_secret(changed) == {WEB, API, FAR}
    assert mirror.drop_secret(gone((NAMESPACE, "web.journal"), 42)) == {WEB, FAR}


def test_a_journal_concerns_its_own_rotation_once_though_that_claims_its_client() -> None:
    mirror = Mirror()
    mirror.put_rotation(of(WEB, **SAME_CLIENT))
    assert mirror.put_secret(journal_body(WEB)) == {WEB}
    mirror.put_secret(journal_body(WEB, 41)).clear()
    mirror.put_rotation(of(API, **SAME_CLIENT))
    assert mirror.put_secret(journal_body(WEB, 42)) == {WEB, API}


@pytest.mark.parametrize("version", [39, 40, 41])
def test_an_older_journal_does_not_replace_a_newer_one(version: int) -> None:
    mirror = Mirror()
    mirror.put_secret(journal_body(WEB, 40))
    other = journal_body(WEB, version, current=credential(sequence=99))
    assert mirror.put_secret(other) == ({WEB} if version == 41 else set())
    seen = mirror.journal(WEB)
    assert seen is not None
    assert seen.journal is not None
    assert seen.journal.sequence == (99 if version == 41 else 7)


def test_a_journal_that_is_gone_concerns_its_rotation() -> None:
    mirror = Mirror()
    mirror.put_secret(journal_body(WEB, 40))
    assert mirror.drop_secret(gone((NAMESPACE, "web.journal"), 39)) == set()
    assert mirror.drop_secret(gone((NAMESPACE, "web.journal"), 41)) == {WEB}
    assert mirror.journal(WEB) is None
    assert mirror.keys() == set()


def test_a_journal_that_came_back_as_it_was_is_shown_again() -> None:
    mirror = Mirror()
    mirror.put_secret(journal_body(WEB, 40))
    mirror.drop_secret(gone((NAMESPACE, "web.journal"), 40))
    assert mirror.put_secret(journal_body(WEB, 40)) == {WEB}
    assert mirror.put_secret(journal_body(WEB, 40)) == set()
    assert mirror.journal(WEB) is not None


def test_a_secret_of_another_type_under_a_journals_name_is_no_journal() -> None:
    mirror = Mirror()
    mirror.put_secret(secret_body("web.journal"))
    assert mirror.journal(WEB) is None
    assert mirror.target(NAMESPACE, "web.journal") is not None
    assert mirror.forget_secret(NAMESPACE, "web.journal") == {WEB}
    assert mirror.target(NAMESPACE, "web.journal") is None


def test_a_journal_type_under_another_name_is_no_journal() -> None:
    mirror = Mirror()
    body = journal_body(WEB)
    body["metadata"]["name"] = "web"
    mirror.put_secret(body)
    assert mirror.journal(WEB) is None
    assert mirror.target(NAMESPACE, "web") is not None


# Targets ---------------------------------------------------------------------------------------


def test_a_target_concerns_the_rotation_of_its_record_and_those_that_claim_it() -> None:
    mirror = Mirror()
    mirror.put_rotation(of(API, **SAME_SECRET))
    assert mirror.put_secret(secret_body("common", 52)) == {WEB, API}
    assert mirror.put_secret(secret_body("common", 53, annotations={})) == {API, WEB}
    assert mirror.put_secret(secret_body("other", 54, annotations={})) == set()
    assert mirror.put_secret(secret_body("other", 55)) == {WEB}


def test_a_target_that_is_gone_concerns_the_same() -> None:
    mirror = Mirror()
    mirror.put_rotation(of(API, **SAME_SECRET))
    mirror.put_secret(secret_body("common", 52))
    assert mirror.drop_secret(gone((NAMESPACE, "common"), 51)) == set()
    assert mirror.drop_secret(gone((NAMESPACE, "common"), 52)) == {WEB, API}
    assert mirror.target(NAMESPACE, "common") is None
    mirror.put_secret(secret_body("common", 53, annotations={}))
    assert mirror.forget_secret(NAMESPACE, "common") == {API}


def test_a_target_that_was_not_there_is_no_news() -> None:
    mirror = Mirror()
    mirror.put_rotation(of(API, **SAME_SECRET))
    assert mirror.forget_secret(NAMESPACE, "common") == set()
    mirror.put_secret(secret_body("common", 52))
    assert mirror.forget_secret(NAMESPACE, "common") == {WEB, API}
    assert mirror.forget_secret(NAMESPACE, "common") == set()


def test_a_target_that_lost_its_record_concerns_those_that_claim_it_when_it_goes() -> None:
    mirror = Mirror()
    mirror.put_secret(secret_body("common", 52, annotations={}))
    assert mirror.forget_secret(NAMESPACE, "common") == set()


def test_keys_in_a_secret_of_others_are_withdrawn_with_their_rotation() -> None:
    mirror = Mirror()
    mirror.put_secret(secret_body("kept", 52))
    mirror.put_secret(marked("common", 53))
    mirror.put_secret(marked("also", 54))
    assert set(mirror.targets_of(WEB)) == {"kept", "common", "also"}
    assert mirror.to_withdraw(WEB) == ("also", "common")
    assert mirror.to_withdraw(API) == ()
    assert mirror.keys() == {WEB}


def test_a_secret_that_stays_leaves_nothing_to_do() -> None:
    mirror = Mirror()
    mirror.put_secret(secret_body("kept", 52))
    assert mirror.to_withdraw(WEB) == ()
    assert mirror.keys() == set()


def test_what_was_withdrawn_is_not_withdrawn_again() -> None:
    mirror = Mirror()
    mirror.put_secret(marked("common", 52))
    assert mirror.put_secret(secret_body("common", 53, annotations={})) == {WEB}
    assert mirror.to_withdraw(WEB) == ()
    assert mirror.keys() == set()


def test_one_of_several_targets_that_goes_leaves_the_others() -> None:
    mirror = Mirror()
    mirror.put_secret(marked("common", 52))
    mirror.put_secret(marked("also", 53))
    assert mirror.forget_secret(NAMESPACE, "common") == {WEB}
    assert mirror.to_withdraw(WEB) == ("also",)


def marked(name: str, version: int) -> dict[str, Any]:
    body = secret_body(name, version)
    body["metadata"]["annotations"]["auth0rotator.dev/withdraw-with"] = "uid-of-web"
    return body


@pytest.mark.parametrize("version", [51, 52, 53])
def test_an_older_target_does_not_replace_a_newer_one(version: int) -> None:
    mirror = Mirror()
    mirror.put_secret(secret_body("web", 52))
    mirror.put_secret(secret_body("web", version, labels={"marked": "yes"}))
    stands = mirror.target(NAMESPACE, "web")
    assert stands is not None
    assert (stands.labels == {"marked": "yes"}) is (version == 53)


@pytest.mark.parametrize(
    ("labels", "is_watched"),
    [
        pytest.param({"auth0rotator.dev/role": "target"}, True, id="ours"),
        pytest.param({"team": "a"}, False, id="foreign"),
        pytest.param(None, False, id="none"),
    ],
)
def test_a_secret_without_our_label_is_not_watched(
    labels: dict[str, str] | None, *, is_watched: bool
) -> None:
    mirror = Mirror()
    mirror.put_secret(secret_body("web", 52, labels=labels))
    assert mirror.is_watched(NAMESPACE, "web") is is_watched


def test_a_secret_is_watched_again_when_it_has_our_label_again() -> None:
    mirror = Mirror()
    assert mirror.is_watched(NAMESPACE, "web")
    mirror.put_secret(secret_body("web", 52, labels=None))
    assert not mirror.is_watched(NAMESPACE, "web")
    mirror.put_secret(secret_body("web", 53))
    assert mirror.is_watched(NAMESPACE, "web")


# Connections -----------------------------------------------------------------------------------


def test_a_connection_is_news_when_its_spec_is() -> None:
    mirror = Mirror()
    where: dict[str, Any] = {"namespace": NAMESPACE}
    assert mirror.put_connection(Kind.CONNECTION, connection_body(**where)) == ACME
    assert mirror.put_connection(Kind.CONNECTION, connection_body(version=11, **where)) is None
    assert mirror.connections[ACME]["metadata"]["resourceVersion"] == "11"
    changed = connection_body(version=12, generation=2, **where)
    assert mirror.put_connection(Kind.CONNECTION, changed) == ACME
    recreated = connection_body(version=13, generation=2, uid="new-uid", **where)
    assert mirror.put_connection(Kind.CONNECTION, recreated) == ACME
    assert (
        mirror.put_connection(Kind.CONNECTION, connection_body(version=12, generation=9, **where))
        is None
    )
    assert mirror.connections[ACME] == recreated


def test_a_connection_is_no_news_in_a_version_that_was_seen_until_it_was_dropped() -> None:
    mirror = Mirror()
    where: dict[str, Any] = {"namespace": NAMESPACE}
    mirror.put_connection(Kind.CONNECTION, connection_body(**where))
    mirror.put_connection(Kind.CONNECTION, connection_body(generation=2, **where))
    assert mirror.connections[ACME] == connection_body(**where)
    mirror.drop_connection(Kind.CONNECTION, connection_body(**where))
    assert mirror.put_connection(Kind.CONNECTION, connection_body(**where)) == ACME


@pytest.mark.parametrize(
    ("before", "after", "is_news"),
    [
        pytest.param(None, {"auth0rotator.dev/reset-circuit": "1"}, True, id="a-first-word"),
        pytest.param(
            {"auth0rotator.dev/reset-circuit": "1"},
            {"auth0rotator.dev/reset-circuit": "2"},
            True,
            id="another-word",
        ),
        pytest.param(
            {"auth0rotator.dev/reset-circuit": "1"},
            {"auth0rotator.dev/reset-circuit": "1", "team.example/note": "seen"},
            False,
            id="the-same-word",
        ),
        pytest.param({}, {"team.example/note": "seen"}, False, id="another-annotation"),
    ],
)
def test_a_connection_is_news_when_a_person_resets_its_circuit(
    before: dict[str, str] | None, after: dict[str, str], *, is_news: bool
) -> None:
    mirror = Mirror()
    mirror.put_connection(Kind.CLUSTER_CONNECTION, connection_body("shared", 10, annotations=before))
    found = mirror.put_connection(
        Kind.CLUSTER_CONNECTION, connection_body("shared", 11, annotations=after)
    )
    assert found == (SHARED if is_news else None)


def test_a_connection_of_the_cluster_is_told_apart() -> None:
    mirror = Mirror()
    assert mirror.put_connection(Kind.CLUSTER_CONNECTION, connection_body("shared")) == SHARED
    assert mirror.put_connection(Kind.CONNECTION, connection_body("shared", 5, namespace=NAMESPACE)) == (
        ConnectionKey(Kind.CONNECTION, NAMESPACE, "shared")
    )
    assert len(mirror.connections) == 2


def test_a_connection_that_is_gone_is_no_longer_shown() -> None:
    mirror = Mirror()
    body = connection_body(namespace=NAMESPACE)
    mirror.put_connection(Kind.CONNECTION, body)
    assert mirror.drop_connection(Kind.CONNECTION, gone((NAMESPACE, "acme"), 9)) is None
    assert ACME in mirror.connections
    assert mirror.drop_connection(Kind.CONNECTION, gone((NAMESPACE, "acme"), 11)) == ACME
    assert mirror.connections == {}
    assert mirror.drop_connection(Kind.CONNECTION, gone((NAMESPACE, "acme"), 12)) == ACME
    assert (
        mirror.put_connection(Kind.CONNECTION, connection_body(version=13, namespace=NAMESPACE)) == ACME
    )


# What they share -------------------------------------------------------------------------------

SHARING: dict[str, Any] = {"connectionRef": {"kind": "ClusterAuth0Connection", "name": "shared"}}


def names(rotations: list[Rotation]) -> list[str]:
    return [str(one.key) for one in rotations]


def test_the_canaries_of_a_connection_are_told_in_the_order_of_their_names() -> None:
    mirror = Mirror()
    for key, spec in ((FAR, SHARING), (WEB, SHARING), (API, {})):
        mirror.put_rotation(of(key, canary=True, **spec))
    mirror.put_rotation(of(Key(NAMESPACE, "plain"), **SHARING))
    assert names(mirror.canaries_of(SHARED)) == ["team-a/web", "team-b/far"]
    assert names(mirror.canaries_of(ACME)) == ["team-a/api"]
    assert mirror.canaries_of(ConnectionKey(Kind.CONNECTION, "team-b", "acme")) == []


def test_who_is_no_canary_any_more_is_not_told() -> None:
    mirror = Mirror()
    mirror.put_rotation(of(WEB, 30, canary=True))
    mirror.put_rotation(of(WEB, 31))
    assert mirror.canaries_of(ACME) == []
    mirror.put_rotation(of(WEB, 32, canary=True))
    mirror.put_rotation(of(WEB, 33, canary=True, **SHARING))
    assert (names(mirror.canaries_of(ACME)), names(mirror.canaries_of(SHARED))) == ([], ["team-a/web"])
    mirror.forget_rotation(WEB)
    assert mirror.canaries_of(SHARED) == []


def test_when_the_rotations_over_a_connection_were_is_told_from_the_oldest_on() -> None:
    mirror = Mirror()
    older, newer = NOW - timedelta(days=2), NOW - timedelta(days=1)
    for key, rotated_at in ((WEB, newer), (API, older), (FAR, NOW)):
        mirror.put_rotation(of(key))
        mirror.put_secret(journal_body(key, current=credential(rotated_at=rotated_at)))
    assert mirror.rotated_over(ACME) == [older, newer]
    assert mirror.rotated_over(SHARED) == []


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(None, id="no-journal"),
        pytest.param(journal_body(WEB, current=None), id="no-value"),
        pytest.param(journal_body(WEB, current=credential(rotated_at=None)), id="nobody-knows-when"),
    ],
)
def test_who_was_never_rotated_tells_nothing(body: dict[str, Any] | None) -> None:
    mirror = Mirror()
    mirror.put_rotation(of(WEB))
    if body is not None:
        mirror.put_secret(body)
    assert mirror.rotated_over(ACME) == []


def test_an_unreadable_journal_tells_of_no_rotation() -> None:
    mirror = Mirror()
    mirror.put_rotation(of(WEB))
    torn = journal_body(WEB)
    torn["metadata"]["annotations"].pop("auth0rotator.dev/rotation-id")
    mirror.put_secret(torn)
    seen = mirror.journal(WEB)
    assert seen is not None
    assert seen.journal is None
    assert mirror.rotated_over(ACME) == []


def dated(key: Key, next_rotation_at: str | None) -> dict[str, Any]:
    return of(key) | {"status": {"nextRotationAt": next_rotation_at}}


def test_the_connection_is_that_of_the_spec_or_of_the_journal_left_behind() -> None:
    mirror = Mirror()
    assert mirror.connection_of(WEB) is None
    mirror.put_secret(journal_body(WEB))
    assert mirror.connection_of(WEB) == ACME
    mirror.put_rotation(of(WEB, connectionRef={"kind": "ClusterAuth0Connection", "name": "shared"}))
    assert mirror.connection_of(WEB) == SHARED


def test_connections_come_first_and_then_who_is_due_first() -> None:
    mirror = Mirror()
    early, zero = Key(NAMESPACE, "early"), Key("0-team", "new")
    mirror.put_rotation(dated(WEB, "2026-12-01T00:00:00Z"))
    mirror.put_rotation(dated(API, "2026-12-01T00:00:00Z"))
    mirror.put_rotation(dated(early, "2026-11-30T23:59:59Z"))
    mirror.put_rotation(dated(zero, None))
    unseen = Key(NAMESPACE, "unseen")
    keys: list[AnyKey] = [WEB, unseen, early, SHARED, API, zero, ACME]
    expected = [ACME, SHARED, zero, unseen, early, API, WEB]
    assert mirror.in_order(keys) == mirror.in_order(keys[::-1]) == expected


# Frozen namespaces -----------------------------------------------------------------------------


def namespace_body(name: str) -> dict[str, Any]:
    return {"metadata": {"name": name}}


def test_a_namespace_that_nobody_watches_is_no_news() -> None:
    mirror = Mirror()
    mirror.put_rotation(of(WEB))
    assert mirror.put_namespace(namespace_body(NAMESPACE), is_frozen=True) == set()
    assert mirror.frozen is None


def test_a_namespace_that_freezes_or_thaws_concerns_all_rotations_in_it() -> None:
    mirror = Mirror()
    mirror.frozen = {"team-c"}
    for key in (WEB, API, FAR):
        mirror.put_rotation(of(key))
    body = namespace_body(NAMESPACE)
    assert mirror.put_namespace(body, is_frozen=False) == set()
    assert mirror.put_namespace(body, is_frozen=True) == {WEB, API}
    assert mirror.frozen == {NAMESPACE, "team-c"}
    assert mirror.put_namespace(body, is_frozen=True) == set()
    assert mirror.put_namespace(body, is_frozen=False) == {WEB, API}
    assert mirror.frozen == {"team-c"}


# What a watch missed ---------------------------------------------------------------------------

ROTATION = Kind.ROTATION.value


def full() -> Mirror:
    mirror = Mirror()
    mirror.put_rotation(of(WEB, 30))
    mirror.put_rotation(of(API, 60))
    mirror.put_rotation(of(FAR, 31))
    mirror.put_secret(secret_body("web", 52))
    return mirror


@pytest.mark.parametrize(
    ("kind", "namespace", "listed", "version", "missed"),
    [
        pytest.param(ROTATION, None, {}, 50, [WEB, FAR], id="of-all-namespaces"),
        pytest.param(ROTATION, NAMESPACE, {}, 50, [WEB], id="of-one-namespace"),
        pytest.param(ROTATION, None, {("team-b", "far")}, 50, [WEB], id="listed"),
        pytest.param(ROTATION, None, {}, 61, [WEB, API, FAR], id="as-of-later"),
        pytest.param(ROTATION, None, {}, 60, [WEB, FAR], id="as-of-that-very-version"),
        pytest.param(ROTATION, None, {}, 31, [WEB], id="as-of-earlier"),
        pytest.param("Secret", None, {}, 53, [Key(NAMESPACE, "web")], id="secrets"),
        pytest.param("Secret", "team-b", {}, 53, [], id="no-secrets-there"),
        pytest.param(Kind.CONNECTION.value, None, {}, 99, [], id="no-connections"),
    ],
)
def test_what_a_full_list_does_not_show_any_more_is_missed(
    kind: str, namespace: str | None, listed: set[tuple[str, str]], version: int, missed: list[Key]
) -> None:
    found = full().missed(kind, namespace, listed, version)
    names = {(body["metadata"]["namespace"], body["metadata"]["name"]) for body in found}
    assert names == {(key.namespace, key.name) for key in missed}


def test_what_was_missed_can_be_dropped_unless_it_came_back_meanwhile() -> None:
    mirror = full()
    [body] = mirror.missed(ROTATION, "team-b", set(), 50)
    assert mirror.drop_rotation(body) == {FAR}
    mirror = full()
    [body] = mirror.missed(ROTATION, "team-b", set(), 50)
    mirror.put_rotation(of(FAR, 55))
    assert mirror.drop_rotation(body) == set()
    assert FAR in mirror.rotations


def test_a_secret_that_no_list_shows_is_not_missed() -> None:
    mirror = Mirror()
    mirror.put_secret(secret_body("web", 52, labels=None))
    mirror.put_secret(secret_body("api", 52))
    found = mirror.missed("Secret", None, set(), 99)
    assert [body["metadata"]["name"] for body in found] == ["api"]


def test_a_rotation_is_missed_though_a_foreign_secret_of_its_name_is_not_listed() -> None:
    """By default the target is called like its rotation, and a foreign one carries no label."""
    mirror = full()
    mirror.put_secret(secret_body("web", 53, labels=None))
    found = mirror.missed(ROTATION, NAMESPACE, set(), 50)
    assert [body["metadata"]["name"] for body in found] == ["web"]


def test_a_rotation_body_is_what_the_api_gives() -> None:
    """The builder above must not hide a claim by accident."""
    assert of(WEB)["spec"] == spec_body(parameters={"clientId": "client-of-web"})


def test_a_connection_that_no_list_shows_any_more_is_missed_once() -> None:
    mirror = Mirror()
    body = {"metadata": {"namespace": NAMESPACE, "name": "acme", "resourceVersion": "7", "uid": "u"}}
    mirror.put_connection(Kind.CONNECTION, body)
    [found] = mirror.missed(Kind.CONNECTION.value, None, set(), 9)
    assert mirror.drop_connection(Kind.CONNECTION, found) is not None
    assert mirror.missed(Kind.CONNECTION.value, None, set(), 9) == []


@pytest.mark.parametrize(
    ("subject", "kept", "target"),
    [
        pytest.param(of(WEB, **SAME_SECRET), journal_body(WEB), "common", id="spec"),
        pytest.param(of(WEB, **SAME_SECRET), None, "common", id="spec-alone"),
        pytest.param(of(WEB, rotationInterval=0), journal_body(WEB), "web", id="spec-invalid"),
        pytest.param(None, journal_body(WEB), "web", id="journal"),
        pytest.param(None, journal_body(WEB) | {"data": {}}, None, id="journal-unreadable"),
        pytest.param(of(WEB, rotationInterval=0), None, None, id="spec-invalid-alone"),
        pytest.param(None, None, None, id="neither"),
    ],
)
def test_what_is_to_be_delivered_is_said_by_the_spec_and_else_by_the_journal(
    subject: dict[str, Any] | None, kept: dict[str, Any] | None, target: str | None
) -> None:
    mirror = Mirror()
    if subject is not None:
        mirror.put_rotation(subject)
    if kept is not None:
        mirror.put_secret(kept)
    found = mirror.plan(WEB)
    assert (found.target_name if found is not None else None) == target
