"""Commit records: what stands beside a value, and how it is read again."""

from datetime import UTC, datetime
from typing import Any

import pytest

from auth0_rotator.record import (
    CommitRecord,
    RecordUnreadableError,
    Trigger,
    parse_record,
    record_annotations,
    token_of_annotation,
    token_of_spec,
    with_tokens,
)
from examples import CLIENT_ID, DOMAIN, HANDLED, record

WRITTEN = {
    "auth0rotator.dev/sequence": "7",
    "auth0rotator.dev/rotation-id": "01CURRENT",
    "auth0rotator.dev/rotated-at": "2026-11-01T00:00:01Z",
    "auth0rotator.dev/trigger": "schedule",
    "auth0rotator.dev/handled": HANDLED,
    "auth0rotator.dev/client-id": CLIENT_ID,
    "auth0rotator.dev/domain": DOMAIN,
}


def written(**changes: str) -> dict[str, str]:
    """Return the annotations of a record; an underscore stands for a hyphen."""
    renamed = {f"auth0rotator.dev/{name}".replace("_", "-"): text for name, text in changes.items()}
    return WRITTEN | renamed


# Tokens ----------------------------------------------------------------------------------------


def test_a_token_is_kept_by_source_and_digest() -> None:
    """What journals hold must stay readable: these are sha256 of the text, as sha256sum says."""
    assert token_of_annotation("monday") == "annotation:d618fb157a4b382e"
    assert token_of_spec("monday") == "spec:d618fb157a4b382e"
    assert token_of_spec("2026-11-23.1") == "spec:a48ac71e234992f6"


TWENTY = tuple(f"spec:{number:016x}" for number in range(20))


@pytest.mark.parametrize(
    ("handled", "tokens", "expected"),
    [
        pytest.param((), (), (), id="none"),
        pytest.param((), ("a", "b"), ("a", "b"), id="first-ones"),
        pytest.param(("a",), ("b",), ("a", "b"), id="newest-last"),
        pytest.param(("a", "b", "c"), ("a",), ("b", "c", "a"), id="handled-again-moves-to-the-end"),
        pytest.param(("a", "b"), (), ("a", "b"), id="nothing-new"),
        pytest.param(TWENTY[:19], ("x",), (*TWENTY[:19], "x"), id="twenty-are-kept"),
        pytest.param(TWENTY, ("x",), (*TWENTY[1:], "x"), id="the-oldest-of-twenty-one-goes"),
        pytest.param(TWENTY, ("x", "y"), (*TWENTY[2:], "x", "y"), id="the-two-oldest-go"),
        pytest.param(TWENTY, (TWENTY[5],), (*TWENTY[:5], *TWENTY[6:], TWENTY[5]), id="none-has-to-go"),
    ],
)
def test_the_last_twenty_tokens_count_as_handled(
    handled: tuple[str, ...], tokens: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    assert with_tokens(handled, tokens) == expected


# Records ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("trigger", "is_manual"),
    [
        (Trigger.CREATION, True),
        (Trigger.SCHEDULE, False),
        (Trigger.MANUAL, True),
        (Trigger.CLIENT_CHANGED, True),
    ],
    ids=str,
)
def test_everything_but_the_schedule_counts_as_manual(trigger: Trigger, *, is_manual: bool) -> None:
    assert trigger.is_manual is is_manual


@pytest.mark.parametrize(
    ("client_id", "domain", "is_same"),
    [
        pytest.param(CLIENT_ID, DOMAIN, True, id="both"),
        pytest.param("other", DOMAIN, False, id="other-client"),
        pytest.param(CLIENT_ID, "other.auth0.com", False, id="other-domain"),
        pytest.param("other", "other.auth0.com", False, id="neither"),
    ],
)
def test_a_record_is_for_one_client_of_one_tenant(client_id: str, domain: str, *, is_same: bool) -> None:
    assert record().is_for(client_id, domain) is is_same


def test_a_record_is_written_as_annotations() -> None:
    assert record_annotations(record()) == WRITTEN


@pytest.mark.parametrize("part", ["", "next-"], ids=["whole", "part"])
def test_a_value_that_was_not_chosen_here_says_so(part: str) -> None:
    told = record_annotations(record(is_generated=False), part=part)
    assert told.pop(f"auth0rotator.dev/{part}generated") == "false"
    assert told == record_annotations(record(), part=part)


@pytest.mark.parametrize("word", ["true", "", "False", "no"])
def test_only_the_word_false_says_that_a_value_was_not_chosen_here(word: str) -> None:
    assert parse_record(written(generated=word)) == record()


def test_whether_a_value_was_chosen_here_is_said_of_each_by_itself() -> None:
    both = record_annotations(record(is_generated=False)) | record_annotations(record(), part="next-")
    assert parse_record(both) == record(is_generated=False)
    assert parse_record(both, part="next-") == record()


@pytest.mark.parametrize("part", ["", "next-"], ids=["whole", "part"])
def test_a_reason_is_written_where_a_person_gave_one(part: str) -> None:
    told = record_annotations(record(reason="it leaked"), part=part)
    assert told.pop(f"auth0rotator.dev/{part}reason") == "it leaked"
    assert told == record_annotations(record(), part=part)


