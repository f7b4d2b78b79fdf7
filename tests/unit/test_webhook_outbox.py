"""Messages that wait: so many and no more, and in order for each object."""

import pytest

from auth0_rotator.subject import Key
from auth0_rotator.webhook.message import Message, Type
from auth0_rotator.webhook.outbox import SIZE, Letter, Outbox


def message(name: str, number: int = 1) -> Message:
    return Message(Key("team-a", name), Type.FAILED, f"msg_{name}_{number}", b"{}")


def taken(outbox: Outbox, now: float = 0.0) -> list[str]:
    """Take all that may be sent now, and return their ids."""
    found = list[str]()
    while (letter := outbox.take(now)) is not None:
        assert letter.is_under_way
        assert letter.message.id not in found
        found.append(letter.message.id)
    return found


def take(outbox: Outbox, now: float = 0.0) -> Letter:
    letter = outbox.take(now)
    assert letter is not None
    return letter


def test_messages_of_several_objects_leave_side_by_side_in_the_order_of_their_telling() -> None:
    outbox = Outbox()
    for name in ("b", "a", "c"):
        outbox.put(message(name), 0.0)
    assert taken(outbox) == ["msg_b_1", "msg_a_1", "msg_c_1"]
    assert len(outbox) == 3


def test_of_one_object_the_next_leaves_when_the_one_before_is_done() -> None:
    """Catches a failure that is told after the success which followed it."""
    outbox = Outbox()
    outbox.put(message("a", 1), 0.0)
    outbox.put(message("a", 2), 0.0)
    outbox.put(message("b", 1), 0.0)
    first = take(outbox)
    assert taken(outbox) == ["msg_b_1"]
    outbox.put_back(first, 5.0)
    assert first.is_under_way is False
    assert taken(outbox, 4.9) == []
    again = take(outbox, 5.0)
    assert (again, again.again_at) == (first, 5.0)
    outbox.remove(again)
    assert taken(outbox, 5.0) == ["msg_a_2"]
    assert len(outbox) == 2


def test_a_new_message_may_be_sent_at_once_and_remembers_when_it_was_told() -> None:
    outbox = Outbox()
    outbox.put(message("a"), 7.0)
    assert outbox.take(6.9) is None
    letter = take(outbox, 7.0)
    assert (letter.told_at, letter.again_at, letter.tries) == (7.0, 7.0, 0)


def test_past_its_size_the_oldest_goes_that_is_not_under_way() -> None:
    outbox = Outbox(size=3)
    for number in (1, 2, 3):
        assert outbox.put(message("a", number), 0.0) is None
    first = take(outbox)
    assert outbox.put(message("b"), 0.0) == message("a", 2)
    assert len(outbox) == 3
    outbox.remove(first)
    assert taken(outbox) == ["msg_a_3", "msg_b_1"]


def test_where_all_are_under_way_none_goes() -> None:
    outbox = Outbox(size=1)
    outbox.put(message("a"), 0.0)
    take(outbox)
    assert outbox.put(message("b"), 0.0) is None
    assert len(outbox) == 2
    assert outbox.put(message("c"), 0.0) == message("b")


def test_a_thousand_messages_are_kept_unless_another_number_is_said() -> None:
    outbox = Outbox()
    dropped = [outbox.put(message("a", number), 0.0) for number in range(SIZE + 2)]
    assert (SIZE, len(outbox)) == (1000, 1000)
    assert [one for one in dropped if one is not None] == [message("a", 0), message("a", 1)]


def test_it_tells_when_the_next_one_may_leave() -> None:
    outbox = Outbox()
    assert outbox.next_at() is None
    outbox.put(message("a", 1), 3.0)
    outbox.put(message("a", 2), 1.0)
    outbox.put(message("b", 1), 4.0)
    assert outbox.next_at() == 3.0
    letter = take(outbox, 3.0)
    assert outbox.next_at() == 4.0
    outbox.put_back(letter, 9.0)
    assert outbox.next_at() == 4.0
    take(outbox, 4.0)
    assert outbox.next_at() == 9.0
    take(outbox, 9.0)
    assert outbox.next_at() is None


def test_in_a_pause_nothing_leaves_and_a_shorter_one_does_not_end_it() -> None:
    outbox = Outbox()
    outbox.put(message("a"), 0.0)
    outbox.pause(10.0)
    outbox.pause(5.0)
    assert taken(outbox, 9.9) == []
    assert outbox.next_at() == 10.0
    assert taken(outbox, 10.0) == ["msg_a_1"]


@pytest.mark.parametrize(
    ("now", "is_idle"), [(0.9, True), (1.0, False)], ids=["before-its-instant", "at-its-instant"]
)
def test_it_is_idle_while_nothing_may_leave(now: float, *, is_idle: bool) -> None:
    outbox = Outbox()
    assert outbox.is_idle(0.0)
    outbox.put(message("a"), 1.0)
    assert outbox.is_idle(now) is is_idle


def test_it_is_not_idle_while_one_is_under_way() -> None:
    outbox = Outbox()
    outbox.put(message("a"), 0.0)
    outbox.put(message("b"), 8.0)
    letter = take(outbox)
    assert not outbox.is_idle(0.0)
    outbox.put_back(letter, 5.0)
    assert outbox.is_idle(0.0)
    outbox.remove(letter)
    assert outbox.is_idle(7.9)
