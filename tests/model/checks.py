"""What must hold when all is well again, and at the end."""

import json
from datetime import datetime, timedelta
from typing import Any, Final

from model.facts import Facts, ObjectFact, values
from model.ledger import Line
from model.people import ROTATION
from model.wish import LEAD, NEXT_KEY, PLAIN, PREFIX, RENAMED
from model.world import Violation, World

# Longer than any back-off, any wait for a late request and any second look.
TO_REST: Final = timedelta(hours=2)
# A date counts from the day after it: whether the last rotation was by hand shifts it by one.
_MANUAL: Final = timedelta(days=1)
# The windows open once a day.
_WINDOW: Final = timedelta(days=1)
_FINALIZERS: Final = (f"{PREFIX}sending", f"{PREFIX}revoke")


async def peace(world: World) -> None:
    """Let all troubles end, and time go by; then everything must be as it was asked for.

    Raises:
        Violation: it is not.
    """
    await world.weather.clear()
    await world.work()
    # A story that went through many days at a stride may have left windows out: one more has to open.
    is_windowed = any(line.wish.is_windowed for line in world.ledger.live())
    await world.pass_time(TO_REST + (_WINDOW if is_windowed else timedelta(0)))
    facts = await world.facts()
    world.ledger.begin(facts, world.clock.now)
    world.raise_wrongs()
    await _note_abandoned(world)
    for line in world.ledger.live():
        _check(world, line, facts)
    for name, journal in facts.journals.items():
        is_over = not journal.is_open and not set(journal.finalizers) & set(_FINALIZERS)
        if not is_over and not _is_foreign(world.ledger.lines[name], facts):
            raise Violation(f"the change that {name} began is not finished")
    world.figures.checks_at_rest += 1


async def _note_abandoned(world: World) -> None:
    for event in await world.kube.all("Event"):
        if event["reason"] == "Abandoned":
            world.ledger.give_up(event["involvedObject"]["name"])


def _check(world: World, line: Line, facts: Facts) -> None:
    found = facts.objects.get(line.name)
    if found is None:
        raise Violation(f"the object of {line.name} is gone")
    is_delivered = _holds_live(world, line, facts)
    ready, _, _ = found.condition("Ready")
    if ready == "True" and not is_delivered:
        world.figures.lost_values += 1
        raise Violation(f"{line.name} is Ready, and its Secret does not hold what the tenant holds")
    stalled, reason, message = found.condition("Stalled")
    if stalled == "True":
        if not _is_justified(world, line, facts, reason):
            raise Violation(f"{line.name} is stalled without need: {reason}: {message}")
        return
    _check_healthy(world, line, found, facts, is_delivered=is_delivered)


def _holds_live(world: World, line: Line, facts: Facts) -> bool:
    """Return whether the target holds the id of a client and the secret that the tenant has for it."""
    target = facts.targets.get(line.wish.target(line.name))
    held, mapping = target.data if target is not None else {}, line.wish.mapping
    client, live = held.get(mapping["clientId"], ""), world.live_secrets()
    is_own = client in {line.holds, world.ledger.client_of(line)}
    return is_own and client in live and held.get(mapping["clientSecret"]) == live[client]


def _is_justified(world: World, line: Line, facts: Facts, reason: str) -> bool:
    """Return whether a person is really needed."""
    match reason:
        case "ConflictDetected":
            return any(
                world.ledger.client_of(one) == world.ledger.client_of(line)
                or one.wish.target(one.name) == line.wish.target(line.name)
                for one in world.ledger.live()
                if one is not line
            )
        case "TargetForeign" | "TargetContested":
            return _is_foreign(line, facts) or _is_only_copy(world, line, facts)
        case _:
            return False


def _is_foreign(line: Line, facts: Facts) -> bool:
    """Return whether somebody made a Secret of his own where the line is to deliver."""
    target = facts.targets.get(line.wish.target(line.name))
    return target is not None and not target.client


def _is_only_copy(world: World, line: Line, facts: Facts) -> bool:
    """Return whether a rotation of another client left its value there, and went: that a third one has
    a value of that client says nothing about this one."""
    target = facts.targets.get(line.wish.target(line.name))
    writer = facts.journals.get(target.rotation) if target is not None else None
    held = {"", world.ledger.client_of(line), writer.current_client if writer is not None else ""}
    return target is not None and target.client not in held


