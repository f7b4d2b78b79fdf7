"""The recorded exchanges, read from two kinds of cassettes into one form."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

import yaml

# Beside the repository, not in it: other projects' files. A clone has test_shapes.py instead.
FOLDER: Final = Path(__file__).resolve().parents[3] / "shared/reference/auth0-recordings"
# Set by the connection itself, not part of what was asked.
_OF_THE_CONNECTION: Final = frozenset({"host", "content-length", "accept-encoding", "user-agent"})


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer."""

    file: str
    number: int
    method: str
    url: SplitResult
    request_headers: Mapping[str, str]
    request_text: str
    status: int
    headers: Mapping[str, str]
    """By lower-case name; only what the recorder kept."""
    text: str

    def __str__(self) -> str:
        return f"{self.file} #{self.number}: {self.method} {self.url.path}"

    @property
    def target(self) -> str:
        """Path and query."""
        return f"{self.url.path}?{self.url.query}" if self.url.query else self.url.path

    @property
    def body(self) -> Any:
        """The answer's JSON, None for none."""
        return json.loads(self.text) if self.text else None

    @property
    def sent(self) -> Any:
        """The request's JSON, None for none and for null."""
        is_json = "json" in self.request_headers.get("content-type", "json")
        return json.loads(self.request_text) if self.request_text and is_json else None

    @property
    def is_of_go_sdk(self) -> bool:
        """Whether the recorder puts a `client_secret` into every body of a client."""
        return self.file.startswith("go-auth0__")


def files() -> list[Path]:
    """Return the cassettes, none where the folder is absent."""
    return sorted(path for path in FOLDER.glob("*") if path.suffix in {".yaml", ".yml"})


def exchanges_of(path: Path) -> list[Exchange]:
    """Return what one cassette holds, in order."""
    cassette = yaml.safe_load(path.read_text())
    if "interactions" in cassette:
        return [_of_go(path.stem, number, one) for number, one in enumerate(cassette["interactions"])]
    found = enumerate(cassette["http_interactions"])
    return [_of_ruby(path.stem, number, one) for number, one in found]


def _of_go(file: str, number: int, one: Mapping[str, Any]) -> Exchange:
    request, response = one["request"], one["response"]
    return Exchange(
        file=file,
        number=number,
        method=request["method"],
        url=urlsplit(request["url"]),
        request_headers=_headers(request["headers"], _OF_THE_CONNECTION),
        request_text=request["body"],
        status=response["code"],
        headers=_headers(response["headers"]),
        text=response["body"],
    )


def _of_ruby(file: str, number: int, one: Mapping[str, Any]) -> Exchange:
    request, response = one["request"], one["response"]
    return Exchange(
        file=file,
        number=number,
        method=request["method"].upper(),
        url=urlsplit(request["uri"]),
        request_headers=_headers(request["headers"], _OF_THE_CONNECTION),
        request_text=request["body"]["string"],
        status=response["status"]["code"],
        headers=_headers(response["headers"]),
        text=response["body"]["string"],
    )


def _headers(recorded: Mapping[str, list[str]], without: frozenset[str] = frozenset()) -> dict[str, str]:
    return {name.lower(): ", ".join(v) for name, v in recorded.items() if name.lower() not in without}
