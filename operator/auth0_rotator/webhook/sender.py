"""The only sender of webhook messages. Whatever the receiver does, nobody waits for it.

Messages are held in memory alone: Events and metrics tell of what a crash loses.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

import aiohttp

from auth0_rotator.metrics import UNEXPECTED_ERRORS, WEBHOOK_DELIVERIES
from auth0_rotator.webhook.answers import PATIENCE, Verdict, judge, pause_after, pause_asked
from auth0_rotator.webhook.message import Message
from auth0_rotator.webhook.outbox import Letter, Outbox
from auth0_rotator.webhook.signature import KeysUnusableError, SigningKey, parse_keys, signed_headers

logger = logging.getLogger(__name__)

# The specification recommends 15 to 30 seconds at most; who takes longer has it a second time.
REQUEST_SECONDS: Final = 10.0
# A slow receiver keeps so many messages at once, and no worker.
CONCURRENCY: Final = 4
# A secret file that cannot be used is looked at again after this time.
FILE_SECONDS: Final = 5.0
# Several keys, each of them a line.
MOST_FILE_BYTES: Final = 4096
# The values of the metric's label.
RESULTS: Final = ("delivered", "retried", "given_up", "dropped")
_NOT_TAKEN: Final = "the webhook takes no messages"
_NOT_SIGNED: Final = "webhook messages cannot be signed, and wait"


@dataclass(frozen=True, slots=True)
class _Reply:
    verdict: Verdict
    cause: str
    asked: float = 0.0
    """For how many seconds the receiver wants to be left alone."""


class Sender:
    """Takes messages at any time, and delivers them while `run` runs."""

    def __init__(self, url: str, secret_file: Path, *, clock: Callable[[], datetime]) -> None:
        """Prepare; `clock` gives aware instants of the wall clock.

        Raises:
            KeysUnusableError: the secret file cannot be used.
        """
        read_keys(secret_file)
        self._url = url
        self._secret_file = secret_file
        self._clock = clock
        self._outbox = Outbox()
        self._changed = asyncio.Event()
        self._ended = asyncio.Event()
        self._trouble = ""
        """The sentence in the log that still holds."""
        for result in RESULTS:
            # A rate from nothing to one is seen only where there is a nothing.
            WEBHOOK_DELIVERIES.labels(result)

    def tell(self, message: Message) -> None:
        """Have a message delivered, without waiting for it."""
        dropped = self._outbox.put(message, _now())
        if dropped is not None:
            WEBHOOK_DELIVERIES.labels("dropped").inc()
            cause = f"{dropped.type}: so many messages wait that the oldest has to go"
            _warn("a webhook message was dropped", dropped, cause)
        self._changed.set()

    async def run(self) -> None:
        """Deliver until cancelled. What is not delivered then is dropped, and counted."""
        # The number of requests is limited before their time begins; an idle connection may be dead.
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
        try:
            async with (
                aiohttp.ClientSession(
                    connector=connector,
                    # Neither a proxy nor credentials of .netrc come in by the environment.
                    trust_env=False,
                    # Nothing of an answer is kept, be it small on the wire and huge unpacked.
                    cookie_jar=aiohttp.DummyCookieJar(),
                    auto_decompress=False,
                    timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
                    headers={
                        "content-type": "application/json",
                        "user-agent": f"auth0-rotator/{version('auth0-rotator')}",
                    },
                ) as session,
                asyncio.TaskGroup() as group,
            ):
                await self._dispatch(session, group)
        finally:
            self._drop_all()

    async def finish(self, seconds: float) -> None:
        """Return when all that can be sent at once has been, or after `seconds`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self._outbox.is_idle(_now()):
                    self._ended.clear()
                    await self._ended.wait()

    async def _dispatch(self, session: aiohttp.ClientSession, group: asyncio.TaskGroup) -> None:
        free = asyncio.Semaphore(CONCURRENCY)
        while True:
            self._changed.clear()
            await free.acquire()
            letter = self._outbox.take(_now())
            if letter is not None:
                delivery = group.create_task(self._deliver(session, letter), name="webhook delivery")
                delivery.add_done_callback(lambda _: free.release())
                continue
            free.release()
            next_at = self._outbox.next_at()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(next_at):
                    await self._changed.wait()

    async def _deliver(self, session: aiohttp.ClientSession, letter: Letter) -> None:
        """Try to deliver one message, and see to what becomes of it."""
        try:
            keys = read_keys(self._secret_file)
            reply = await self._post(session, letter.message, keys)
            self._settle(letter, reply)
        except KeysUnusableError as fault:
            self._note(_NOT_SIGNED, str(fault))
            self._outbox.put_back(letter, _now())
            self._outbox.pause(_now() + FILE_SECONDS)
        except Exception:
            # A bug about one message keeps no other from its way.
            UNEXPECTED_ERRORS.inc()
            logger.exception("a delivery failed unexpectedly", extra={"key": str(letter.message.key)})
            self._give_up(letter, "a bug of the operator; see the log")
        finally:
            self._ended.set()
            self._changed.set()

    async def _post(
        self, session: aiohttp.ClientSession, message: Message, keys: Sequence[SigningKey]
    ) -> _Reply:
        headers = signed_headers(message.id, message.body, keys, self._clock())
        try:
            async with (
                asyncio.timeout(REQUEST_SECONDS),
                session.post(
                    self._url, data=message.body, headers=headers, allow_redirects=False
                ) as response,
            ):
                # The body is nobody's concern, and is not read.
                status, retry_after = response.status, response.headers.get("retry-after")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return _Reply(Verdict.AGAIN, _plain(error))
        asked = pause_asked(retry_after, self._clock())
        return _Reply(judge(status), f"the receiver answers {status}", asked)

    def _settle(self, letter: Letter, reply: _Reply) -> None:
        """See to what becomes of a message after a try."""
        if reply.verdict is Verdict.DELIVERED:
            self._outbox.remove(letter)
            WEBHOOK_DELIVERIES.labels("delivered").inc()
            self._note("", "")
            return
        if reply.verdict is Verdict.REFUSED:
            self._give_up(letter, reply.cause)
            return
        self._note(_NOT_TAKEN, reply.cause)
        letter.tries += 1
        again_at = _now() + max(pause_after(letter.tries, letter.message.id), reply.asked)
        if again_at - letter.told_at > PATIENCE:
            self._give_up(letter, reply.cause)
            return
        self._outbox.put_back(letter, again_at)
        WEBHOOK_DELIVERIES.labels("retried").inc()
        if reply.asked:
            # Whoever asks for a pause means all messages.
            self._outbox.pause(_now() + reply.asked)

    def _give_up(self, letter: Letter, cause: str) -> None:
        self._outbox.remove(letter)
        WEBHOOK_DELIVERIES.labels("given_up").inc()
        _warn("a webhook message was given up", letter.message, f"{letter.message.type}: {cause}")

    def _note(self, trouble: str, cause: str) -> None:
        """Log that something keeps messages from being delivered, or no longer does: once each."""
        if trouble and trouble != self._trouble:
            logger.warning(trouble, extra={"cause": cause})
        elif self._trouble and not trouble:
            logger.info("the webhook takes messages again")
        self._trouble = trouble

    def _drop_all(self) -> None:
        left = len(self._outbox)
        if left:
            WEBHOOK_DELIVERIES.labels("dropped").inc(left)
            cause = f"{left} of them; Events tell the same"
            logger.warning("webhook messages were dropped at the end", extra={"cause": cause})


