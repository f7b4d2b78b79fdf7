"""Outcomes that nobody can know, and what a probe can tell of them: the value may be live."""

import asyncio
import itertools
from collections.abc import Callable
from datetime import timedelta

import pytest

from auth0_simulator import App, Moment, Operation, Tenant
from harness import Stage
from harness.story import ask, assert_at_peace, journal, landed, refusal, sent, silence_probes

PAGE = "<html><body>Request blocked</body></html>"
MINUTE = timedelta(minutes=1)
BUSY = {"error": "too_many_requests", "error_description": "Rate limit exceeded."}


def lost(tenant: Tenant, moment: Moment) -> None:
    strike = tenant.lose_request if moment is Moment.BEFORE else tenant.lose_answer
    strike()


OPEN: dict[str, Callable[[Tenant, Moment], None]] = {
    "request lost": lost,
    "500": lambda tenant, moment: tenant.answer(500, refusal(500, "sorry"), moment=moment),
    "502 page of a proxy": lambda tenant, moment: tenant.answer(502, text=PAGE, moment=moment),
    "503 with a wait": lambda tenant, moment: tenant.answer(
        503, refusal(503, "sorry"), moment=moment, headers={"Retry-After": "1"}
    ),
    "408": lambda tenant, moment: tenant.answer(408, refusal(408, "slow"), moment=moment),
    "307": lambda tenant, moment: tenant.answer(307, moment=moment, headers={"Location": "/elsewhere"}),
    "200 page of a firewall": lambda tenant, moment: tenant.answer(200, text=PAGE, moment=moment),
    "200 of another client": lambda tenant, moment: tenant.answer(
        200, {"client_id": "another"}, moment=moment
    ),
}


@pytest.mark.parametrize(
    ("strike", "moment"),
    [*zip(OPEN.values(), itertools.cycle(Moment), strict=False), (lost, Moment.AFTER)],
    ids=[*OPEN.keys(), "answer lost"],
)
async def test_an_unknown_outcome_stays_open_until_the_same_value_is_known_to_be_live(
    stage: Stage, strike: Callable[[Tenant, Moment], None], moment: Moment
) -> None:
    """Catches an answer that is taken for yes or for no, and a second value after it."""
    app = await stage.rotated()
    strike(stage.tenant, moment)
    await ask(stage, app)
    seen = await journal(stage)
    assert (seen.state, seen.finalizers) == ("sending", ["auth0rotator.dev/sending"])
    assert seen.values["next"] == sent(stage)[0]
    assert (await stage.kube.secret("web"))["SECRET"] == seen.values["current"]
    await stage.run_for(timedelta(seconds=30))
    await assert_at_peace(stage, app, changes=2)
    assert set(sent(stage)) == {app.secret}
    assert not stage.tenant.asked(Operation.UNKNOWN), "a redirect was followed"


async def test_a_request_without_an_answer_is_given_up_and_still_counts_when_it_lands(
    stage: Stage,
) -> None:
    """Catches a wait without an end, and code that holds a late request for impossible."""
    app = await stage.rotated()
    gate = stage.tenant.hold()
    # The only test that waits for the 15 s in which a change must be over.
    began = asyncio.get_running_loop().time()
    await ask(stage, app)
    assert 14 <= asyncio.get_running_loop().time() - began <= 25
    assert (await journal(stage)).state == "sending"
    gate.open()
    await landed(stage, stage.tenant.asked(Operation.PATCH)[-1])
    await stage.run_for(timedelta(seconds=30))
    await assert_at_peace(stage, app, changes=2)
    # The probe knew the value, so it was not even sent a second time.
    assert sent(stage) == [app.secret]


# What the probe can tell about an open outcome -------------------------------------------------


def granted(tenant: Tenant, app: App) -> None:
    app.audiences = {tenant.audience: ()}


def without_grant(_: Tenant, app: App) -> None:
    app.audiences = {}


