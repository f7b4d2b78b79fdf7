"""Values of this program: what was observed or decided is never changed behind a reader's back."""

from dataclasses import FrozenInstanceError, fields
from typing import Any

import pytest

from auth0_rotator.auth0.answers import Answer, Client
from auth0_rotator.conditions import Condition, ConditionStatus, ConditionType, Reason
from auth0_rotator.decision import decide
from auth0_rotator.journal_secret import SeenJournal
from auth0_rotator.outcome import Failure, Outcome
from auth0_rotator.resource import Kind
from auth0_rotator.subject import ConnectionKey, PastStatus
from auth0_rotator.target import project
from examples import (
    KEY,
    NAMESPACE,
    attempt,
    connection,
    credential,
    journal,
    meta,
    observation,
    plan,
    record,
    rival,
    rotation,
    target,
)

VALUES = [
    record(),
    credential(),
    meta(),
    journal(),
    project(journal(), plan(), NAMESPACE),
    target(),
    KEY,
    PastStatus(),
    rotation(),
    connection(),
    rival(),
    attempt(),
    observation(),
    decide(observation()),
    Condition(ConditionType.READY, ConditionStatus.TRUE, Reason.DELIVERED, "delivered"),
    Failure(Reason.UNREACHABLE, "away", is_stalled=False),
    Outcome(),
    SeenJournal(None, ""),
    ConnectionKey(Kind.CONNECTION, NAMESPACE, "acme"),
    Answer(200, {}, None),
    Client("id", "name", is_global=False, uses_no_secret=False, uses_key=False, signs_with_secret=False),
]


@pytest.mark.parametrize("value", VALUES, ids=[type(value).__name__ for value in VALUES])
def test_a_value_cannot_be_changed_nor_added_to(value: Any) -> None:
    name = fields(value)[0].name
    with pytest.raises(FrozenInstanceError):
        setattr(value, name, getattr(value, name))
    assert not hasattr(value, "__dict__")
