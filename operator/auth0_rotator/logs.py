"""Log lines: one constant sentence an event, with fields beside it."""

import logging
from typing import Any, Final

from pythonjsonlogger.json import JsonFormatter

from auth0_rotator.settings import LogFormat, LogLevel

# The fields that the operator's own lines carry: which object, why, what happened; which of our
# servers, and where it listens; who holds the Lease.
FIELDS: Final = ("key", "reason", "cause", "server", "address", "holder")
# These print requests and answers, secrets included, when they are allowed to.
_TALKATIVE: Final = ("httpx", "httpcore", "aiohttp", "urllib3", "kopf", "asyncio")


def configure_logging(log_format: LogFormat, level: LogLevel) -> None:
    """Write all log lines to stderr in `log_format`, from `level` on; libraries from warnings on."""
    handler = logging.StreamHandler()
    handler.setFormatter(_json_formatter() if log_format is LogFormat.JSON else _TextFormatter())
    logging.basicConfig(level=level.value.upper(), handlers=[handler], force=True)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    # It warns of a missing kubeconfig, which is told better; and at DEBUG it prints whole answers.
    logging.getLogger("kubernetes").setLevel(logging.ERROR)
    # It says at each try what our own lock says once.
    logging.getLogger("kubernetes.aio.leaderelection").setLevel(logging.CRITICAL)


def _json_formatter() -> logging.Formatter:
    return JsonFormatter(
        "{levelname}{name}{message}",
        style="{",
        timestamp=True,
        rename_fields={"levelname": "level", "name": "logger"},
    )


class _TextFormatter(logging.Formatter):
    """A line for people: time, level, sentence, and the fields as name=value."""

    def __init__(self) -> None:
        super().__init__("{asctime} {levelname:7} {message}", style="{")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging calls it so
        """Return the line, with the fields after the sentence; a traceback comes below it."""
        told: dict[str, Any] = {name: getattr(record, name, None) for name in FIELDS}
        fields = " ".join(f"{name}={value}" for name, value in told.items() if value)
        return f"{super().formatMessage(record)} {fields}".rstrip()
