"""Requests and answers as they come in and go out."""

import json
import os
import socket
from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web

from harness.proxy.faults import Call, Fault

# Headers that belong to one connection, and the length, which is told anew.
_OF_A_CONNECTION: Final = frozenset(
    {
        "connection",
        "content-length",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


def told(call: Call, fault: Fault) -> web.Response:
    """Return what the fault says instead of the true answer."""
    call.status = fault.status
    return web.Response(
        status=fault.status, text=fault.text, headers=fault.headers, content_type="application/json"
    )


def hang_up(request: web.Request) -> web.Response:
    """Close the connection without an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def is_waiting(request: web.Request) -> bool:
    """Return whether the client is still there: also where the event loop has not heard of its end."""
    transport = request.transport
    if transport is None or transport.is_closing():
        return False
    with socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno())) as line:
        try:
            return line.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) != b""
        except BlockingIOError:
            return True
        except OSError:
            return False


def passed_on(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that are not about one connection."""
    return {name: value for name, value in headers.items() if name.lower() not in _OF_A_CONNECTION}


def parsed(content: bytes) -> Any:
    """Return the body; None for nothing, and for what is no JSON."""
    try:
        return json.loads(content) if content else None
    except ValueError:
        return None
