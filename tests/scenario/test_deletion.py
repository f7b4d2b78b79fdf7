"""A rotation is deleted: what goes, what stays, what is said."""

import pytest

from harness import Stage, rotation
from harness.deletion import (
    assert_gone,
    assert_target,
    delete,
    every_combination,
    is_collected,
    switched,
)
from harness.story import ROTATION, ask, assert_refused, reasons, refuse


@every_combination
async def test_only_what_was_asked_for_goes_with_a_rotation(
    stage: Stage, *, deletes: bool, revokes: bool
) -> None:
    """Catches a value that is revoked or a Secret that is deleted unasked, and one that is not."""
    app = await stage.rotated(deletion=switched(deletes=deletes, revokes=revokes))
    value = app.secret
    await delete(stage)
    await assert_gone(stage)
    assert app.changes == 1 + revokes
    assert stage.tenant.accepts(app.client_id, value) is not revokes
    await assert_target(stage, value, is_there=not deletes)
    assert ("Revoked" in await reasons(stage)) is revokes
    # What stays behind is said, and whether it is worth anything.
    told = [message for _, message in await stage.kube.events() if "Secret web" in message]
    assert bool(told) is not deletes
    assert deletes or ("dead" if revokes else "stays valid") in told[0]


@every_combination
async def test_a_deletion_that_no_operator_saw_is_finished_by_the_next_one(
    stage: Stage, *, deletes: bool, revokes: bool
) -> None:
    """Catches a deletion that depends on an operator that was there to see it."""
    app = await stage.rotated(deletion=switched(deletes=deletes, revokes=revokes))
    value = app.secret
    await delete(stage)
    if not revokes:
        # Nothing of ours holds it: the cluster alone brings it to its end.
        await stage.kube.eventually(lambda: is_collected(stage))
    await stage.restart()
    await assert_gone(stage)
    assert app.changes == 1 + revokes
    await assert_target(stage, value, is_there=not deletes)


@pytest.mark.parametrize("revokes", [False, True], ids=["off", "on"])
async def test_the_finalizer_follows_the_switch(stage: Stage, *, revokes: bool) -> None:
    """Catches a word that counts although it was taken back, and one that comes too late to count."""
    app = await stage.rotated(deletion=switched(deletes=False, revokes=not revokes))
    wanted = switched(deletes=False, revokes=revokes)
    await stage.kube.apply(rotation(app.client_id, deletion=wanted))
    await stage.settle()
    found = await stage.kube.get(ROTATION, "web")
    assert found is not None
    assert ("auth0rotator.dev/revoke" in found["metadata"].get("finalizers", [])) is revokes
    await delete(stage)
    await assert_gone(stage)
    assert app.changes == 1 + revokes


async def test_a_rotation_that_was_refused_leaves_with_its_parked_value(stage: Stage) -> None:
    """Catches a parked value that is taken for one that may be live, and holds the deletion up."""
    app = await stage.rotated()
    refuse(stage.tenant)
    await ask(stage, app)
    await assert_refused(stage, app)
    await delete(stage)
    await assert_gone(stage)
    await stage.assert_delivered(app)
