"""What an operator may die in the middle of, at which effects, and how that must end."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from harness.crash import effects as at
from harness.crash import endings as ends
from harness.crash import happenings as it
from harness.crash.effects import Held
from harness.crash.endings import End
from harness.crash.scene import Scene

Act = Callable[[Scene], Awaitable[None]]


@dataclass(frozen=True)
class Story:
    """What happens, at which effects the operator dies then, and how it must end."""

    name: str
    effects: tuple[Held, ...]
    happens: Act
    changes: int
    """At the tenant, crash and restart included."""
    wrong: str
    """The code that it would catch."""
    waits: timedelta = timedelta(0)
    """How long the next operator leaves alone what it finds, at most."""
    values: int = 1
    """How many may be sent, at most."""
    begins: Act = it.one_rotation
    before: Act = it.nothing
    """What came in between, and counts."""
    ends: Callable[[Scene], Awaitable[End]] = ends.delivered


REPORTS: Final = (at.STATUS, at.EVENT)
CHANGE: Final = (at.BEGIN, at.SEND, at.DELIVER, at.COMMIT)
CORE: Final = (at.REHEARSAL, *CHANGE, *REPORTS)
WHOLE: Final = (*CORE, at.PROBE, at.VERDICT, at.VERDICT_EVENT)
FINISHING: Final = (at.COUNT, at.DOUBT, at.DELIVER, at.COMMIT)

# An operator that has not seen the rotation takes what it left without an owner for the first part of a
# restore.
RESTORE: Final = timedelta(minutes=11)

CREATION: Final = Story(
    name="creation",
    effects=WHOLE,
    happens=it.creation,
    changes=1,
    begins=it.nothing,
    wrong="a change before the value is stored; an object without status that is created once more",
)
DEMAND: Final = Story(
    name="rotate-now",
    effects=WHOLE,
    happens=it.demand,
    changes=1,
    wrong="a token that counts as handled when it is read, or only when status says so",
)
DUE_DATE: Final = Story(
    name="due date",
    effects=CHANGE,
    happens=it.due_date,
    changes=1,
    wrong="a due date by what status says, or one that is missed when a crash comes first",
)
CLIENT_CHANGED: Final = Story(
    name="client changed",
    effects=CHANGE,
    happens=it.other_client,
    changes=1,
    wrong="one client's id beside another's secret",
)
ANNOUNCEMENT: Final = Story(
    name="announcement",
    effects=(at.ANNOUNCE, at.ANNOUNCED),
    happens=it.nearly_due,
    changes=0,
    values=0,
    begins=it.one_that_announces,
    ends=ends.announced,
    wrong="a value that is announced, and another one after the crash; one that is sent too early",
)
ANNOUNCED_DUE_DATE: Final = Story(
    name="due date of an announced value",
    effects=CHANGE,
    happens=it.announced_due_date,
    changes=1,
    begins=it.one_that_has_announced,
    ends=ends.delivered_as_announced,
    wrong="a value that was announced, and another one that is sent",
)
ANNOUNCED_DEMAND: Final = Story(
    name="rotate-now with an announced value",
    effects=(*CHANGE, *REPORTS),
    happens=it.announced_demand,
    changes=1,
    begins=it.one_that_has_announced,
    ends=ends.delivered_as_announced,
    wrong="a value chosen anew for a person, while applications try the announced one",
)
LIVE: Final = Story(
    name="takeover, the value is live",
    effects=(*FINISHING, *REPORTS),
    before=it.taken,
    happens=it.another_operator,
    changes=1,
    wrong="a successor of a successor that chooses a new value, or takes the doubt for a refusal",
)
NOT_LIVE: Final = Story(
    name="takeover, the value is not live",
    effects=(at.COUNT, at.DOUBT, at.SEND, at.DELIVER, at.COMMIT),
    before=it.not_taken,
    happens=it.another_operator,
    changes=1,
    wrong="a value that is given up because a probe refused it; one that is delivered unproven",
)
REFUSAL: Final = Story(
    name="refusal",
    effects=(at.PARK,),
    before=it.refusal_to_come,
    happens=it.demand,
    changes=1,
    wrong="a refusal that is believed by a process that did not hear it; a parked value that is lost",
)
VALUE_REFUSED: Final = Story(
    name="refusal of the value",
    effects=(at.CHOOSE,),
    before=it.refusal_of_the_value_to_come,
    happens=it.demand,
    changes=1,
    values=2,
    wrong="a value that is sent before it is stored, so that the next one sends a third",
)
DOUBT_SETTLED: Final = Story(
    name="doubt settled by a person",
    effects=(at.DELIVER, at.COMMIT, at.FORGET_WORD),
    before=it.lost_answer,
    happens=it.word_of_a_person,
    changes=1,
    ends=ends.delivered_unproven,
    wrong="a word that is taken away before it was followed",
)
RENAMED: Final = Story(
    name="target renamed",
    effects=(at.RELEASE, at.REPLAN, at.DELIVER, at.PUBLISHED_STATUS, at.PUBLISHED),
    happens=it.other_target,
    changes=0,
    ends=ends.moved,
    wrong="a plan that is kept before the former target is let go, which then nobody lets go",
)
RENAMED_AND_DELETED: Final = Story(
    name="target renamed, the former goes",
    effects=(at.DELETE_TARGET, at.REPLAN),
    happens=it.other_target_of_one_that_deletes,
    changes=0,
    begins=it.one_that_deletes,
    ends=ends.moved_and_deleted,
    wrong="a Secret with a live value that nobody remembers",
)
TARGET_LOST: Final = Story(
    name="target deleted",
    effects=(at.DELIVER, at.PUBLISHED),
    happens=it.loss_of_the_target,
    changes=0,
    wrong="a missing target that is taken for a missing rotation",
)
JOURNAL_LOST: Final = Story(
    name="journal deleted",
    effects=(at.ADOPT,),
    happens=it.loss_of_the_journal,
    changes=0,
    wrong="a missing journal that is taken for a missing rotation",
)
ADOPTION: Final = Story(
    name="adoption of a rotation made elsewhere",
    effects=(at.READ, at.ADOPT, at.DELIVER, at.PUBLISHED_STATUS, at.PUBLISHED),
    happens=it.choice_to_adopt,
    changes=0,
    values=0,
    begins=it.one_that_is_locked_out,
    wrong="a value that is delivered before the journal has it, or that is adopted twice",
)
GUARDED: Final = Story(
    name="creation of one that revokes",
    effects=(at.GUARD,),
    happens=it.creation_with_a_guard,
    changes=1,
    begins=it.nothing,
    ends=ends.guarded_first,
    wrong="a value that is there before the finalizer that shall see to its end",
)
DELETION: Final = Story(
    name="deletion",
    effects=(at.DELETE_JOURNAL, at.LAST_WORD),
    happens=it.deletion,
    changes=0,
    ends=ends.gone_and_kept,
    waits=RESTORE,
    wrong="a journal that outlives its rotation, and would be taken for the one of its next life",
)
WITHDRAWAL: Final = Story(
    name="deletion, keys in a shared Secret",
    effects=(at.WITHDRAW, at.DELETE_JOURNAL),
    happens=it.deletion,
    changes=0,
    begins=it.one_that_merges,
    ends=ends.gone_and_withdrawn,
    waits=RESTORE,
    wrong="keys that only the journal remembers, and that stay when it went first",
)
REVOCATION: Final = Story(
    name="deletion that revokes",
    effects=(at.REVOKE, at.DISOWN, at.REVOKED, at.UNGUARD),
    happens=it.deletion_with_a_guard,
    changes=1,
    begins=it.one_that_revokes,
    ends=ends.gone_and_revoked,
    wrong="a value that is revoked twice, or a finalizer that is removed before it is revoked",
)
DELETED_MIDWAY: Final = Story(
    name="deletion in the middle of a rotation",
    effects=FINISHING,
    before=it.taken_and_deleted,
    happens=it.another_operator,
    changes=1,
    ends=ends.gone_and_kept,
    wrong="a journal that goes with its rotation while the tenant may hold its value alone",
)
GIVEN_UP: Final = Story(
    name="deletion, the outcome open for ten minutes",
    effects=(at.LET_GO,),
    before=it.taken_and_deleted,
    happens=it.another_operator_much_later,
    changes=1,
    ends=ends.gone_and_given_up,
    wrong="a journal that nobody lets go when the one who wanted to is dead",
)
STORIES: Final = (
    CREATION,
    DEMAND,
    DUE_DATE,
    CLIENT_CHANGED,
    ANNOUNCEMENT,
    ANNOUNCED_DUE_DATE,
    ANNOUNCED_DEMAND,
    LIVE,
    NOT_LIVE,
    REFUSAL,
    VALUE_REFUSED,
    DOUBT_SETTLED,
    RENAMED,
    RENAMED_AND_DELETED,
    TARGET_LOST,
    JOURNAL_LOST,
    ADOPTION,
    GUARDED,
    DELETION,
    WITHDRAWAL,
    REVOCATION,
    DELETED_MIDWAY,
    GIVEN_UP,
)
