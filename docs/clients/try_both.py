"""Logs in with whichever client secret works: for an application whose Secret is mounted as files, with
`nextClientSecret` mapped. Nothing but the standard library; take it over into your application as it is.

    python try_both.py FOLDER TOKEN_URL AUDIENCE

prints a line for each login, ten times a second. FOLDER has the files AUTH0_CLIENT_ID,
AUTH0_CLIENT_SECRET and AUTH0_CLIENT_SECRET_NEXT.
"""

import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from http import HTTPStatus
from pathlib import Path

NAMES = ("AUTH0_CLIENT_SECRET", "AUTH0_CLIENT_SECRET_NEXT")


class RefusedError(Exception):
    """None of the client secrets is accepted."""


class Login:
    """Asks for tokens. What worked last is tried first, and kept until something else works."""

    def __init__(self, folder: Path, url: str, audience: str) -> None:
        """Read the mounted files."""
        self._folder, self._url, self._audience = folder, url, audience
        self._secrets = self._read()

    def token(self) -> str:
        """Return an access token.

        The files are read anew only where no secret is accepted that is known: while a change spreads,
        the one that they do not show any more may be the one that works.
        """
        for secrets in (self._secrets, self._read()):
            for secret in secrets:
                found = self._ask(secret)
                if found is not None:
                    others = [one for one in (*self._secrets, *secrets) if one != secret]
                    self._secrets = [secret, *dict.fromkeys(others)][:4]
                    return found
        raise RefusedError

    def _read(self) -> list[str]:
        return list(dict.fromkeys((self._folder / name).read_text() for name in NAMES))

    def _ask(self, secret: str) -> str | None:
        """Return a token, None where the secret is refused; anything else is an error of its own."""
        form = {
            "grant_type": "client_credentials",
            "client_id": (self._folder / "AUTH0_CLIENT_ID").read_text(),
            "client_secret": secret,
            "audience": self._audience,
        }
        request = urllib.request.Request(self._url, urllib.parse.urlencode(form).encode())
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                token: str = json.load(answer)["access_token"]
                return token
        except urllib.error.HTTPError as error:
            if error.code == HTTPStatus.UNAUTHORIZED:
                return None
            raise


def main() -> None:
    """Log in again and again."""
    folder, url, audience = sys.argv[1:]
    login = Login(Path(folder), url, audience)
    while True:
        try:
            login.token()
            print("ok", flush=True)
        except (RefusedError, OSError) as error:
            print(f"failed: {str(error) or type(error).__name__}", flush=True)
        time.sleep(0.1)


if __name__ == "__main__":
    main()
