"""Two faults of the tenant, one after the other: every ordered pair of those that stand for a kind.

The kinds are those that the protocol tells apart: unknown without and with an effect, refused, the
value refused, not now.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from auth0_simulator import Operation, Tenant
from harness import Stage
from harness.story import ANNOUNCING, ask, assert_at_peace, refusal, sent, silence_probes


@dataclass(frozen=True)
class Fault:
    """One fault of one request."""

    name: str
    answers: int
    """The status; 0 for none."""
    strike: Callable[[Tenant], None]
    is_after: bool = False
    """Whether it strikes after the effect."""


ON_THE_VALUE = refusal(400, "Payload validation error: 'no' on property client_secret.")
EXPIRED = refusal(401, "Expired token received for JSON Web Token validation")
FAULTS = [
    Fault("lost", 0, lambda tenant: tenant.lose_request()),
    Fault("answer lost", 0, lambda tenant: tenant.lose_answer(), is_after=True),
    Fault("refused", 403, lambda tenant: tenant.answer(403, refusal(403, "Insufficient scope"))),
    Fault("value refused", 400, lambda tenant: tenant.answer(400, ON_THE_VALUE)),
    Fault("token expired", 401, lambda tenant: tenant.answer(401, EXPIRED)),
]
PAIRS = list(itertools.product(FAULTS, FAULTS))


@pytest.mark.parametrize(
    ("first", "second"), PAIRS, ids=[f"{first.name}, {second.name}" for first, second in PAIRS]
)
@pytest.mark.parametrize("spec", [{}, ANNOUNCING], ids=["", "announced"])
async def test_two_faults_in_a_row_cost_no_second_change(
    stage: Stage, spec: dict[str, Any], first: Fault, second: Fault
) -> None:
    """Catches what one fault leaves behind (a state, a pause, a certainty) and the next one meets."""
    app = await stage.rotated(**spec)
    announced = (await stage.kube.secret("web")).get("NEXT")
    # No probe tells anything, so that what may be live is really sent again.
    silence_probes(stage.tenant)
    first.strike(stage.tenant)
    if not first.is_after:
        # A value that is refused is followed by another one in the same breath.
        second.strike(stage.tenant)
    await ask(stage, app, **spec)
    if first.is_after:
        second.strike(stage.tenant)
    await stage.run_for(timedelta(minutes=5))
    await assert_at_peace(stage, app, changes=2)
    answers = [entry.status for entry in stage.tenant.asked(Operation.PATCH)]
    assert answers == [200, first.answers, second.answers, 200]
    refused = [first.answers, second.answers].count(400)
    assert len(set(sent(stage))) <= 1 + refused
    assert announced in {None, sent(stage)[0]}
