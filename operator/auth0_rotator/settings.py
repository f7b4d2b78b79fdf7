"""Flags and environment of `auth0-rotator run`: each flag has a variable AUTH0_ROTATOR_..."""

import argparse
import sys
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any, Final, NoReturn

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from auth0_rotator.schedule import IntervalUnit

ENV_PREFIX: Final = "AUTH0_ROTATOR_"
# Workers hold no memory to speak of; each one can wait for one slow answer.
DEFAULT_CONCURRENCY: Final = 16
_PORTS: Final = range(65536)


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


class Settings(BaseSettings):
    """What `run` was told, by flag first, then by variable, then by default."""

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, frozen=True, hide_input_in_errors=True)

    all_namespaces: bool = False
    namespace: Annotated[tuple[str, ...], NoDecode] = ()
    leader_elect: bool = True
    cluster_resource_namespace: str = ""
    concurrency: Annotated[int, Field(ge=1, le=1000)] = DEFAULT_CONCURRENCY
    metrics_address: str = "0.0.0.0:8080"
    health_address: str = "0.0.0.0:8081"
    log_format: LogFormat = LogFormat.JSON
    log_level: LogLevel = LogLevel.INFO
    allow_insecure_endpoints: bool = False
    interval_unit: IntervalUnit = IntervalUnit.DAYS

    @field_validator("namespace", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        names = value.split(",") if isinstance(value, str) else value
        # An empty name, from an unset variable, would mean all namespaces.
        return tuple(filter(None, names)) if isinstance(names, list | tuple) else names

    @field_validator("metrics_address", "health_address")
    @classmethod
    def _is_address(cls, value: str) -> str:
        split_address(value)
        return value

    @model_validator(mode="after")
    def _namespaces_are_clear(self) -> "Settings":
        if self.all_namespaces == bool(self.namespace):
            message = "say either --all-namespaces or --namespace NAME (which may be repeated)"
            raise ValueError(message)
        return self


def split_address(address: str) -> tuple[str, int]:
    """Return host and port of `host:port`; an empty host means all, port 0 any free one.

    Raises:
        ValueError: it is no such address.
    """
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdecimal() or int(port) not in _PORTS:
        message = f"{address} is not host:port"
        raise ValueError(message)
    return host.strip("[]"), int(port)


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"auth0-rotator: {message}\n")


def parse_settings(arguments: Sequence[str]) -> Settings:
    """Return the settings that `arguments` and the environment say; bad ones end the process with 2."""
    parser = _Parser(prog="auth0-rotator run", argument_default=argparse.SUPPRESS, allow_abbrev=False)
    add, switch = parser.add_argument, argparse.BooleanOptionalAction
    add("--all-namespaces", action=switch, help="serve every namespace of the cluster")
    add("--namespace", action="append", metavar="NAME", help="serve this namespace (repeatable)")
    add("--leader-elect", action=switch, help="act only while holding the Lease (default)")
    add(
        "--cluster-resource-namespace",
        metavar="NAME",
        help="where the Secrets of ClusterAuth0Connections are (default: the operator's own)",
    )
    add("--concurrency", metavar="N", help=f"workers (default {DEFAULT_CONCURRENCY})")
    add("--metrics-address", metavar="HOST:PORT", help="serve /metrics here (default 0.0.0.0:8080)")
    add(
        "--health-address",
        metavar="HOST:PORT",
        help="serve /healthz and /readyz here (default 0.0.0.0:8081)",
    )
    add("--log-format", metavar="json|text", help="how log lines look (default json)")
    add("--log-level", metavar="LEVEL", help="debug, info (default), warning or error")
    add(
        "--allow-insecure-endpoints",
        action=switch,
        help="let connections use plain http (rehearsals only)",
    )
    add(
        "--interval-unit",
        metavar="days|minutes",
        help="what rotationInterval counts (minutes: rehearsals only)",
    )
    given = vars(parser.parse_args(arguments))
    if isinstance(given.get("namespace"), list):
        given["namespace"] = tuple(given["namespace"])
    try:
        return Settings(**given)
    except ValidationError as invalid:
        fault = invalid.errors(include_url=False, include_context=False, include_input=False)[0]
        name = f"--{fault['loc'][0]}: ".replace("_", "-") if fault["loc"] else ""
        text = fault["msg"].removeprefix("Value error, ")
        sys.stderr.write(f"auth0-rotator: {name}{text}\n")
        raise SystemExit(2) from None
