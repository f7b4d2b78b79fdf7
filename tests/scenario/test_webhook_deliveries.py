"""Deliveries over real HTTP to a receiver that is well, ill, slow or dead. No cluster is needed."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, cast

import pytest
from prometheus_client import REGISTRY

from auth0_rotator.service import now_utc
from auth0_rotator.subject import Key
from auth0_rotator.webhook.message import Message, Type
from auth0_rotator.webhook.sender import CONCURRENCY, FILE_SECONDS, REQUEST_SECONDS, Sender
from harness.receiver import PATH, SECRET, Receiver

OTHER_SECRET: Final = "another secret, which is no base64"
_METRIC: Final = "auth0_rotator_webhook_deliveries_total"


class Post:
    """A sender that runs, and what became of its messages since the test began."""

    def __init__(self, receiver: Receiver, secret_file: Path) -> None:
        """Post to `receiver`."""
        self.secret_file = secret_file
        self.sender = Sender(receiver.url, secret_file, clock=now_utc)
        self._before = self._counted()
        self._running = asyncio.create_task(self.sender.run())

    def tell(self, name: str, number: int = 1) -> None:
        """Have one message told."""
        body = f'{{"type":"rotation.rotated","data":{{"name":"{name}","number":{number}}}}}'
        key = Key("team-a", name)
        self.sender.tell(Message(key, Type.ROTATED, f"msg_{name}_{number}", body.encode()))

    def results(self) -> dict[str, int]:
        """Return what became of the messages."""
        counted = {name: count - self._before[name] for name, count in self._counted().items()}
        return {name: count for name, count in counted.items() if count}

    async def has(self, **results: int) -> None:
        """Return once this, and no more, has become of the messages."""
        await eventually(lambda: self.results() == results, lambda: f"{self.results()}")

    async def end(self) -> None:
        """End as the operator does."""
        self._running.cancel()
        await asyncio.wait({self._running})

    @staticmethod
    def _counted() -> dict[str, int]:
        names = ("delivered", "retried", "given_up", "dropped")
        return {name: int(REGISTRY.get_sample_value(_METRIC, {"result": name}) or 0) for name in names}


async def eventually(
    check: Callable[[], bool], what: Callable[[], str] = lambda: "", *, seconds: float = 20
) -> None:
    """Return once `check` is true."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not check():
        assert asyncio.get_running_loop().time() < deadline, what()
        await asyncio.sleep(0.02)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver that is well."""
    async with Receiver() as receiver:
        yield receiver


@pytest.fixture
async def post(
    receiver: Receiver, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> AsyncIterator[Post]:
    """A sender that runs; whatever a test does, its log tells neither the secret nor the path."""
    caplog.set_level(logging.DEBUG)
    post = Post(receiver, receiver.write_secret(tmp_path))
    yield post
    await post.end()
    told = "\n".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)
    assert not [text for text in (PATH, SECRET, OTHER_SECRET) if text in told]


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the sentences of the sender's log, from warnings on, and that all is well again."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.name.startswith("auth0_rotator.webhook")
    ]


async def test_a_message_is_what_the_specification_says(post: Post, receiver: Receiver) -> None:
    post.tell("web")
    [told] = await receiver.has(1)
    assert told.headers["content-type"] == "application/json"
    assert told.headers["webhook-id"] == "msg_web_1"
    assert re.fullmatch(r"v1,[A-Za-z0-9+/]{43}=", told.headers["webhook-signature"])
    assert re.fullmatch(r"auth0-rotator/\d.+", told.headers["user-agent"])
    assert "cookie" not in told.headers
    await post.has(delivered=1)


@pytest.mark.parametrize("status", [429, 503])
async def test_what_may_mend_itself_is_tried_again_with_the_same_id_and_body(
    post: Post, receiver: Receiver, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    receiver.answer(status)
    post.tell("web")
    first, second = await receiver.has(2)
    assert (first.id, first.raw) == (second.id, second.raw)
    assert second.at - first.at >= 1.0
    await post.has(retried=1, delivered=1)
    assert said(caplog) == ["the webhook takes no messages", "the webhook takes messages again"]


async def test_pauses_grow_and_a_long_illness_is_logged_once(
    post: Post, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.answer(500, times=3)
    post.tell("web")
    told = await receiver.has(4)
    pauses = [later.at - earlier.at for earlier, later in pairwise(told)]
    assert [1 <= pauses[0] < 2, 2 <= pauses[1] < 4, 4 <= pauses[2] < 8] == [True] * 3, pauses
    await post.has(retried=3, delivered=1)
    assert said(caplog) == ["the webhook takes no messages", "the webhook takes messages again"]


@pytest.mark.parametrize("status", [302, 307, 400, 410])
async def test_what_will_never_be_taken_is_given_up_at_once(
    post: Post, receiver: Receiver, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    """A redirect is not followed: the receiver that was named is the one that is told."""
    receiver.answer(status, location="/elsewhere")
    post.tell("web", 1)
    post.tell("web", 2)
    told = await receiver.has(2)
    await post.has(given_up=1, delivered=1)
    assert [(one.id, one.path) for one in told] == [("msg_web_1", PATH), ("msg_web_2", PATH)]
    assert said(caplog) == ["a webhook message was given up"]
    assert f"rotation.rotated: the receiver answers {status}" in str(vars(caplog.records[-1]))


async def test_a_pause_that_the_receiver_asks_for_is_kept_by_all_messages(
    post: Post, receiver: Receiver
) -> None:
    receiver.answer(429, retry_after="3")
    post.tell("web")
    await receiver.has(1)
    await post.has(retried=1)
    post.tell("another")
    told = await receiver.has(3)
    assert {one.id for one in told[1:]} == {"msg_web_1", "msg_another_1"}
    assert min(one.at for one in told[1:]) - told[0].at >= 2.9
    await post.has(retried=1, delivered=2)


async def test_a_dead_receiver_has_every_message_when_it_lives_again(
    post: Post, receiver: Receiver
) -> None:
    await receiver.stop()
    for name in ("a", "b", "c"):
        post.tell(name)
    await eventually(lambda: post.results().get("retried", 0) >= 3)
    await receiver.start()
    assert sorted(one.id for one in await receiver.has(3)) == ["msg_a_1", "msg_b_1", "msg_c_1"]
    await eventually(lambda: post.results()["delivered"] == 3)


async def test_of_one_object_the_order_is_kept_and_no_other_waits(
    post: Post, receiver: Receiver
) -> None:
    """Catches a failure that is told after the rotation that made it good."""
    receiver.answer(500)
    post.tell("web", 1)
    post.tell("web", 2)
    post.tell("another", 1)
    await receiver.has(4)
    await post.has(retried=1, delivered=3)
    assert receiver.ids == ["msg_web_1", "msg_another_1", "msg_web_1", "msg_web_2"]


async def test_of_a_receiver_that_hangs_so_many_messages_wait_and_the_oldest_go(
    post: Post, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    """Catches memory that grows, and an endless number of connections."""
    receiver.hang()
    for number in range(CONCURRENCY + 1):
        post.tell(f"first-{number}")
    await receiver.has(CONCURRENCY)
    for number in range(1100):
        post.tell("web", number)
    await asyncio.sleep(0)
    oldest = 100 + CONCURRENCY
    assert post.results() == {"dropped": oldest + 1}
    assert len(receiver.ids) == CONCURRENCY
    assert set(said(caplog)) == {"a webhook message was dropped"}
    receiver.recover()
    told = await receiver.has(CONCURRENCY + 2)
    assert [one.id for one in told[CONCURRENCY:][:2]] == [f"msg_web_{oldest}", f"msg_web_{oldest + 1}"]


async def test_who_takes_too_long_has_the_message_again(post: Post, receiver: Receiver) -> None:
    receiver.hang()
    post.tell("web")
    await receiver.has(1)
    await post.has(retried=1)
    receiver.recover()
    first, second = await receiver.has(2)
    assert REQUEST_SECONDS + 1 <= second.at - first.at < REQUEST_SECONDS + 3
    await post.has(retried=1, delivered=1)


async def test_an_answer_that_never_ends_is_not_read(post: Post, receiver: Receiver) -> None:
    receiver.answer_endlessly()
    post.tell("web")
    await receiver.has(1)
    await post.has(delivered=1)


async def test_a_secret_that_is_changed_in_its_place_signs_the_next_try(
    post: Post, receiver: Receiver
) -> None:
    """Catches a file that is read once."""
    post.tell("web", 1)
    await receiver.has(1)
    receiver.secret = f"whsec_{'b3RoZXI' * 6}"
    receiver.write_secret(post.secret_file.parent)
    post.tell("web", 2)
    await receiver.has(2)
    await post.has(delivered=2)


async def test_without_its_secret_messages_wait_and_the_log_says_so(
    post: Post, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    content = post.secret_file.read_text()
    post.secret_file.write_text("short")
    post.tell("web", 1)
    post.tell("another", 1)
    await eventually(lambda: bool(said(caplog)))
    assert said(caplog) == ["webhook messages cannot be signed, and wait"]
    assert f"{post.secret_file}: a secret in it has fewer than 24" in str(vars(caplog.records[-1]))
    post.secret_file.unlink()
    assert receiver.ids == []
    post.secret_file.write_text(content)
    await receiver.has(2, seconds=FILE_SECONDS + 5)
    await post.has(delivered=2)
    assert said(caplog)[1:] == ["the webhook takes messages again"]


async def test_what_was_just_told_still_leaves_at_the_end(post: Post, receiver: Receiver) -> None:
    for number in range(10):
        post.tell(f"web-{number}")
    await post.sender.finish(5)
    await post.end()
    assert len(receiver.ids) == 10
    assert post.results() == {"delivered": 10}


async def test_at_the_end_nobody_waits_for_a_receiver_that_hangs(
    post: Post, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.hang()
    for number in range(10):
        post.tell(f"web-{number}")
    await receiver.has(CONCURRENCY)
    began = asyncio.get_running_loop().time()
    await post.sender.finish(0.3)
    await post.end()
    assert 0.3 <= asyncio.get_running_loop().time() - began < 1
    assert post.results() == {"dropped": 10}
    assert said(caplog) == ["webhook messages were dropped at the end"]


async def test_neither_proxy_nor_netrc_of_the_environment_is_used(
    receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable that leads requests to a tenant out of the cluster would lead these astray."""
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password something\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    post = Post(receiver, receiver.write_secret(tmp_path))
    post.tell("web")
    [told] = await receiver.has(1)
    await post.has(delivered=1)
    assert "authorization" not in told.headers
    await post.end()


async def test_a_bug_about_one_message_keeps_no_other_from_its_way(
    post: Post, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    post.sender.tell(Message(Key("team-a", "bug"), Type.ROTATED, "msg_bug", cast("Any", None)))
    post.tell("web")
    await receiver.has(1)
    await post.has(delivered=1, given_up=1)
    assert said(caplog)[0] == "a delivery failed unexpectedly"
