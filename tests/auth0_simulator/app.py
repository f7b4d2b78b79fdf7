"""One application (client) of the simulated tenant."""

import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

_ID_LETTERS = string.ascii_letters + string.digits
# As recorded; times in seconds.
_REFRESH_TOKEN: Final = {
    "rotation_type": "non-rotating",
    "expiration_type": "non-expiring",
    "leeway": 0,
    "token_lifetime": 31557600,
    "infinite_token_lifetime": True,
    "infinite_idle_token_lifetime": True,
    "idle_token_lifetime": 2592000,
}


def new_client_id() -> str:
    """Return an id in the form of Auth0's: 32 letters and digits."""
    return "".join(secrets.choice(_ID_LETTERS) for _ in range(32))


@dataclass(slots=True)
class App:
    """An application, with the secrets that it accepts."""

    name: str
    client_id: str = field(default_factory=new_client_id)
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    """64 characters of A-Za-z0-9_-, as Auth0 makes them."""
    app_type: str = "non_interactive"
    """Empty for an application of which nobody said what it is: the key is not shown then."""
    auth_method: str = "client_secret_post"
    """Empty where nobody chose one: the key is not shown then."""
    algorithm: str = "RS256"
    is_global: bool = False
    is_first_party: bool = True
    uses_key: bool = False
    """Whether it logs in by private_key_jwt; no secret of it is accepted or shown then."""
    key_ids: tuple[str, ...] = ("cred_simulated",)
    assertion: str = ""
    """The one client assertion that is accepted of a client that uses a key. It is not verified as
    a JWT: nothing here depends on what it says."""
    grant_types: tuple[str, ...] = ("client_credentials", "authorization_code")
    audiences: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Scopes by the audience that it is granted."""
    settings: dict[str, Any] = field(default_factory=dict)
    """Other properties, shown as they are."""
    previous: str = ""
    changed_at: float = float("-inf")
    """When `secret` was last changed (monotonic clock)."""
    changes: int = 0
    """How often the value really changed."""
    past: list[str] = field(default_factory=list)
    """Every value that it had, oldest first."""

    def change(self, value: str, now: float) -> bool:
        """Make `value` the secret and return whether that changed anything: the value that is there
        already changes nothing."""
        if value == self.secret:
            return False
        self.past.append(self.secret)
        self.previous, self.secret, self.changed_at = self.secret, value, now
        self.changes += 1
        return True

    def accepts(self, value: str, now: float, propagation: float, *, new_too: bool = False) -> bool:
        """Return whether a login with `value` works.

        While a change spreads only the old one does, or with `new_too` both.
        """
        if self.uses_key:
            return False
        if propagation and now - self.changed_at < propagation:
            return value == self.previous or (new_too and value == self.secret)
        return value == self.secret

    def shown(
        self, *, tenant: str = "simulated", with_keys: bool, with_methods: bool = True
    ) -> dict[str, Any]:
        """Return the client object as the Management API shows it."""
        signing = {"alg": self.algorithm} if self.algorithm else {}
        body: dict[str, Any] = {
            "tenant": tenant,
            "global": self.is_global,
            "name": self.name,
            "client_id": self.client_id,
            "is_first_party": self.is_first_party,
            "is_token_endpoint_ip_header_trusted": False,
            "oidc_conformant": True,
            "jwt_configuration": {**signing, "lifetime_in_seconds": 36000, "secret_encoded": False},
            "sso_disabled": False,
            "custom_login_page_on": True,
            "grant_types": list(self.grant_types),
            "refresh_token": dict(_REFRESH_TOKEN),
            **({"app_type": self.app_type} if self.app_type else {}),
            **self.settings,
        }
        if self.uses_key and with_methods:
            keys = [{"id": key_id} for key_id in self.key_ids]
            body["client_authentication_methods"] = {"private_key_jwt": {"credentials": keys}}
        if self.auth_method and not self.uses_key:
            body["token_endpoint_auth_method"] = self.auth_method
        if with_keys:
            body["signing_keys"] = [{"cert": "simulated"}]
            if not self.uses_key:
                body["client_secret"] = self.secret
        return body
