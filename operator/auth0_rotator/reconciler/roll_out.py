"""Those who use a value: restarted once for each rotation, and looked after until they run on it.

Nothing here fails a rotation: what is in the way is told in ConsumersCurrent, and tried again.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from auth0_rotator.budget import ROLLED, milliseconds_since, told
from auth0_rotator.conditions import Condition, ConditionStatus, ConditionType, Reason
from auth0_rotator.consumers import Workload, kept_short, mark_of, older_pods
from auth0_rotator.decision import Decision
from auth0_rotator.decision.consumers import LONGEST_PAUSE
from auth0_rotator.errors import Refused, Retry, RotatorError, Stale
from auth0_rotator.journal import Journal, with_restarts_left
from auth0_rotator.metrics import ROLL_SECONDS
from auth0_rotator.observation import Observation, given
from auth0_rotator.reconciler.consumers import (
    find_consumers,
    is_discovering,
    named_by,
    sharing,
    subject_of,
)
from auth0_rotator.reconciler.memory import RollOut
from auth0_rotator.reconciler.world import Pass
from auth0_rotator.record import CommitRecord
from auth0_rotator.resource import DISCOVERED
from auth0_rotator.subject import Rotation

# So long a restart of a workload that has other Secrets waits for those, and so long at most where one
# of them is about to change.
SETTLE: Final = timedelta(seconds=2)
COALESCE: Final = timedelta(seconds=4)
FIRST_PAUSE: Final = timedelta(milliseconds=250)
LONGEST_LOOK: Final = timedelta(seconds=15)
PODS_SHOWN: Final = 5
_NOBODY: Final = "no workload of this namespace reads the Secret"


@dataclass(frozen=True, slots=True)
class _Finding:
    """How it stands with one consumer."""

    reason: Reason
    message: str
    is_marked: bool = False
    """Whether it carries the mark of this rotation, or of a later one."""
    is_restarted: bool = False
    """Whether it was marked right now."""
    pause: timedelta = timedelta(0)
    """For how long the API server asks to be left alone."""

    @property
    def is_current(self) -> bool:
        return self.reason is Reason.CONSUMERS_CURRENT


async def roll_out(run: Pass, o: Observation, _: Decision) -> None:
    """Restart who is still to be restarted, and see whether all run on the current value."""
    rotation, journal = given(o.rotation), given(o.journal)
    record = given(journal.current).record
    subject = subject_of(rotation, record.rotation_id)
    if run.memory.roll_out is None or run.memory.roll_out.subject != subject:
        run.memory.roll_out = RollOut(subject)
    rolling, found = run.memory.roll_out, dict[str, _Finding]()
    try:
        await find_consumers(run, o, rolling)
    except RotatorError as error:
        message = f"the consumers cannot be found: {error.message}"
        found[DISCOVERED] = _Finding(Reason.CONSUMER_NOT_RESTARTED, message)
    owed = _owed(journal, rotation, rolling)
    if owed and _is_better_later(run, o, record, owed):
        rolling.again_at = o.now + 2 * FIRST_PAUSE
        return
    for one in _in_turn(rolling, [*{**dict.fromkeys(named_by(rotation)), **(rolling.found or {})}]):
        found[one] = await _see_to(run, o, one, is_owed=one in owed)
        if found[one].pause:
            # Whatever asks for a pause may ask for one of everybody.
            rolling.paused_at = one
            break
    rolling.current |= {one: each.message for one, each in found.items() if each.is_current}
    marked = {one for one, finding in found.items() if finding.is_marked}
    left = kept_short([one for one in owed if one not in marked], named_by(rotation))
    if left != journal.to_restart:
        await run.write_journal(with_restarts_left(journal, left))
    restarted = [one for one, finding in found.items() if finding.is_restarted]
    if restarted:
        message = f"restarted {', '.join(restarted)} for the rotation {record.rotation_id}"
        run.notice(Reason.ROLLOUT_RESTARTED, message)
    _conclude(run, o, list(found.values()))


def _in_turn(rolling: RollOut, consumers: list[str]) -> list[str]:
    """Return those who are to be seen to: first those behind whoever asked for a pause, which may be
    asked for each time."""
    behind = consumers.index(rolling.paused_at) + 1 if rolling.paused_at in consumers else 0
    in_turn = consumers[behind:] + consumers[:behind]
    return [one for one in in_turn if one not in rolling.current]


def _owed(journal: Journal, rotation: Rotation, rolling: RollOut) -> list[str]:
    """Return who is still to be restarted: of those that are found all, once they are known."""
    named = named_by(rotation)
    if rolling.found is None:
        unknown = {DISCOVERED} if is_discovering(rotation) else set[str]()
        return [one for one in journal.to_restart if one in {*named, *unknown}]
    own = [one for one, restarter in rolling.found.items() if not restarter]
    is_for_all = DISCOVERED in journal.to_restart
    kept = [one for one in journal.to_restart if one in {*named, *own}]
    owed = [*kept, *(one for one in own if is_for_all and one not in kept)]
    return [one for one in owed if one not in rolling.current]


def _is_better_later(run: Pass, o: Observation, record: CommitRecord, owed: list[str]) -> bool:
    """Return whether another Secret of a workload is about to change: one restart serves both."""
    age = abs(o.now - record.rotated_at) if record.rotated_at is not None else COALESCE
    if age >= COALESCE:
        return False
    mirror = run.world.mirror
    others = [rotation.key for one in owed for rotation in sharing(run, one)]
    is_near = any(mirror.is_open(key) or mirror.is_due(key, o.now) for key in others)
    return is_near or (bool(others) and age < SETTLE)


async def _see_to(run: Pass, o: Observation, consumer: str, *, is_owed: bool) -> _Finding:
    """Restart one consumer where that is owed, and find out whether it runs on the value."""
    try:
        workload = await run.world.workloads.get(run.key.namespace, consumer)
        if workload is not None and not workload.template_of:
            return await _restart_and_look(run, o, consumer, workload, is_owed=is_owed)
    except Stale:
        return _Finding(Reason.ROLLING_OUT, f"{consumer} is being changed by somebody else")
    except Refused as refusal:
        message = f"{consumer} cannot be restarted: {refusal.message}"
        return _Finding(Reason.CONSUMER_NOT_RESTARTED, message)
    except RotatorError as error:
        message = f"{consumer} cannot be seen to: {error.message}"
        after = error.after if isinstance(error, Retry) else None
        return _Finding(Reason(error.reason), message, pause=after or timedelta(0))
    if workload is not None:
        message = f"{consumer} takes its pods from {workload.template_of}: name that one instead"
        return _Finding(Reason.CONSUMER_NOT_RESTARTED, message)
    if consumer not in named_by(given(o.rotation)):
        return _Finding(Reason.CONSUMERS_CURRENT, f"{consumer} is gone", is_marked=True)
    message = f"there is no {consumer}; create it, or take it from rolloutRestartTargets"
    return _Finding(Reason.CONSUMER_MISSING, message)


async def _restart_and_look(
    run: Pass, o: Observation, consumer: str, workload: Workload, *, is_owed: bool
) -> _Finding:
    namespace, own = run.key.namespace, _own_mark(o)
    run.memory.uses[consumer] = workload.secrets
    lacking = workload.lacks(own | _marks_of_others(run, consumer))
    is_restarted = is_owed and lacking.keys() >= own.keys()
    if is_restarted:
        marked = await run.world.workloads.mark(namespace, consumer, lacking, version=workload.version)
        if marked is None:
            return _Finding(Reason.ROLLING_OUT, f"{consumer} went right before its restart")
        workload = marked
    reason, message = await _state(run, o, consumer, workload)
    is_marked = not workload.lacks(own)
    return _Finding(reason, message, is_marked=is_marked, is_restarted=is_restarted)


def _own_mark(o: Observation) -> dict[str, str]:
    record = given(given(o.journal).current).record
    return {mark_of(given(o.plan).target_name): record.rotation_id}


def _marks_of_others(run: Pass, consumer: str) -> dict[str, str]:
    """Return the marks of other Secrets for which this consumer is to be restarted as well."""
    marks = dict[str, str]()
    for rotation in sharing(run, consumer):
        seen, plan = run.world.mirror.journal(rotation.key), rotation.plan
        journal = seen.journal if seen is not None else None
        if plan is None or journal is None or journal.current is None:
            continue
        is_owed = consumer in journal.to_restart or DISCOVERED in journal.to_restart
        if is_owed and _is_published(run, plan.target_name, journal.current.record):
            marks[mark_of(plan.target_name)] = journal.current.record.rotation_id
    return marks


def _is_published(run: Pass, target_name: str, record: CommitRecord) -> bool:
    """Return whether the target shows what the journal holds: who begins earlier reads the old value."""
    target = run.world.mirror.target(run.key.namespace, target_name)
    shown = target.record if target is not None else None
    return shown is not None and shown.rotation_id == record.rotation_id


async def _state(run: Pass, o: Observation, consumer: str, workload: Workload) -> tuple[Reason, str]:
    """Return whether a workload runs on the current value, and what a reader can do where not."""
    is_marked = not workload.lacks(_own_mark(o))
    if is_marked and not workload.obstacle:
        if workload.is_rolled_out:
            return Reason.CONSUMERS_CURRENT, f"{consumer} runs on the delivered value"
        return Reason.ROLLING_OUT, f"{consumer} is rolling out"
    record = given(given(o.journal).current).record
    if record.is_kept or record.rotated_at is None:
        return Reason.CONSUMERS_CURRENT, f"{consumer} runs on the value that was kept"
    pods = await run.world.workloads.pods(run.key.namespace, workload.selector)
    older = older_pods(pods, record.rotated_at)
    if not older:
        return Reason.CONSUMERS_CURRENT, f"{consumer} runs on the delivered value"
    restarter = (given(run.memory.roll_out).found or {}).get(consumer, "")
    if restarter:
        why, remedy = f"it is left to the tool of its annotation {restarter}", "see what keeps that one"
    elif workload.obstacle:
        why, remedy = workload.obstacle, "delete them"
    else:
        why, remedy = "it was not restarted for this rotation", "restart it"
    more = len(older) - PODS_SHOWN
    shown = ", ".join(older[:PODS_SHOWN]) + (f" and {more} more" if more > 0 else "")
    message = f"{consumer}: {why}, and these pods are older than the delivered value: {shown}; {remedy}"
    return Reason.CONSUMERS_STALE, message


def _conclude(run: Pass, o: Observation, found: list[_Finding]) -> None:
    """Note what to tell, and when to look again."""
    now, rolling = o.now, given(run.memory.roll_out)
    late = [finding for finding in found if not finding.is_current]
    if not late:
        rolling.is_done, rolling.again_at = True, None
        message = "; ".join(rolling.current.values()) or _NOBODY
        _tell(run, ConditionStatus.TRUE, Reason.CONSUMERS_CURRENT, message)
        entry = run.budget(o)
        # What was adopted has been the tenant's for nobody knows how long.
        if rolling.is_restart and ROLLED not in entry and given(o.record).is_generated:
            took = milliseconds_since(run.accepted_at(o), now)
            run.memory.rolled_milliseconds = took
            ROLL_SECONDS.observe(took / 1000)
            run.notice(Reason.CONSUMERS_CURRENT, f"{message}; {told({**entry, ROLLED: took})}")
        return
    rolling.is_restart |= any(finding.is_restarted for finding in found)
    most = LONGEST_LOOK if all(one.reason is Reason.ROLLING_OUT for one in late) else LONGEST_PAUSE
    own_pause = min(FIRST_PAUSE * 2 ** min(rolling.tries, 16), most)
    rolling.again_at = now + max(own_pause, *(finding.pause for finding in late))
    rolling.tries += 1
    worst = next((one for one in late if one.reason is not Reason.ROLLING_OUT), late[0])
    message = "; ".join(finding.message for finding in late)
    _tell(run, ConditionStatus.FALSE, worst.reason, message)


def _tell(run: Pass, status: ConditionStatus, reason: Reason, message: str) -> None:
    run.memory.consumers = Condition(ConditionType.CONSUMERS_CURRENT, status, reason, message)
