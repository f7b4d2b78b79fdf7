"""How a journal stands in a Secret: every field there and back, and what cannot be read."""

import json
import traceback
from base64 import b64decode, b64encode
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from auth0_rotator.journal import Journal, State
from auth0_rotator.journal_secret import (
    JournalUnreadableError,
    is_owned_by,
    journal_secret,
    owner_reference,
    parse_journal,
)
from auth0_rotator.record import Trigger
from examples import (
    BY_HAND,
    CLIENT_ID,
    CURRENT,
    DOMAIN,
    HANDLED,
    MINUTE,
    NAME,
    NAMESPACE,
    NEXT,
    NOW,
    PREVIOUS,
    UID,
    credential,
    intended,
    journal,
    meta,
    plan,
    record,
    sending,
)

PREFIX = "auth0rotator.dev/"


def written(kept: Journal, owner_uid: str = UID) -> dict[str, Any]:
    return journal_secret(kept, namespace=NAMESPACE, rotation=NAME, owner_uid=owner_uid)


def stood(kept: Journal, **metadata: Any) -> dict[str, Any]:
    """Return the Secret as the API server gives it back."""
    body = written(kept)
    given = {"uid": "journal-uid", "resourceVersion": "41"}
    return body | {"metadata": body["metadata"] | given | metadata}


def annotated(kept: Journal, **changes: str | None) -> dict[str, Any]:
    """Return the Secret with other annotations of ours; an underscore stands for a hyphen."""
    body = stood(kept)
    for name, text in changes.items():
        full = PREFIX + name.replace("_", "-")
        if text is None:
            del body["metadata"]["annotations"][full]
        else:
            body["metadata"]["annotations"][full] = text
    return body


def encoded(text: str) -> str:
    return b64encode(text.encode()).decode()


# As it is written ------------------------------------------------------------------------------


def test_a_new_journal_is_a_secret_of_our_type_owned_by_its_rotation() -> None:
    body = written(journal(meta=None))
    assert (body["apiVersion"], body["kind"]) == ("v1", "Secret")
    assert body["type"] == "auth0rotator.dev/journal"
    metadata = body["metadata"]
    assert (metadata["name"], metadata["namespace"]) == ("web.journal", "team-a")
    assert metadata["labels"] == {
        "auth0rotator.dev/role": "journal",
        "app.kubernetes.io/managed-by": "auth0-rotator",
    }
    assert metadata["annotations"][f"{PREFIX}rotation"] == "web"
    assert metadata["annotations"][f"{PREFIX}state"] == "idle"
    assert metadata["ownerReferences"] == [owner_reference("web", UID)]
    assert metadata["finalizers"] == []
    assert {"uid", "resourceVersion"}.isdisjoint(metadata)


def test_an_owner_takes_its_secrets_along_without_blocking() -> None:
    assert owner_reference("web", "some-uid") == {
        "apiVersion": "auth0rotator.dev/v1alpha1",
        "kind": "Auth0ClientSecretRotation",
        "name": "web",
        "uid": "some-uid",
        "controller": True,
    }


def test_the_values_stand_in_data_and_nowhere_else() -> None:
    body = written(sending())
    assert {name: b64decode(value).decode() for name, value in body["data"].items()} == {
        "current": CURRENT.reveal(),
        "previous": PREVIOUS.reveal(),
        "next": NEXT.reveal(),
    }
    for secret in (CURRENT, PREVIOUS, NEXT):
        rest = json.dumps({name: value for name, value in body.items() if name != "data"})
        assert secret.reveal() not in rest
        assert encoded(secret.reveal()) not in rest


def test_a_value_that_is_not_there_is_not_written() -> None:
    assert written(journal(previous=None))["data"].keys() == {"current"}
    assert written(sending(current=None, previous=None))["data"].keys() == {"next"}
    assert written(Journal())["data"] == {}


def test_a_replacement_is_a_compare_and_swap_on_the_journal_that_was_read() -> None:
    metadata = written(journal(meta=meta(uid="seen-uid", resource_version="77")))["metadata"]
    assert (metadata["uid"], metadata["resourceVersion"]) == ("seen-uid", "77")