def without_client_credentials(_: Tenant, app: App) -> None:
    app.grant_types = ("authorization_code",)


def without_any_grant(_: Tenant, app: App) -> None:
    app.grant_types = ("implicit",)


TELLING = [granted, without_grant, without_client_credentials]
SILENT: dict[str, Callable[[Tenant, App], None]] = {
    "no grant at all": without_any_grant,
    "grants checked first": lambda tenant, _: tenant.check_grants_before_secrets(),
    "403 page of a firewall": lambda tenant, _: silence_probes(tenant, 403),
    "401 page of a firewall": lambda tenant, _: silence_probes(tenant, 401),
    "429": lambda tenant, _: silence_probes(tenant, 429, text=None, body=BUSY),
    "lost": lambda tenant, _: tenant.lose_answer(Operation.PROBE, times=1000),
}


@pytest.mark.parametrize("moment", list(Moment), ids=lambda moment: moment.value)
@pytest.mark.parametrize("probed", TELLING, ids=lambda probed: probed.__name__)
async def test_a_lost_change_is_sent_again_unless_a_probe_knows_it_to_be_live(
    stage: Stage, probed: Callable[[Tenant, App], None], moment: Moment
) -> None:
    """Catches a probe that is not asked, and one whose refusal of the grant says too much."""
    app = await stage.rotated()
    probed(stage.tenant, app)
    lost(stage.tenant, moment)
    await ask(stage, app)
    await stage.run_for(timedelta(seconds=5))
    await assert_at_peace(stage, app, changes=2)
    assert sent(stage) == [app.secret] * (2 if moment is Moment.BEFORE else 1)


@pytest.mark.parametrize("probed", SILENT.values(), ids=SILENT.keys())
async def test_a_probe_that_tells_nothing_is_not_believed(
    stage: Stage, probed: Callable[[Tenant, App], None]
) -> None:
    """Catches a probe that is believed without its control: the target would get a dead value."""
    app = await stage.rotated()
    probed(stage.tenant, app)
    lost(stage.tenant, Moment.BEFORE)
    await ask(stage, app)
    await stage.run_for(timedelta(seconds=5))
    await assert_at_peace(stage, app, changes=2)
    assert sent(stage) == [app.secret] * 2


async def test_a_live_value_that_no_probe_knows_yet_is_sent_twice_and_changed_once(
    stage: Stage,
) -> None:
    """Catches a 401 that is taken for the news that another value is needed."""
    app = await stage.rotated()
    stage.tenant.refuse_new_secret_for(3600)
    lost(stage.tenant, Moment.AFTER)
    await ask(stage, app)
    await stage.run_for(timedelta(seconds=5))
    stage.tenant.refuse_new_secret_for(0)
    await assert_at_peace(stage, app, changes=2)
    assert sent(stage) == [app.secret] * 2


@pytest.mark.parametrize(
    ("seconds", "old_too"), [(30, True), (90, False)], ids=["as documented", "far longer"]
)
async def test_a_change_that_spreads_slowly_is_delivered_at_once_and_never_repeated(
    stage: Stage, seconds: int, *, old_too: bool
) -> None:
    """Catches a rotation that waits for its verification, and a 401 that is believed too soon."""
    app = await stage.rotated()
    spreading = stage.tenant.accept_both_secrets_for if old_too else stage.tenant.refuse_new_secret_for
    spreading(3600)
    await ask(stage, app)
    assert (await stage.kube.secret("web"))["SECRET"] == app.secret
    await stage.run_for(timedelta(seconds=seconds))
    assert (await stage.kube.condition("web", "Verified"))["status"] != "False"
    spreading(0)
    await stage.run_for(2 * MINUTE)
    await assert_at_peace(stage, app, changes=2)
    assert (await stage.kube.condition("web", "Verified"))["status"] == "True"
    assert set(sent(stage)) == {app.secret}
