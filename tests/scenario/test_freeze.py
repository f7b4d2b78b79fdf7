"""A namespace is frozen by a label: nothing rotates in it, and it says so in its own word."""

from datetime import timedelta

from harness import Stage, rotation
from harness.story import ask, assert_at_peace

LABEL = "auth0rotator.dev/freeze"


async def freeze(stage: Stage, value: str | None = "true") -> None:
    """Label the namespace, or take the label away."""
    answer = await stage.kube.send(
        "PATCH",
        f"/api/v1/namespaces/{stage.kube.namespace}",
        {"metadata": {"labels": {LABEL: value}}},
        content_type="application/merge-patch+json",
    )
    assert answer.is_success, answer.text
    await stage.settle()


async def test_nothing_rotates_in_a_frozen_namespace_until_it_thaws(stage: Stage) -> None:
    """Catches a freeze that lets a person's token, a new object or a due date through, or eats them."""
    app = await stage.rotated(rotationInterval=1)
    late = stage.tenant.add_app("late")
    await freeze(stage)
    await ask(stage, app, rotationInterval=1)
    await stage.kube.apply(rotation(late.client_id, "late"))
    await stage.run_for(timedelta(days=4))
    assert (app.changes, late.changes) == (1, 0)
    for name in ("web", "late"):
        found = await stage.kube.condition(name, "Reconciling")
        assert (found["status"], found["reason"]) == ("False", "Frozen")
    await freeze(stage, None)
    assert (app.changes, late.changes) == (2, 1)
    await assert_at_peace(stage, app, changes=2)


async def test_drift_is_repaired_in_a_frozen_namespace(stage: Stage) -> None:
    """Catches a freeze that leaves applications without their Secret."""
    app = await stage.rotated()
    await freeze(stage)
    await stage.kube.delete("Secret", "web")
    await stage.settle()
    await stage.assert_delivered(app)
    assert app.changes == 1


async def test_another_word_in_the_label_freezes_nothing(stage: Stage) -> None:
    """Catches a label that counts as soon as it is there."""
    app = await stage.rotated()
    await freeze(stage, "false")
    await ask(stage, app)
    assert app.changes == 2


async def test_a_namespace_that_nobody_watches_is_read(stage: Stage) -> None:
    """Catches an operator for one namespace, which may not watch namespaces, that freezes nothing."""
    app = await stage.rotated()
    stage.operator.mirror.frozen = None
    await freeze(stage)
    await ask(stage, app)
    assert app.changes == 1
    await freeze(stage, None)
    await stage.run_for(timedelta(minutes=2))
    assert app.changes == 2