@pytest.mark.parametrize("foreign", [[], ["team.example/backup"]], ids=["alone", "beside-another"])
def test_the_finalizer_is_there_only_while_sending(foreign: list[str]) -> None:
    seen = meta(foreign={"labels": {}, "annotations": {}, "finalizers": foreign})
    assert written(sending(meta=seen))["metadata"]["finalizers"] == [*foreign, f"{PREFIX}sending"]
    assert written(journal(meta=seen, next=intended()))["metadata"]["finalizers"] == foreign


@pytest.mark.parametrize("said", [True, False, None])
def test_what_was_made_immutable_is_written_as_such(said: bool | None) -> None:  # noqa: FBT001
    """Else the API server refuses even a label, or the end of a finalizer."""
    body = stood(journal()) | ({} if said is None else {"immutable": said})
    kept = parse_journal(body)
    assert kept.is_immutable is (said is True)
    assert written(kept).get("immutable") == (True if said else None)


def test_a_journal_that_was_never_written_is_not_immutable() -> None:
    assert not journal(meta=None).is_immutable


def test_a_new_owner_takes_the_place_of_the_old_one() -> None:
    body = written(journal(), owner_uid="restored-uid")
    assert [owner["uid"] for owner in body["metadata"]["ownerReferences"]] == ["restored-uid"]


@pytest.mark.parametrize(
    "name", ["attempts", "attempted-by", "attempted-at", "settle-seen"], ids=lambda name: name
)
def test_what_belongs_to_an_attempt_goes_with_it(name: str) -> None:
    busy = sending(settle_seen="next")
    assert PREFIX + name in written(busy)["metadata"]["annotations"]
    idle = replace(busy, state=State.IDLE)
    assert PREFIX + name not in written(idle)["metadata"]["annotations"]


def test_what_was_kept_and_has_worked_says_so() -> None:
    told = written(journal(has_worked=True))["metadata"]["annotations"]
    assert told[f"{PREFIX}has-worked"] == "true"


def test_what_came_from_elsewhere_says_so_until_it_is_proven() -> None:
    told = written(journal(is_unproven=True))["metadata"]["annotations"]
    assert told[f"{PREFIX}unproven"] == "true"


@pytest.mark.parametrize("word", ["false", "True", "", "yes"])
def test_only_the_word_true_says_yes(word: str) -> None:
    assert not parse_journal(annotated(journal(), unproven=word)).is_unproven
    assert not parse_journal(annotated(journal(), has_worked=word)).has_worked


def test_the_annotations_are_those_that_other_versions_read() -> None:
    """Names and values are a format: a journal outlives the operator that wrote it."""
    kept = sending(attempts=3, settle_seen="next", late_until=NOW + MINUTE)
    told = written(kept)["metadata"]["annotations"]
    del told[f"{PREFIX}plan"]
    assert told == {
        "auth0rotator.dev/rotation": "web",
        "auth0rotator.dev/state": "sending",
        "auth0rotator.dev/sequence": "7",
        "auth0rotator.dev/rotation-id": "01CURRENT",
        "auth0rotator.dev/rotated-at": "2026-11-01T00:00:01Z",
        "auth0rotator.dev/trigger": "schedule",
        "auth0rotator.dev/handled": HANDLED,
        "auth0rotator.dev/client-id": CLIENT_ID,
        "auth0rotator.dev/domain": DOMAIN,
        "auth0rotator.dev/next-sequence": "8",
        "auth0rotator.dev/next-rotation-id": "01NEXT",
        "auth0rotator.dev/next-rotated-at": "",
        "auth0rotator.dev/next-trigger": "schedule",
        "auth0rotator.dev/next-handled": HANDLED,
        "auth0rotator.dev/next-client-id": CLIENT_ID,
        "auth0rotator.dev/next-domain": DOMAIN,
        "auth0rotator.dev/attempts": "3",
        "auth0rotator.dev/attempted-at": "2026-11-23T09:25:00Z",
        "auth0rotator.dev/attempted-by": "operator-1",
        "auth0rotator.dev/settle-seen": "next",
        "auth0rotator.dev/late-until": "2026-11-23T09:31:00Z",
    }


