"""One application (client) of the simulated tenant."""

import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_ID_LETTERS = string.ascii_letters + string.digits


def new_client_id() -> str:
    """Return an id in the form of Auth0's: 32 letters and digits."""
    return "".join(secrets.choice(_ID_LETTERS) for _ in range(32))


@dataclass(slots=True)
class App:
    """An application, with the secrets that it accepts."""

    name: str
    client_id: str = field(default_factory=new_client_id)
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    app_type: str = "non_interactive"
    auth_method: str = "client_secret_post"
    algorithm: str = "RS256"
    is_global: bool = False
    uses_key: bool = False
    grant_types: tuple[str, ...] = ("client_credentials", "authorization_code")
    audiences: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Scopes by the audience that it is granted."""
    previous: str = ""
    changed_at: float = float("-inf")
    """When `secret` was last changed (monotonic clock)."""
    changes: int = 0
    """How often the value really changed."""
    past: list[str] = field(default_factory=list)
    """Every value that it had, oldest first."""

    def change(self, value: str, now: float) -> None:
        """Make `value` the secret. The value that is there already changes nothing."""
        if value == self.secret:
            return
        self.past.append(self.secret)
        self.previous, self.secret, self.changed_at = self.secret, value, now
        self.changes += 1

    def accepts(self, value: str, now: float, propagation: float) -> bool:
        """Return whether a login with `value` works; while a change spreads, only the old one does."""
        if propagation and now - self.changed_at < propagation:
            return value == self.previous
        return value == self.secret

    def shown(self, *, with_keys: bool) -> dict[str, Any]:
        """Return the client object as the Management API shows it."""
        body: dict[str, Any] = {
            "tenant": "simulated",
            "global": self.is_global,
            "name": self.name,
            "client_id": self.client_id,
            "app_type": self.app_type,
            "is_first_party": True,
            "is_token_endpoint_ip_header_trusted": False,
            "oidc_conformant": True,
            "jwt_configuration": {"alg": self.algorithm, "lifetime_in_seconds": 36000},
            "sso_disabled": False,
            "custom_login_page_on": True,
            "grant_types": list(self.grant_types),
            "refresh_token": {"rotation_type": "non-rotating", "expiration_type": "non-expiring"},
        }
        if self.uses_key:
            body["client_authentication_methods"] = {
                "private_key_jwt": {"credentials": [{"id": "cred_simulated"}]}
            }
        else:
            body["token_endpoint_auth_method"] = self.auth_method
        if with_keys:
            body["signing_keys"] = [{"cert": "simulated"}]
            if not self.uses_key:
                body["client_secret"] = self.secret
        return body
