"""When consumers are looked after."""

from datetime import timedelta
from typing import Any

import pytest

from auth0_rotator.conditions import Reason
from auth0_rotator.decision import Action
from auth0_rotator.decision.consumers import LONGEST_PAUSE, consumers_are_restarted
from auth0_rotator.observation import Observation
from examples import NOW, created, invalid_rotation, journal, observation, rotation

TICK = timedelta(microseconds=1)
NAMED = rotation(spec={"rolloutRestartTargets": [{"kind": "Deployment", "name": "web"}]})


def seen(**changes: Any) -> Observation:
    return observation(**({"rotation": NAMED, "is_rolled_out": False} | changes))


@pytest.mark.parametrize(
    ("o", "expected"),
    [
        pytest.param(seen(), True, id="wanted"),
        pytest.param(seen(is_rolled_out=True), False, id="done"),
        pytest.param(seen(rotation=rotation()), False, id="nobody-is-named"),
        pytest.param(seen(rotation=None), False, id="no-object"),
        pytest.param(seen(rotation=invalid_rotation()), False, id="an-invalid-spec"),
        pytest.param(created(rotation=NAMED, is_rolled_out=False), False, id="no-journal"),
        pytest.param(seen(journal=journal(current=None)), False, id="no-value"),
        pytest.param(seen(roll_out_at=NOW), True, id="its-instant-has-come"),
        pytest.param(seen(roll_out_at=NOW + TICK), False, id="not-yet"),
        pytest.param(seen(roll_out_at=NOW + LONGEST_PAUSE), False, id="at-most"),
        pytest.param(seen(roll_out_at=NOW + LONGEST_PAUSE + TICK), True, id="the-clock-was-set-back"),
    ],
)
def test_consumers_are_looked_after_until_they_run_on_the_value(
    o: Observation,
    expected: bool,  # noqa: FBT001 - a column of the table
) -> None:
    found = consumers_are_restarted(o)
    assert (found is not None) is expected
    if found is not None:
        assert (found.action, found.reason) == (Action.ROLL_OUT, Reason.ROLLING_OUT)
        assert found.message == "seeing to the consumers of the delivered value"
