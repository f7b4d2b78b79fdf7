"""A namespace with room for few Secrets: the journal and the target both need a place."""

from datetime import timedelta

from harness import Stage, rotation
from harness.story import ask

QUOTA = "few"
MERGE_PATCH = "application/merge-patch+json"
MINUTE = timedelta(minutes=1)


async def allow(stage: Stage, count: int) -> None:
    """Let the namespace have as many Secrets as `count`; those that are there are counted here, for
    the controller that does it elsewhere does not run."""
    hard = {"count/secrets": str(count)}
    base = f"/api/v1/namespaces/{stage.kube.namespace}/resourcequotas"
    body = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": QUOTA}}
    await stage.kube.send("POST", base, body | {"spec": {"hard": hard}})
    path = stage.kube.path("Secret")
    there = len((await stage.kube.send("GET", path)).json()["items"])
    for part, told in (
        ("", {"spec": {"hard": hard}}),
        ("/status", {"status": {"hard": hard, "used": {"count/secrets": str(there)}}}),
    ):
        answer = await stage.kube.send("PATCH", f"{base}/{QUOTA}{part}", told, content_type=MERGE_PATCH)
        assert answer.is_success, answer.text


async def test_no_place_at_all_changes_nothing_at_the_tenant(stage: Stage) -> None:
    """Wrong: a value that is sent without a copy of it."""
    app = stage.tenant.add_app("web")
    await stage.connect()
    await stage.settle()
    await allow(stage, 1)
    await stage.kube.apply(rotation(app.client_id))
    await stage.run_for(5 * MINUTE)
    assert app.changes == 0
    assert await stage.kube.get("Secret", "web.journal") is None


async def test_a_target_that_is_there_needs_no_place(stage: Stage) -> None:
    """Wrong: a place asked for that is not needed, so that nothing rotates in a full namespace."""
    app = await stage.rotated()
    await allow(stage, 1)
    await ask(stage, app)
    assert app.changes == 2
    await stage.assert_delivered(app)