def _check_healthy(
    world: World, line: Line, found: ObjectFact, facts: Facts, *, is_delivered: bool
) -> None:
    """Hold a rotation that nothing stands in the way of against what was asked for."""
    name, client = line.name, world.ledger.client_of(line)
    live, by = world.live_secrets().get(line.holds, ""), world.ledger.last_by.get(line.holds)
    journal = facts.journals.get(name)
    # What was adopted dead, or was rotated by another rotation since, needs a person.
    is_own = bool(live) and (by == name or (by is None and line.kept == live) or line.kept == live)
    if is_own and not is_delivered:
        world.figures.lost_values += 1
        raise Violation(f"the Secret of {name} does not hold what the tenant holds")
    if is_own and (journal is None or journal.current != live):
        world.figures.lost_values += 1
        raise Violation(f"the journal of {name} does not hold what the tenant holds")
    if line.wish.is_suspended:
        return
    if journal is None or journal.current_client != client:
        raise Violation(f"{name} has no value of its client")
    if is_own and found.condition("Ready")[0] != "True":
        raise Violation(f"{name} is not Ready: {found.condition('Ready')}")
    if line.owed:
        raise Violation(f"{name} was never rotated for {', '.join(sorted(line.owed))}")
    target = facts.targets.get(line.wish.target(name))
    # The date counts from when the acceptance was told, which may be long after it took effect.
    told = target.rotated_at if target is not None else None
    waits = _MANUAL + (_WINDOW if line.wish.is_windowed else timedelta(0)) + TO_REST
    if line.is_dated and line.is_due(world.clock.now - waits, told):
        raise Violation(f"{name} was not rotated on its date")
    _check_announced(world, line, facts, told, waits)
    line.holds = client
    world.ledger.rest(line)


def _check_announced(
    world: World, line: Line, facts: Facts, told: datetime | None, waits: timedelta
) -> None:
    """The value that comes next stands in the target once its date is near, and is the journal's."""
    target, journal = facts.targets.get(line.wish.target(line.name)), facts.journals.get(line.name)
    if not line.wish.is_renamed or target is None or journal is None:
        return
    following = target.data.get(NEXT_KEY, "")
    if following not in {journal.current, journal.next}:
        raise Violation(f"the Secret of {line.name} shows another next value than its journal")
    is_near = line.is_dated and line.is_due(world.clock.now + LEAD - waits, told)
    if is_near and following == journal.current:
        raise Violation(f"the next value of {line.name} was not announced")


async def end(world: World) -> None:
    """Delete everything: nothing of ours stays but what was to stay, and nothing was shown.

    Raises:
        Violation: something stays, or was shown.
    """
    await peace(world)
    shown = json.dumps(await world.kube.all(ROTATION))
    kept = [line for line in world.ledger.live() if not _ever_deletes(line)]
    facts = await world.facts()
    for line in world.ledger.live():
        await world.kube.delete(ROTATION, line.name)
        world.ledger.delete(line, facts)
    await world.work()
    await world.pass_time(timedelta(minutes=30))
    world.raise_wrongs()
    facts = await world.facts()
    if facts.objects or facts.journals:
        left = [*facts.objects, *(f"the journal of {name}" for name in facts.journals)]
        raise Violation(f"after the deletion of everything there still is {', '.join(left)}")
    await _note_abandoned(world)
    _check_kept(world, facts, kept)
    _check_versions(world, await world.versions.all())
    told = shown + json.dumps(await world.kube.all("Event"))
    told += json.dumps(await world.kube.all("Auth0Connection"))
    if any(value in told for sent in world.tenant.sent().values() for value in sent):
        raise Violation("a client secret stands in a status or an Event")


def _ever_deletes(line: Line) -> bool:
    return any(wish.deletes for wish in (*line.former, line.wish))


def _check_kept(world: World, facts: Facts, kept: list[Line]) -> None:
    """What stays behind of a rotation that was the last to change its client is what is live."""
    live = world.live_secrets()
    for line in kept:
        target = facts.targets.get(line.wish.target(line.name))
        is_last = world.ledger.last_by.get(line.holds) == line.name
        if not is_last or target is None or target.client != line.holds or not line.holds:
            continue
        if target.data.get(line.wish.mapping["clientSecret"]) != live[line.holds]:
            world.figures.lost_values += 1
            raise Violation(f"the Secret that {line.name} left behind does not hold the live value")


def _check_versions(world: World, versions: list[dict[str, Any]]) -> None:
    """No version of any target, but what people wrote, shows one client's id with another's secret."""
    had = {app.client_id: {*app.past, app.secret} for app in world.apps}
    for body in versions:
        metadata = body["metadata"]
        told = metadata.get("annotations") or {}
        key, client = told.get(f"{PREFIX}secret-key"), told.get(f"{PREFIX}client-id", "")
        if key is None or metadata["resourceVersion"] in world.versions.by_people:
            continue
        world.figures.versions_of_targets_read += 1
        # What another rotation left in a shared Secret stands under other keys.
        mapping = PLAIN if key == PLAIN["clientSecret"] else RENAMED
        data = values(body)
        secrets = mapping.keys() - {"clientId", "nextClientSecret"}
        shown = {data[mapping[name]] for name in secrets if mapping[name] in data}
        others = set[str]().union(*(values for one, values in had.items() if one != client))
        is_own = data.get(mapping["clientId"]) == client and key in data
        is_mixed = data.get(mapping.get("nextClientSecret", "")) in others
        if not is_own or is_mixed or not shown <= had.get(client, set()):
            raise Violation(
                f"the Secret {metadata['name']} showed an id with a secret of another client"
            )
