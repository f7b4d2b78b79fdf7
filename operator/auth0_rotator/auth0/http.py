"""HTTP to a tenant. The only module that imports httpx (httpx2 is the same for our use).

It knows when a request surely did not leave, which decides whether a change may have happened.
"""

import asyncio
import functools
import json
import ssl
from base64 import b64decode
from collections.abc import Mapping
from typing import Any, Final

import httpx

from auth0_rotator.auth0.answers import Answer
from auth0_rotator.conditions import Reason
from auth0_rotator.errors import Refused

# A request is over in 15 s, whatever it waits for: what came by then is all that counts.
REQUEST_SECONDS: Final = 15.0
CONNECT_SECONDS: Final = 5.0
# A client with all its settings takes some kilobytes.
MOST_BYTES: Final = 1 << 20


class NotSentError(Exception):
    """The request did not reach the other side: no address, no connection, no TLS."""


class LostError(Exception):
    """The request may have reached the other side, but no whole answer came back."""


class Transport:
    """Connections to one endpoint, kept open for a few seconds only: an old one could break a
    change in the middle, and a broken change is an open question."""

    def __init__(self, base_url: str, *, ca_bundle: str | None = None) -> None:
        """Prepare for `base_url`, trusting the base64 PEM of `ca_bundle` instead of the system.

        Raises:
            Refused: with SpecInvalid where the bundle holds no certificate, or the address is none.
        """
        context = _trusting_the_system() if ca_bundle is None else _trusting(ca_bundle)
        try:
            self._http = httpx.AsyncClient(
                base_url=base_url,
                verify=context,
                timeout=httpx.Timeout(REQUEST_SECONDS, connect=CONNECT_SECONDS),
                follow_redirects=False,
                headers={"accept": "application/json"},
            )
        except httpx.InvalidURL:
            message = "spec.endpoint is no address that can be reached"
            raise Refused(Reason.SPEC_INVALID, message) from None

    async def send(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        query: Mapping[str, str] | None = None,
        json_body: Any = None,
        form: Mapping[str, str] | None = None,
    ) -> Answer:
        """Return the answer to one request, which is sent once and never repeated.

        Raises:
            NotSentError: it surely did not arrive.
            LostError: it may have arrived.
        """
        if self._http.is_closed:
            message = "the connection object was changed"
            raise NotSentError(message)
        headers = {"authorization": f"Bearer {token}"} if token is not None else None
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                request = self._http.build_request(
                    method, path, params=query, json=json_body, data=form, headers=headers
                )
                response = await self._http.send(request, stream=True)
                try:
                    content = await _content(response)
                finally:
                    await response.aclose()
        except httpx.LocalProtocolError as error:
            # Its text may quote a header, and so the token.
            raise NotSentError(type(error).__name__) from None
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise NotSentError(_plain(error)) from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise LostError(_plain(error)) from None
        except TimeoutError:
            message = f"no answer within {REQUEST_SECONDS:.0f} seconds"
            raise LostError(message) from None
        return Answer(response.status_code, response.headers, _parsed(response, content))

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()


@functools.cache
def _trusting_the_system() -> ssl.SSLContext:
    """Return the one context that trusts the system: reading its authorities keeps all else waiting."""
    return ssl.create_default_context()


def _trusting(ca_bundle: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cadata=b64decode(ca_bundle).decode())
    except (ssl.SSLError, ValueError, TypeError):
        message = "spec.caBundle holds no certificate that can be read: give PEM in base64"
        raise Refused(Reason.SPEC_INVALID, message) from None


def _plain(error: Exception) -> str:
    return str(error) or type(error).__name__


async def _content(response: httpx.Response) -> bytes:
    """Return the body.

    Raises:
        LostError: it is longer than any answer of Auth0.
    """
    content = bytearray()
    async for chunk in response.aiter_bytes():
        content += chunk
        if len(content) > MOST_BYTES:
            message = "the answer is too long"
            raise LostError(message)
    return bytes(content)


def _parsed(response: httpx.Response, content: bytes) -> Any:
    if "json" not in response.headers.get("content-type", ""):
        return None
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None
