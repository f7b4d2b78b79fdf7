"""A rotation that goes, cannot be followed, or is not alone with its claim."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from auth0_rotator.conditions import Reason
from auth0_rotator.decision import Action, Decision, decide
from auth0_rotator.observation import Contest
from auth0_rotator.subject import Key
from examples import (
    MINUTE,
    NOW,
    created,
    invalid_rotation,
    journal,
    meta,
    observation,
    rival,
    rotation,
)

GOING = "2026-11-23T09:00:00Z"
REVOKE = "auth0rotator.dev/revoke"
GUARDED = {"deletion": {"revokeGeneratedCredentials": True}}

NOTHING_LEFT = Decision(Action.HOLD, Reason.FINALIZING, "the rotation is gone")
FINALIZE = Decision(Action.FINALIZE, Reason.FINALIZING, "the rotation was deleted")


@pytest.mark.parametrize(
    ("changes", "decision"),
    [
        pytest.param({"rotation": None}, FINALIZE, id="gone-journal-left"),
        pytest.param({"rotation": None, "journal": None}, NOTHING_LEFT, id="gone-nothing-left"),
        pytest.param({"rotation": rotation(deletionTimestamp=GOING)}, FINALIZE, id="going-journal-left"),
        pytest.param(
            {"rotation": rotation(deletionTimestamp=GOING), "journal": None},
            NOTHING_LEFT,
            id="going-nothing-left",
        ),
        pytest.param(
            {"rotation": rotation(deletionTimestamp=GOING, finalizers=[REVOKE]), "journal": None},
            FINALIZE,
            id="going-to-be-revoked",
        ),
        pytest.param(
            {"rotation": rotation(deletionTimestamp=GOING, finalizers=["x/y"]), "journal": None},
            NOTHING_LEFT,
            id="held-by-somebody-else",
        ),
        pytest.param(
            {"rotation": invalid_rotation(deletionTimestamp=GOING)},
            FINALIZE,
            id="going-with-invalid-spec",
        ),
    ],
)
def test_a_rotation_that_goes_leaves_no_journal(changes: dict[str, Any], decision: Decision) -> None:
    assert decide(observation(**changes)) == decision


AWAITED = "there is no such rotation; what is left of it waits, for a restore may bring it back"
TICK = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("changes", "until"),
    [
        pytest.param({"alone_since": NOW}, NOW + 10 * MINUTE, id="just-found"),
        pytest.param({"alone_since": NOW - 10 * MINUTE + TICK}, NOW + TICK, id="a-while"),
        pytest.param({"alone_since": NOW - 10 * MINUTE}, None, id="ten-minutes"),
        pytest.param({"alone_since": NOW + TICK}, None, id="the-clock-was-set-back"),
        pytest.param({"alone_since": None}, None, id="it-was-there"),
        pytest.param({"alone_since": NOW, "journal": journal()}, None, id="its-owner-was-deleted"),
        pytest.param(
            {"alone_since": NOW, "journal": journal(meta=meta(deleting_since=NOW))},
            None,
            id="somebody-deletes-what-is-left",
        ),
        pytest.param(
            {"alone_since": NOW, "rotation": rotation(deletionTimestamp=GOING)}, None, id="it-goes"
        ),
    ],
)
def test_what_stands_alone_waits_ten_minutes_for_its_rotation(
    changes: dict[str, Any], until: datetime | None
) -> None:
    """Backup tools bring Secrets back first: deleted at once, they would be lost."""
    waits = Decision(Action.HOLD, Reason.FINALIZING, AWAITED, until=until)
    alone = {"rotation": None, "journal": journal(meta=meta(owner_uid=""))}
    assert decide(observation(**(alone | changes))) == (waits if until else FINALIZE)


def test_an_invalid_spec_is_held_with_what_is_wrong() -> None:
    assert decide(observation(rotation=invalid_rotation())) == Decision(
        Action.HOLD,
        Reason.SPEC_INVALID,
        "spec.rotationInterval: input should be greater than or equal to 1",
        is_stalled=True,
    )


GUARD = Decision(Action.GUARD, Reason.PENDING, "the finalizer follows spec.deletion")


@pytest.mark.parametrize(
    ("spec", "finalizers", "is_mended"),
    [
        pytest.param(GUARDED, [], True, id="wanted-and-missing"),
        pytest.param(GUARDED, ["x/y"], True, id="wanted-beside-anothers"),
        pytest.param(GUARDED, [REVOKE], False, id="wanted-and-there"),
        pytest.param({}, [REVOKE], True, id="there-and-unwanted"),
        pytest.param({}, [], False, id="neither"),
        pytest.param({}, ["x/y"], False, id="somebody-elses"),
        pytest.param({"deletion": {"deleteSecrets": True}}, [], False, id="deleting-secrets-needs-none"),
    ],
)
def test_only_a_rotation_that_shall_revoke_carries_a_finalizer(
    spec: dict[str, Any], finalizers: list[str], *, is_mended: bool
) -> None:
    decision = decide(observation(rotation=rotation(spec=spec, finalizers=finalizers)))
    assert (decision == GUARD) is is_mended
    assert is_mended or decision.action in {Action.HOLD, Action.PUBLISH, Action.REMEMBER_PLAN}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        pytest.param(
            {}, "the rotation other already manages this client; delete one of the two", id="client"
        ),
        pytest.param(
            {"contest": Contest.TARGET},
            "the rotation other already manages this Secret; delete one of the two",
            id="secret",
        ),
        pytest.param(
            {"key": Key("team-b", "private-name")},
            "a rotation in another namespace already manages this client; delete one of the two",
            id="elsewhere",
        ),
    ],
)
def test_who_loses_a_conflict_is_told_the_winner_as_far_as_he_may_know(
    changes: dict[str, Any], sentence: str
) -> None:
    winner = rival(**({"holds": True} | changes))
    assert decide(created(rivals=[winner])) == Decision(
        Action.HOLD, Reason.CONFLICT_DETECTED, sentence, is_stalled=True
    )


def test_who_wins_a_conflict_goes_on() -> None:
    assert decide(created(rivals=[rival()])).action is Action.ROTATE
    assert decide(observation(rivals=[rival(holds=True)])).reason is Reason.WAITING_FOR_DUE_DATE


def test_a_conflict_is_decided_by_the_journal_that_was_read() -> None:
    older = rival(created_at=None, holds=True)
    assert decide(observation(rivals=[older], journal=journal(current=None))).is_stalled
    assert not decide(observation(rivals=[older])).is_stalled


def test_a_secret_in_the_journals_place_is_held_for_a_person() -> None:
    """Nothing could be written down, and what is somebody else's is not touched."""
    assert decide(created(journal_usurper="kubernetes.io/tls")) == Decision(
        Action.HOLD,
        Reason.JOURNAL_FOREIGN,
        "the Secret web.journal is of type kubernetes.io/tls and stands where this rotation keeps its "
        "journal; delete it if nobody needs it, or give the rotation another name",
        is_stalled=True,
    )
    gone = created(journal_usurper="Opaque", rotation=None)
    assert decide(gone) == NOTHING_LEFT


def test_a_journal_that_was_read_is_no_usurper() -> None:
    """The mirror may show what was there before it."""
    assert decide(observation(journal_usurper="Opaque")) == decide(observation())