@pytest.mark.parametrize(
    ("kept", "name"),
    [
        pytest.param(journal(plan=None), "plan", id="plan"),
        pytest.param(journal(late_until=None), "late-until", id="late-until"),
        pytest.param(journal(to_restart=()), "to-restart", id="to-restart"),
        pytest.param(journal(is_unproven=False), "unproven", id="unproven"),
        pytest.param(journal(has_worked=False), "has-worked", id="has-worked"),
        pytest.param(journal(is_announced=False), "announced", id="announced"),
        pytest.param(journal(), "generated", id="generated"),
        pytest.param(sending(attempted_at=None), "attempted-at", id="attempted-at"),
        pytest.param(journal(next=None), "next-sequence", id="record-of-next"),
        pytest.param(sending(current=None), "sequence", id="record-of-current"),
    ],
)
def test_what_is_not_known_is_not_written(kept: Journal, name: str) -> None:
    assert PREFIX + name not in written(kept)["metadata"]["annotations"]


def test_the_plan_is_written_in_the_words_of_the_api_without_its_gaps() -> None:
    kept = plan(target={"name": "elsewhere"}, deleteSecrets=True)
    assert json.loads(written(journal(plan=kept))["metadata"]["annotations"][f"{PREFIX}plan"]) == {
        "rotation": "web",
        "uid": UID,
        "connectionRef": {"kind": "Auth0Connection", "name": "acme"},
        "secretsMapping": {"clientId": "ID", "clientSecret": "SECRET"},
        "target": {"name": "elsewhere", "creationPolicy": "Create"},
        "deleteSecrets": True,
    }


# There and back --------------------------------------------------------------------------------

FULL_PLAN = plan(
    rotation="api",
    uid="other-uid",
    connectionRef={"kind": "ClusterAuth0Connection", "name": "shared"},
    secretsMapping={
        "clientId": "A",
        "clientSecret": "B",
        "nextClientSecret": "C",
        "previousClientSecret": "D",
    },
    target={
        "name": "elsewhere",
        "creationPolicy": "Merge",
        "template": {
            "type": "example.com/login",
            "metadata": {"labels": {"team": "a"}, "annotations": {"note": "$(x) is kept here"}},
            "data": {"URL": "https://$(domain)/?$$(x)=$(clientSecret)", "greeting.txt": "Grüße"},
        },
    },
    deleteSecrets=True,
)


@pytest.mark.parametrize(
    "kept",
    [
        pytest.param(Journal(), id="empty"),
        pytest.param(journal(), id="at-rest"),
        pytest.param(journal(previous=None, plan=None), id="adopted-without-plan"),
        pytest.param(journal(next=intended()), id="parked"),
        pytest.param(journal(current=None, previous=None, next=intended()), id="parked-at-creation"),
        pytest.param(journal(late_until=NOW + MINUTE), id="late-request-possible"),
        pytest.param(journal(to_restart=("Deployment/web", "argo.Rollout/api")), id="to-restart"),
        pytest.param(journal(is_unproven=True), id="unproven"),
        pytest.param(journal(has_worked=True), id="has-worked"),
        pytest.param(journal(next=intended(), is_announced=True), id="announced"),
        pytest.param(sending(is_unproven=True), id="sending-unproven"),
        pytest.param(journal(current=credential(is_generated=False)), id="put-there-by-a-person"),
        pytest.param(sending(current=credential(is_generated=False)), id="sending-after-that"),
        pytest.param(sending(), id="sending"),
        pytest.param(sending(current=None, previous=None), id="sending-the-first"),
        pytest.param(sending(attempts=12), id="attempts"),
        pytest.param(
            sending(attempted_at=datetime(2028, 2, 29, 1, 2, 3, tzinfo=UTC)), id="attempted-at"
        ),
        pytest.param(sending(attempted_at=None), id="attempted-at-unknown"),
        pytest.param(sending(attempted_by="auth0-rotator-7d9f_b1c2"), id="attempted-by"),
        pytest.param(sending(attempted_by=""), id="attempted-by-nobody"),
        pytest.param(sending(settle_seen="current"), id="settle-seen"),
        pytest.param(sending(late_until=NOW), id="sending-after-a-doubt"),
        pytest.param(sending(plan=FULL_PLAN), id="plan-with-everything"),
        pytest.param(
            sending(
                current=credential(BY_HAND, sequence=0, trigger=Trigger.CREATION, handled=()),
                next=intended(trigger=Trigger.CLIENT_CHANGED, client_id="other", domain="o.auth0.com"),
            ),
            id="two-clients",
        ),
    ],
)
def test_a_journal_that_was_written_is_read_again(kept: Journal) -> None:
    foreign = {"labels": written(kept)["metadata"]["labels"], "annotations": {}, "finalizers": []}
    assert parse_journal(stood(kept)) == replace(kept, meta=meta(foreign=foreign))


