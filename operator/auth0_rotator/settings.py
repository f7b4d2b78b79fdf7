"""Flags and environment of `auth0-rotator run`: each flag has a variable AUTH0_ROTATOR_..."""

import argparse
import os
import re
from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import ErrorDetails

from auth0_rotator.schedule import IntervalUnit

ENV_PREFIX: Final = "AUTH0_ROTATOR_"
# Workers hold no memory to speak of; each one can wait for one slow answer.
DEFAULT_CONCURRENCY: Final = 16
MOST_WORKERS: Final = 1000
_PORTS: Final = range(65536)
# RFC 1123 label, as Kubernetes demands for the names of namespaces.
_LABEL: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
# What stands for a value in --help; words that can be listed are.
_PLACEHOLDERS: Final = {
    "namespace": "NAME",
    "cluster_resource_namespace": "NAME",
    "concurrency": "N",
    "metrics_address": "HOST:PORT",
    "health_address": "HOST:PORT",
    "webhook_url": "URL",
    "webhook_secret_file": "FILE",
}
_NOBODY_IS_SERVED: Final = "say either --all-namespaces or --namespace NAME (which may be repeated)"


class LogFormat(StrEnum):
    """How a log line looks."""

    JSON = "json"
    TEXT = "text"


class LogLevel(StrEnum):
    """From which level on log lines are written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def split_address(address: str) -> tuple[str, int]:
    """Return host and port of `host:port`; an empty host means all, port 0 any free one.

    Raises:
        ValueError: it is no such address.
    """
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdecimal() or int(port) not in _PORTS:
        message = f"{_shown(address)} is not host:port"
        raise ValueError(message)
    return host.strip("[]"), int(port)


def _checked_address(address: str) -> str:
    split_address(address)
    return address


def _checked_label(name: str) -> str:
    if not _LABEL.fullmatch(name):
        message = (
            f"{_shown(name)} is no DNS label: up to 63 lower case letters, digits and hyphens, "
            "with a letter or digit at both ends"
        )
        raise ValueError(message)
    return name


def _shown(text: str) -> str:
    """Return a word as it is, and anything else in quotes and on one line."""
    return text if text and text.isprintable() and " " not in text else repr(text)


def _checked_url(url: str) -> str:
    """What it says is never shown: the path or query of such a URL is often a secret itself."""
    # A Secret made by `echo` ends with a line end.
    url = url.strip()
    try:
        parts = urlsplit(url)
        is_url = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_url = False
    if not is_url or not url.isprintable() or " " in url:
        message = "this is no URL that begins with https://"
        raise ValueError(message)
    if "@" in parts.netloc:
        message = "credentials in the URL are not used: the signature says who sends"
        raise ValueError(message)
    return url


Address = Annotated[str, AfterValidator(_checked_address)]
Label = Annotated[str, AfterValidator(_checked_label)]
Url = Annotated[str, AfterValidator(_checked_url)]


class Settings(BaseModel):
    """What `run` was told, by flag first, then by variable, then by default.

    The sentences below are what `run --help` prints.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True)

    all_namespaces: bool = False
    """serve every namespace of the cluster"""
    namespace: tuple[Label, ...] = ()
    """serve this namespace (repeatable)"""
    leader_elect: bool = True
    """act only while holding the Lease (default yes)"""
    cluster_resource_namespace: Label | None = None
    """where the Secrets of ClusterAuth0Connections are (default: the operator's own namespace)"""
    concurrency: Annotated[int, Field(ge=1, le=MOST_WORKERS)] = DEFAULT_CONCURRENCY
    """how many objects are worked on at once (default 16)"""
    metrics_address: Address = "0.0.0.0:8080"
    """serve /metrics here (default 0.0.0.0:8080)"""
    health_address: Address = "0.0.0.0:8081"
    """serve /healthz and /readyz here (default 0.0.0.0:8081)"""
    log_format: LogFormat = LogFormat.JSON
    """how log lines look (default json)"""
    log_level: LogLevel = LogLevel.INFO
    """from which level on log lines are written (default info)"""
    allow_insecure_endpoints: bool = False
    """let connections and the webhook use plain http (rehearsals only)"""
    interval_unit: IntervalUnit = IntervalUnit.DAYS
    """what rotationInterval counts (default days; minutes for rehearsals only)"""
    force_interval_unit: bool = False
    """count in minutes at tenants reached by https as well, which are refused otherwise"""
    webhook_url: Url | None = None
    """where rotated, failed and overdue rotations are told by a signed POST"""
    webhook_secret_file: Path | None = None
    """the secret that signs it: whsec_ and base64, or any text of at least 24 bytes"""

    @field_validator("namespace", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        """A variable holds several names with commas between them."""
        if not isinstance(value, str):
            return value
        return tuple(name.strip() for name in value.split(",") if name.strip())


def flag_of(name: str) -> str:
    """Return the flag of a setting."""
    return f"--{name.replace('_', '-')}"


def variable_of(name: str) -> str:
    """Return the environment variable of a setting."""
    return f"{ENV_PREFIX}{name.upper()}"


def parse_settings(arguments: Sequence[str], environment: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings that `arguments` and `environment` say; bad ones end the process with 2.

    An empty variable counts as none.
    """
    parser = _parser()
    given = vars(parser.parse_args(arguments))
    told = {name: environment.get(variable_of(name)) for name in Settings.model_fields}
    try:
        settings = Settings.model_validate({name: text for name, text in told.items() if text} | given)
    except ValidationError as invalid:
        parser.error(_sentence(invalid.errors()[0], given))
    if settings.all_namespaces and settings.namespace:
        both = " or ".join(_said(name, given) for name in ("all_namespaces", "namespace"))
        parser.error(f"say either {both}, not both")
    if not settings.all_namespaces and not settings.namespace:
        parser.error(_NOBODY_IS_SERVED)
    fault = _webhook_fault(settings, given)
    if fault is not None:
        parser.error(fault)
    return settings


def _webhook_fault(settings: Settings, given: Collection[str]) -> str | None:
    """Return what the settings of the webhook lack, None where they lack nothing."""
    url, file = settings.webhook_url, settings.webhook_secret_file
    if (url is None) is not (file is None):
        said, missing = "webhook_url", "webhook_secret_file"
        if url is None:
            said, missing = missing, said
        return f"{_said(said, given)} needs {flag_of(missing)} as well"
    is_plain = url is not None and urlsplit(url).scheme == "http"
    if is_plain and not settings.allow_insecure_endpoints:
        return f"{_said('webhook_url', given)}: plain http needs {flag_of('allow_insecure_endpoints')}"
    return None


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"auth0-rotator: {' '.join(message.split())}\n")


def _parser() -> _Parser:
    variables = "\n".join(f"  {variable_of(name):41} {flag_of(name)}" for name in Settings.model_fields)
    parser = _Parser(
        prog="auth0-rotator run",
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=f"environment variables, where their flag is not given:\n{variables}",
    )
    for name, field in Settings.model_fields.items():
        flag, about = flag_of(name), field.description
        if field.annotation is bool:
            parser.add_argument(flag, action=argparse.BooleanOptionalAction, help=about)
        else:
            placeholder = _PLACEHOLDERS.get(name) or "|".join(_words(field.annotation))
            action = "append" if name == "namespace" else "store"
            parser.add_argument(flag, action=action, metavar=placeholder, help=about)
    return parser


def _sentence(fault: ErrorDetails, given: Collection[str]) -> str:
    """Return who said something impossible, and what is wrong with it."""
    name = str(fault["loc"][0])
    told = _said(name, given)
    if fault["type"] == "value_error":
        return f"{told}: {fault['msg'].removeprefix('Value error, ')}"
    return f"{told}: {_shown(str(fault['input']))} is not {_wanted(name)}"


def _said(name: str, given: Collection[str]) -> str:
    return flag_of(name) if name in given else variable_of(name)


def _wanted(name: str) -> str:
    kind = Settings.model_fields[name].annotation
    if kind is int:
        return f"a whole number from 1 to {MOST_WORKERS}"
    *others, last = ("true", "false") if kind is bool else _words(kind)
    return f"{', '.join(others)} or {last}"


def _words(kind: Any) -> tuple[str, ...]:
    return tuple(member.value for member in kind)
