"""The end of a rotation: what its switches ask for, and what must be left of it."""

from datetime import timedelta
from typing import Final

import pytest

from auth0_simulator import App
from harness.stage import Stage
from harness.story import ROTATION, ask, journal

MINUTE: Final = timedelta(minutes=1)
# The API server stamps a deletion by the real clock; the story's own may be a minute behind it.
TEN_MINUTES: Final = timedelta(minutes=12)
REVOKES: Final = {"revokeGeneratedCredentials": True}
SWITCHES: Final = [(deletes, revokes) for deletes in (False, True) for revokes in (False, True)]
NAMES: Final = ["nothing", "revokes", "deletes", "deletes and revokes"]
every_combination = pytest.mark.parametrize(("deletes", "revokes"), SWITCHES, ids=NAMES)


def switched(*, deletes: bool, revokes: bool) -> dict[str, bool]:
    """Return spec.deletion."""
    return {"deleteSecrets": deletes, "revokeGeneratedCredentials": revokes}


async def delete(stage: Stage, name: str = "web") -> None:
    """Delete a rotation; whether it is gone is for the operator and the cluster to see to."""
    await stage.kube.delete(ROTATION, name)


async def open_change(stage: Stage, app: App, *, deletes: bool = False, revokes: bool = False) -> None:
    """Change the value at the tenant, and lose the answer."""
    stage.tenant.lose_answer()
    await ask(stage, app, deletion=switched(deletes=deletes, revokes=revokes))
    assert app.changes == 2
    assert (await journal(stage)).state == "sending"


async def assert_gone(stage: Stage, name: str = "web") -> None:
    """A deleted rotation leaves neither itself nor its journal, and so no finalizer of ours."""

    async def is_gone() -> bool:
        # A second is what a pass waits after it lost a race against the namespace's own end.
        await stage.run_for(timedelta(seconds=1))
        return await is_collected(stage, name)

    what = f"{name} or its journal is still there"
    await stage.kube.eventually(is_gone, what=what)


async def is_collected(stage: Stage, name: str = "web") -> bool:
    """Return whether neither rotation nor journal is there, without an operator's help."""
    found = [await stage.kube.get(ROTATION, name), await stage.kube.get("Secret", f"{name}.journal")]
    return found == [None, None]


async def assert_target(stage: Stage, value: str, *, is_there: bool) -> None:
    """The kept Secret holds the value and nobody will collect it; one that shall go is collected."""

    async def stands() -> bool:
        return (await stage.kube.get("Secret", "web") is not None) is is_there

    await stage.kube.eventually(stands)
    if is_there:
        found = await stage.kube.get("Secret", "web")
        assert found is not None
        assert "ownerReferences" not in found["metadata"]
        assert (await stage.kube.secret("web"))["SECRET"] == value


async def messages(stage: Stage) -> dict[str, str]:
    """Return the last Event's message by reason."""
    return dict(await stage.kube.events())