# What Kubernetes and other people say of it ----------------------------------------------------


def test_labels_annotations_and_finalizers_of_others_are_written_back() -> None:
    body = stood(
        journal(),
        labels={
            "team": "a",
            f"{PREFIX}role": "journal",
            "app.kubernetes.io/managed-by": "auth0-rotator",
        },
        finalizers=["team.example/backup", f"{PREFIX}sending"],
    )
    body["metadata"]["annotations"]["team.example/owner"] = "web"
    body["metadata"]["annotations"][f"{PREFIX}long-gone"] = "of an older operator"
    kept = parse_journal(body)
    assert kept.meta is not None
    assert kept.meta.foreign["annotations"] == {"team.example/owner": "web"}
    assert kept.meta.foreign["finalizers"] == ["team.example/backup"]
    again = written(kept)["metadata"]
    assert again["labels"] == body["metadata"]["labels"]
    assert again["finalizers"] == ["team.example/backup"]
    assert again["annotations"]["team.example/owner"] == "web"
    assert f"{PREFIX}long-gone" not in again["annotations"]
    assert again["annotations"][f"{PREFIX}state"] == "idle"


def test_our_own_words_win_over_what_somebody_else_wrote_in_their_place() -> None:
    seen = meta(
        foreign={
            "labels": {f"{PREFIX}role": "target", "team": "a"},
            "annotations": {f"{PREFIX}state": "sending"},
            "finalizers": [],
        }
    )
    metadata = written(journal(meta=seen))["metadata"]
    assert metadata["labels"][f"{PREFIX}role"] == "journal"
    assert metadata["labels"]["team"] == "a"
    assert metadata["annotations"][f"{PREFIX}state"] == "idle"


@pytest.mark.parametrize(
    ("labels", "is_intact"),
    [
        pytest.param({f"{PREFIX}role": "journal"}, False, id="one-gone"),
        pytest.param(None, False, id="all-gone"),
        pytest.param(
            {f"{PREFIX}role": "target", "app.kubernetes.io/managed-by": "auth0-rotator"},
            False,
            id="changed",
        ),
        pytest.param(
            {f"{PREFIX}role": "journal", "app.kubernetes.io/managed-by": "auth0-rotator", "team": "a"},
            True,
            id="one-more",
        ),
    ],
)
def test_a_journal_is_intact_while_our_labels_stand(
    labels: dict[str, str] | None, *, is_intact: bool
) -> None:
    kept = parse_journal(stood(journal(), labels=labels))
    assert kept.meta is not None
    assert kept.meta.is_intact is is_intact
    assert kept.meta.foreign["labels"] == (labels or {})


