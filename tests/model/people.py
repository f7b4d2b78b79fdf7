"""What people do: they create, edit and delete rotations, and meddle with what the operator wrote."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from harness.secrets import secret
from model.facts import JOURNAL, Facts, JournalFact, TargetFact
from model.ledger import Line
from model.wish import Wish
from model.world import World

ROTATION: Final = "Auth0ClientSecretRotation"


async def _apply(world: World, line: Line, wish: Wish) -> None:
    client = world.apps[wish.client(line.name)].client_id
    await world.kube.apply(wish.manifest(line.name, client))


async def create(world: World, facts: Facts, line: Line, wish: Wish) -> str | None:
    """Create a rotation, or create one again under a name that was used before."""
    if line.name in facts.objects or world.tenant.late:
        return None
    await _apply(world, line, wish)
    world.ledger.create(line, wish, (await world.facts()).objects[line.name].uid, facts)
    world.figures.rotation_objects_created += 1
    return f"create rotation {line.name} for {wish.words(line.name)}"


async def create_again(world: World, facts: Facts, line: Line) -> str | None:
    """Create a rotation by the manifest by which it was deleted."""
    told = await create(world, facts, line, line.wish) if line.former else None
    return told and f"create {line.name} again by the same manifest"


async def bring(world: World, facts: Facts, line: Line, wish: Wish) -> str | None:
    """Create a rotation of a value that a person put into its Secret before."""
    if line.name in facts.objects or wish.target(line.name) in facts.targets or world.tenant.late:
        return None
    app = world.apps[wish.client(line.name)]
    mapping = wish.mapping
    data = {mapping["clientId"]: app.client_id, mapping["clientSecret"]: app.secret}
    await world.kube.apply(secret(wish.target(line.name), **data))
    wish = replace(wish, keeps=True)
    told = await create(world, await world.facts(), line, wish)
    return told and f"put the live value into a Secret and {told}"


async def edit(world: World, facts: Facts, line: Line, changes: Mapping[str, Any]) -> str | None:
    """Apply a changed manifest."""
    wish = replace(line.wish, **changes)
    return await _edit(world, facts, line, wish, f"edit {line.name}: {_told(line, wish)}")


async def go_back(world: World, facts: Facts, line: Line, number: int) -> str | None:
    """Apply a manifest that was applied before."""
    if not line.former:
        return None
    wish = line.former[-1 - number % len(line.former)]
    return await _edit(
        world, facts, line, wish, f"apply an older manifest of {line.name}: {_told(line, wish)}"
    )


def _told(line: Line, wish: Wish) -> str:
    return wish.words(line.name)


async def _edit(world: World, facts: Facts, line: Line, wish: Wish, told: str) -> str | None:
    found = facts.objects.get(line.name)
    is_other_client = wish.client(line.name) != line.wish.client(line.name)
    if found is None or found.is_going or wish == line.wish:
        return None
    # Whoever takes a client over does not know that a lost request of another may yet land.
    if world.tenant.late and is_other_client:
        return None
    await _apply(world, line, wish)
    world.ledger.edit(line, wish, facts)
    world.figures.edits += 1
    return told


async def delete(world: World, facts: Facts, line: Line) -> str | None:
    """Delete a rotation."""
    if not line.is_live or not _is_sound(world, facts, line) or world.tenant.late:
        return None
    await world.kube.delete(ROTATION, line.name)
    # The operators' view of when that was is that of the story's clock.
    for operator in world.operators:
        await operator.api.get(ROTATION, line.name, world.kube.namespace)
    world.ledger.delete(line, facts)
    world.figures.rotation_objects_deleted += 1
    return f"delete {line.name}"


async def ask_to_reconcile(world: World, facts: Facts, line: Line, word: str) -> str | None:
    """Ask for another look, which is no rotation."""
    if line.name not in facts.objects:
        return None
    told = {"reconcile.fluxcd.io/requestedAt": word}
    await world.kube.merge(ROTATION, line.name, {"metadata": {"annotations": told}})
    return f"ask to reconcile {line.name}"


async def wipe_status(world: World, facts: Facts, line: Line) -> str | None:
    """Delete the status."""
    if line.name not in facts.objects:
        return None
    await world.kube.merge(ROTATION, line.name, {"status": None}, part="status")
    return f"wipe the status of {line.name}"


async def fill_shared(world: World, facts: Facts) -> str | None:
    """Make the shared Secret, with keys of somebody else."""
    if "shared" in facts.targets:
        return None
    await world.kube.apply(secret("shared", THEIRS="one"), manager="flux")
    for line in world.ledger.live():
        line.is_disturbed |= line.wish.target(line.name) == "shared"
    return "somebody makes the Secret shared"


# Meddling with targets ------------------------------------------------------------------------

Meddle = Callable[[World, str, TargetFact, Line], Awaitable[None]]


async def _patch(world: World, name: str, patch: Mapping[str, Any]) -> None:
    body = await world.kube.merge("Secret", name, patch)
    world.versions.by_people.add(body["metadata"]["resourceVersion"])


async def _write(world: World, name: str, **data: str) -> None:
    await _patch(world, name, {"data": secret(name, **data)["data"]})


async def _type(world: World, name: str, _: TargetFact, line: Line) -> None:
    await _write(world, name, **{line.wish.mapping["clientSecret"]: "typed by hand"})


async def _put_back(world: World, name: str, _: TargetFact, line: Line) -> None:
    app = world.apps[line.wish.client(line.name)]
    old = app.previous or app.secret
    await _write(world, name, **{line.wish.mapping["clientSecret"]: old})


async def _write_id(world: World, name: str, _: TargetFact, line: Line) -> None:
    await _write(world, name, **{line.wish.mapping["clientId"]: "another"})


async def _empty(world: World, name: str, _: TargetFact, __: Line) -> None:
    await _patch(world, name, {"data": None})


async def _strip(world: World, name: str, _: TargetFact, __: Line) -> None:
    await _patch(world, name, {"metadata": {"annotations": None, "labels": None}})


async def _disown(world: World, name: str, _: TargetFact, __: Line) -> None:
    await _patch(world, name, {"metadata": {"ownerReferences": None}})


async def _remove(world: World, name: str, _: TargetFact, __: Line) -> None:
    await world.kube.delete("Secret", name)


TARGET_MEDDLES: Final[Mapping[str, Meddle]] = {
    "delete the Secret {}": _remove,
    "type another value into the Secret {}": _type,
    "put the old value back into the Secret {}": _put_back,
    "write another id into the Secret {}": _write_id,
    "empty the Secret {}": _empty,
    "strip all marks from the Secret {}": _strip,
    "strip the owner from the Secret {}": _disown,
}
# What takes the value away from where it would be adopted.
_SPOILING: Final = (_type, _put_back, _empty)


async def meddle_with_target(world: World, facts: Facts, line: Line, how: str) -> str | None:
    """Change or remove a target, where the value that it holds stands in a journal as well."""
    name, meddle = line.wish.target(line.name), TARGET_MEDDLES[how]
    target = facts.targets.get(name)
    if target is None:
        return None
    # The rotation that wrote it may be another one: two can claim one Secret.
    journal = _safe_journal(world, facts, target.rotation or line.name)
    if meddle in _SPOILING and (journal is None or not target.rotation):
        return None
    await meddle(world, name, target, line)
    for one in world.ledger.live():
        one.is_disturbed |= one.wish.target(one.name) == name
    world.figures.secrets_meddled_with += 1
    return how.format(name)


def _safe_journal(world: World, facts: Facts, name: str) -> JournalFact | None:
    """Return a journal with a value that nothing is about to take away."""
    line, journal = world.ledger.lines.get(name), facts.journals.get(name)
    is_safe = line is not None and journal is not None and line.is_live
    if not is_safe or line is None or journal is None:
        return None
    return journal if journal.belongs_to(line.uid) and journal.current else None


# Meddling with journals -----------------------------------------------------------------------


async def _delete_journal(world: World, name: str) -> None:
    await world.kube.delete("Secret", name)


async def _unlabel(world: World, name: str) -> None:
    await _patch(world, name, {"metadata": {"labels": None}})


async def _disown_journal(world: World, name: str) -> None:
    await _patch(world, name, {"metadata": {"ownerReferences": None}})


async def _annotate(world: World, name: str) -> None:
    await _patch(world, name, {"metadata": {"annotations": {"note": "kept"}}})


JOURNAL_MEDDLES: Final[Mapping[str, Callable[[World, str], Awaitable[None]]]] = {
    "delete the journal of {}": _delete_journal,
    "strip the labels from the journal of {}": _unlabel,
    "strip the owner from the journal of {}": _disown_journal,
    "annotate the journal of {}": _annotate,
}


async def meddle_with_journal(world: World, facts: Facts, line: Line, how: str) -> str | None:
    """Change or remove a journal, the latter only where the target holds its value as well."""
    meddle = JOURNAL_MEDDLES[how]
    if line.name not in facts.journals:
        return None
    if meddle is _delete_journal:
        if not _is_sound(world, facts, line) or world.tenant.late:
            return None
        world.ledger.lose_journal(line)
    await meddle(world, line.name + JOURNAL)
    world.figures.secrets_meddled_with += 1
    return how.format(line.name)


def _is_sound(world: World, facts: Facts, line: Line) -> bool:
    """Return whether the target holds what the journal holds, or will not be taken for it: a value that
    somebody typed is not to become the only one that is left."""
    target = facts.targets.get(line.wish.target(line.name))
    if target is None or not target.client:
        return True
    journal = facts.journals.get(target.rotation)
    known = {journal.current, journal.next} if journal is not None else set()
    return bool((known | set(world.live_secrets().values())) & set(target.data.values()))