def read_keys(file: Path) -> tuple[SigningKey, ...]:
    """Return the keys that the file holds at this instant: a mounted Secret changes in its place.

    Raises:
        KeysUnusableError: it cannot be read, or holds no key; the sentence names the file.
    """
    try:
        # Whatever else it is, it may never end.
        content = _beginning(file) if file.is_file() or not file.exists() else None
    except OSError as error:
        raise KeysUnusableError(f"the webhook's secret file {file}: {error.strerror}") from None
    if content is None or len(content) > MOST_FILE_BYTES:
        raise KeysUnusableError(
            f"the webhook's secret file {file}: it is no file of up to {MOST_FILE_BYTES} bytes"
        )
    try:
        return parse_keys(content)
    except KeysUnusableError as fault:
        raise KeysUnusableError(f"the webhook's secret file {file}: {fault}") from None


def _beginning(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(MOST_FILE_BYTES + 1)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _plain(error: Exception) -> str:
    """Return what went wrong. Other errors may quote the URL, which is often a secret itself."""
    if isinstance(error, TimeoutError):
        return f"no answer within {REQUEST_SECONDS:.0f} seconds"
    if isinstance(error, aiohttp.ClientConnectorError):
        return str(error)
    return f"no answer: {type(error).__name__}"


def _warn(sentence: str, message: Message, cause: str) -> None:
    logger.warning(sentence, extra={"key": str(message.key), "cause": cause})