@pytest.mark.parametrize(
    ("kept", "finalizers", "is_intact"),
    [
        pytest.param(journal(), None, True, id="at-rest"),
        pytest.param(journal(), ["team.example/backup"], True, id="held-by-somebody-else"),
        pytest.param(journal(), [f"{PREFIX}sending"], False, id="a-leftover"),
        pytest.param(sending(), [f"{PREFIX}sending"], True, id="guarded"),
        pytest.param(sending(), ["team.example/backup"], False, id="taken-away"),
        pytest.param(sending(), None, False, id="restored-without"),
    ],
)
def test_a_journal_is_intact_while_our_finalizer_stands_for_an_open_change(
    kept: Journal, finalizers: list[str] | None, *, is_intact: bool
) -> None:
    found = parse_journal(stood(kept, finalizers=finalizers))
    assert found.meta is not None
    assert found.meta.is_intact is is_intact


def test_a_journal_that_nobody_owns_is_written_without_owner() -> None:
    assert written(journal(), owner_uid="")["metadata"]["ownerReferences"] == []


@pytest.mark.parametrize(
    ("owners", "owner_uid"),
    [
        pytest.param([owner_reference("web", "mine")], "mine", id="ours"),
        pytest.param(None, "", id="none"),
        pytest.param([{"kind": "ConfigMap", "uid": "theirs"}], "", id="somebody-elses"),
        pytest.param(
            [{"kind": "ConfigMap", "uid": "theirs"}, owner_reference("web", "mine")], "mine", id="both"
        ),
    ],
)
def test_the_owner_is_the_rotation(owners: list[dict[str, Any]] | None, owner_uid: str) -> None:
    kept = parse_journal(stood(journal(), ownerReferences=owners))
    assert kept.meta is not None
    assert kept.meta.owner_uid == owner_uid


@pytest.mark.parametrize(
    ("stamp", "since"),
    [(None, None), ("2026-11-23T09:30:00Z", NOW)],
    ids=["staying", "going"],
)
def test_a_journal_that_goes_says_since_when(stamp: str | None, since: datetime | None) -> None:
    kept = parse_journal(stood(journal(), deletionTimestamp=stamp, finalizers=None))
    assert kept.meta is not None
    assert kept.meta.deleting_since == since


def test_the_version_that_was_read_is_kept_for_the_next_write() -> None:
    kept = parse_journal(stood(journal(), uid="u-9", resourceVersion="99"))
    assert kept.meta is not None
    assert (kept.meta.uid, kept.meta.resource_version) == ("u-9", "99")


# What cannot be read ---------------------------------------------------------------------------

NO_SENSE = f"one of its annotations {PREFIX}state, {PREFIX}plan or {PREFIX}attempts makes no sense"
NOT_TOGETHER = "a value and its commit record do not stand together"
NOT_TEXT = "one of current, previous and next is not text in base64"
NOT_WHOLE = "its state is sending, but there is nothing to send or no plan to follow"