def test_a_record_of_a_part_is_written_beside_the_other() -> None:
    both = record_annotations(record()) | record_annotations(record(sequence=8), part="next-")
    assert both["auth0rotator.dev/sequence"] == "7"
    assert both["auth0rotator.dev/next-sequence"] == "8"
    assert len(both) == 14
    assert parse_record(both) == record()
    assert parse_record(both, part="next-") == record(sequence=8)


@pytest.mark.parametrize(
    "kept",
    [
        pytest.param(record(), id="whole"),
        pytest.param(record(sequence=0), id="adopted"),
        pytest.param(record(sequence=1234), id="high-sequence"),
        pytest.param(record(rotated_at=None), id="not-accepted-yet"),
        pytest.param(record(rotated_at=datetime(2028, 2, 29, 23, 59, 59, tzinfo=UTC)), id="leap-day"),
        pytest.param(record(handled=()), id="no-token-handled"),
        pytest.param(record(is_generated=False), id="put-there-by-a-person"),
        pytest.param(record(handled=TWENTY), id="twenty-tokens-handled"),
        pytest.param(record(reason="leaked: rotate at once"), id="with-a-persons-reason"),
        *[pytest.param(record(trigger=trigger), id=trigger.value) for trigger in Trigger],
    ],
)
def test_a_record_that_was_written_is_read_again(kept: CommitRecord) -> None:
    assert parse_record(record_annotations(kept)) == kept


@pytest.mark.parametrize(
    "annotations",
    [
        pytest.param({}, id="none"),
        pytest.param({"team.example/owner": "web"}, id="foreign"),
        pytest.param({"auth0rotator.dev/rotation": "web"}, id="another-of-ours"),
        pytest.param({"auth0rotator.dev/handled": HANDLED}, id="handled-alone"),
        pytest.param({"auth0rotator.dev/generated": "false"}, id="generated-alone"),
        pytest.param(dict.fromkeys(WRITTEN, ""), id="all-empty"),
        pytest.param(record_annotations(record(), part="next-"), id="of-the-other-part"),
    ],
)
def test_annotations_without_a_record_say_none(annotations: dict[str, str]) -> None:
    assert parse_record(annotations) is None


@pytest.mark.parametrize("name", ["sequence", "rotation-id", "trigger", "client-id", "domain"])
@pytest.mark.parametrize("part", ["", "next-"])
def test_a_record_without_one_of_its_parts_is_unreadable(name: str, part: str) -> None:
    annotations = record_annotations(record(), part=part)
    for gone in ({}, {f"auth0rotator.dev/{part}{name}": ""}):
        left = {key: text for key, text in annotations.items() if not key.endswith(f"{part}{name}")}
        with pytest.raises(RecordUnreadableError) as fault:
            parse_record(left | gone, part=part)
        assert str(fault.value) == f"the annotation auth0rotator.dev/{part}{name} is missing"


def test_one_part_alone_is_no_record() -> None:
    with pytest.raises(RecordUnreadableError, match=r"auth0rotator\.dev/sequence is missing"):
        parse_record({"auth0rotator.dev/domain": DOMAIN})


@pytest.mark.parametrize(
    "annotations",
    [
        pytest.param(written(sequence="seven"), id="sequence-in-words"),
        pytest.param(written(sequence="7.0"), id="sequence-not-whole"),
        pytest.param(written(trigger="boredom"), id="unknown-trigger"),
        pytest.param(written(trigger="Schedule"), id="trigger-in-other-case"),
    ],
)
def test_a_record_that_says_something_impossible_is_unreadable(annotations: dict[str, str]) -> None:
    with pytest.raises(RecordUnreadableError) as fault:
        parse_record(annotations)
    sentence = "the annotation auth0rotator.dev/sequence or auth0rotator.dev/trigger makes no sense"
    assert str(fault.value) == sentence


@pytest.mark.parametrize("text", ["yesterday", "2026-11-31T00:00:00Z", "2026-11-01T00:00:01"])
def test_a_time_of_rotation_that_cannot_be_read_is_not_taken_for_none(text: str) -> None:
    """Without the time there is no due date: the client would silently never be rotated again."""
    with pytest.raises(RecordUnreadableError) as fault:
        parse_record(written(rotated_at=text))
    assert str(fault.value) == "the annotation auth0rotator.dev/rotated-at makes no sense"


def test_unreadable_is_a_value_error_so_that_no_reader_forgets_it() -> None:
    fault: Any = RecordUnreadableError("x")
    assert isinstance(fault, ValueError)


def test_a_value_that_was_not_accepted_has_no_time() -> None:
    told = record_annotations(record(rotated_at=None))
    assert told["auth0rotator.dev/rotated-at"] == ""


@pytest.mark.parametrize(
    ("name", "nothing"), [("handled", {"handled": ()}), ("rotated-at", {"rotated_at": None})]
)
def test_a_record_without_tokens_or_time_needs_no_annotation_for_them(
    name: str, nothing: dict[str, Any]
) -> None:
    left = {key: text for key, text in WRITTEN.items() if not key.endswith(name)}
    assert parse_record(left) == record(**nothing)


def test_empty_tokens_are_passed_over() -> None:
    found = parse_record(written(handled=f",{HANDLED},,spec:1,"))
    assert found is not None
    assert found.handled == (HANDLED, "spec:1")
