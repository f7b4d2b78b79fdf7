"""Image of `secretsMapping`: under which keys of the target the values stand."""

from typing import Final

from pydantic import ConfigDict, model_validator

from auth0_rotator.resource.connection import DataKey
from auth0_rotator.resource.image import Image, rule

_OPTIONAL_KEYS_DIFFER: Final = (
    "[has(self.nextClientSecret) ? self.nextClientSecret : '', "
    "has(self.previousClientSecret) ? self.previousClientSecret : '']"
    ".all(k, k == '' || !(k in [self.clientId, self.clientSecret])) && "
    "!(has(self.nextClientSecret) && has(self.previousClientSecret) && "
    "self.nextClientSecret == self.previousClientSecret)"
)
_KEYS_DIFFER_MESSAGE: Final = "the keys of secretsMapping must all be different"


class SecretsMapping(Image):
    """Under which keys of the target the values stand. A mapped key always exists: it holds the
    current value where there is no other."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                rule("self.clientId != self.clientSecret", _KEYS_DIFFER_MESSAGE),
                rule(_OPTIONAL_KEYS_DIFFER, _KEYS_DIFFER_MESSAGE),
            ]
        }
    )

    client_id: DataKey
    """Key for the client id."""
    client_secret: DataKey
    """Key for the current client secret."""
    next_client_secret: DataKey | None = None
    """Key for the client secret that comes next, from nextSecretLeadTime before an automatic rotation
    on; before that it holds the current one. For applications that try both."""
    previous_client_secret: DataKey | None = None
    """Key for the client secret before the last change."""

    @property
    def keys(self) -> tuple[str, ...]:
        """All mapped keys."""
        optional = (self.next_client_secret, self.previous_client_secret)
        return (self.client_id, self.client_secret, *(key for key in optional if key is not None))

    @model_validator(mode="after")
    def _keys_differ(self) -> "SecretsMapping":
        if len(set(self.keys)) != len(self.keys):
            raise ValueError(_KEYS_DIFFER_MESSAGE)
        return self