def with_data(kept: Journal, **data: str | None) -> dict[str, Any]:
    body = stood(kept)
    changed = {name: value for name, value in data.items() if value is not None}
    left = {name: value for name, value in body["data"].items() if name not in data}
    return body | {"data": left | changed}


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        pytest.param(
            stood(journal()) | {"type": "Opaque"}, "its type is not auth0rotator.dev/journal", id="type"
        ),
        pytest.param(
            {name: part for name, part in stood(journal()).items() if name != "type"},
            "its type is not auth0rotator.dev/journal",
            id="no-type",
        ),
        pytest.param(stood(journal(), annotations=None), NO_SENSE, id="no-annotations"),
        pytest.param(annotated(journal(), state=None), NO_SENSE, id="no-state"),
        pytest.param(annotated(journal(), state="resting"), NO_SENSE, id="unknown-state"),
        pytest.param(annotated(journal(), plan="{"), NO_SENSE, id="plan-is-no-json"),
        pytest.param(annotated(journal(), plan="[1]"), NO_SENSE, id="plan-is-a-list"),
        pytest.param(annotated(journal(), plan="null"), NO_SENSE, id="plan-is-null"),
        pytest.param(annotated(journal(), plan='{"rotation": "web"}'), NO_SENSE, id="plan-is-partial"),
        pytest.param(annotated(sending(), attempts="often"), NO_SENSE, id="attempts-in-words"),
        pytest.param(
            annotated(journal(), domain=None), f"the annotation {PREFIX}domain is missing", id="record"
        ),
        pytest.param(
            annotated(sending(), next_trigger=""),
            f"the annotation {PREFIX}next-trigger is missing",
            id="record-of-next",
        ),
        pytest.param(
            annotated(journal(), sequence="x"),
            f"the annotation {PREFIX}sequence or {PREFIX}trigger makes no sense",
            id="sequence",
        ),
        pytest.param(with_data(journal(), current=None), NOT_TOGETHER, id="record-without-value"),
        pytest.param(with_data(journal(), current=""), NOT_TOGETHER, id="record-with-empty-value"),
        pytest.param(with_data(sending(), next=None), NOT_TOGETHER, id="next-without-value"),
        pytest.param(
            with_data(journal(), next=encoded("unexplained")), NOT_TOGETHER, id="value-without-record"
        ),
        pytest.param(stood(journal()) | {"data": None}, NOT_TOGETHER, id="no-data"),
        pytest.param(with_data(journal(), current="%%%"), NOT_TEXT, id="current-not-base64"),
        pytest.param(with_data(journal(), current="ää=="), NOT_TEXT, id="current-not-ascii"),
        pytest.param(with_data(journal(), current="cGxh%aW4="), NOT_TEXT, id="current-not-only-base64"),
        pytest.param(with_data(journal(), previous="abc"), NOT_TEXT, id="previous-without-padding"),
        pytest.param(with_data(sending(), next="/w=="), NOT_TEXT, id="next-not-text"),
        pytest.param(stood(sending(next=None)), NOT_WHOLE, id="nothing-to-send"),
        pytest.param(stood(sending(plan=None)), NOT_WHOLE, id="no-plan"),
        pytest.param(annotated(sending(), plan=""), NOT_WHOLE, id="empty-plan"),
        pytest.param(stood(Journal(state=State.SENDING)), NOT_WHOLE, id="sending-and-empty"),
    ],
)
def test_what_cannot_be_read_is_said_in_a_sentence_without_a_value(
    body: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(JournalUnreadableError) as fault:
        parse_journal(body)
    assert str(fault.value) == sentence
    told = "".join(traceback.format_exception(fault.value))
    assert not [value for value in (CURRENT, PREVIOUS, NEXT) if value.reveal() in told]
    assert "pydantic" not in told


def test_unreadable_is_no_value_error_so_that_none_is_taken_for_it() -> None:
    assert not issubclass(JournalUnreadableError, ValueError)


def test_a_parked_value_needs_no_plan() -> None:
    kept = parse_journal(stood(journal(next=intended(), plan=None)))
    assert kept.next == intended()
    assert kept.plan is None


def test_the_record_of_current_is_not_taken_for_that_of_next() -> None:
    kept = parse_journal(stood(sending()))
    assert kept.current is not None
    assert kept.next is not None
    assert (kept.current.record, kept.next.record) == (record(), intended().record)


@pytest.mark.parametrize(
    ("changes", "is_owned"),
    [
        pytest.param({}, True, id="ours"),
        pytest.param({"uid": "of-a-former-one"}, True, id="of-a-former-object"),
        pytest.param({"apiVersion": "auth0rotator.dev/v2"}, True, id="another-version"),
        pytest.param({"name": "api"}, False, id="another-rotation"),
        pytest.param({"kind": "Deployment"}, False, id="another-kind"),
        pytest.param({"apiVersion": "example.com/v1"}, False, id="another-group"),
        pytest.param({"apiVersion": None}, False, id="no-group"),
    ],
)
def test_an_owner_is_known_by_its_name(changes: dict[str, Any], *, is_owned: bool) -> None:
    assert is_owned_by(owner_reference("web", "a-uid") | changes, "web") is is_owned
