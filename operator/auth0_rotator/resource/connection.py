"""Images of Auth0Connection and ClusterAuth0Connection."""

from base64 import b64decode
from enum import StrEnum
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import ConfigDict, Field, field_validator

from auth0_rotator.resource.foreign import ForeignRotation
from auth0_rotator.resource.image import (
    DATA_KEY_LENGTH,
    DATA_KEY_PATTERN,
    OBJECT_NAME_LENGTH,
    OBJECT_NAME_PATTERN,
    Image,
    rule,
    shape,
    shape_rule,
)
from auth0_rotator.resource.timing import Governor, RotationWindows

# A host name of at least two labels: what Auth0 calls the canonical tenant domain.
DOMAIN_PATTERN: Final = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+$"

DATA_KEY_MESSAGE: Final = (
    "a key consists of letters, digits, dots, hyphens and underscores, and is neither a dot nor "
    "begins with two of them"
)
_NAME_MESSAGE: Final = (
    "a name consists of lower case letters, digits, hyphens and dots, and begins and ends with a "
    "letter or digit"
)
_DOMAIN_MESSAGE: Final = (
    "domain must be the tenant's own domain in lower case, such as acme.eu.auth0.com, without "
    "https://, path and port"
)

# RFC 1123 label, as Kubernetes demands for the names of namespaces.
_NAMESPACE_PATTERN: Final = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
_NAMESPACE_MESSAGE: Final = (
    "the name of a namespace consists of lower case letters, digits and hyphens, and begins and ends "
    "with a letter or digit"
)

NamespaceName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=63,
        json_schema_extra=shape_rule(_NAMESPACE_PATTERN, _NAMESPACE_MESSAGE),
    ),
    shape(_NAMESPACE_PATTERN, _NAMESPACE_MESSAGE),
]
DataKey = Annotated[
    str,
    Field(
        min_length=1,
        max_length=DATA_KEY_LENGTH,
        json_schema_extra=shape_rule(DATA_KEY_PATTERN, DATA_KEY_MESSAGE),
    ),
    shape(DATA_KEY_PATTERN, DATA_KEY_MESSAGE),
]
ObjectName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=OBJECT_NAME_LENGTH,
        json_schema_extra=shape_rule(OBJECT_NAME_PATTERN, _NAME_MESSAGE),
    ),
    shape(OBJECT_NAME_PATTERN, _NAME_MESSAGE),
]


class Method(StrEnum):
    """How the operator proves to the tenant who it is."""

    CLIENT_CREDENTIALS = "client-credentials"


class CredentialsSecretRef(Image):
    """Where the credentials of the machine-to-machine application stand."""

    name: ObjectName
    """Name of the Secret: in the connection's own namespace, or, for a ClusterAuth0Connection, in
    the cluster resource namespace."""
    client_id_key: DataKey = "clientId"
    """Key of the Secret that holds the application's client id."""
    client_secret_key: DataKey = "clientSecret"
    """Key of the Secret that holds the application's client secret."""


class RateLimit(Image):
    """The pace of requests to the tenant's Management API, shared by every object that resolves to
    the same domain by the same endpoint; where connections differ, the lower rate counts of those
    that were logged in."""

    requests_per_second: Annotated[float, Field(gt=0, le=1000, strict=True)] = 2
    """Sustained requests a second. The default is what Auth0's smallest plan allows."""
    burst: Annotated[int, Field(ge=1, le=1000, strict=True)] = 2
    """Requests that may go at once after a quiet time."""


class ConnectionSpec(Image):
    """How to reach one Auth0 tenant, and as whom."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                rule(
                    "!has(self.audience) || self.audience.endsWith('/')",
                    "audience must end in a slash: Auth0 knows it as https://DOMAIN/api/v2/",
                    ".audience",
                ),
                rule(
                    "!has(self.endpoint) || isURL(self.endpoint) && "
                    "url(self.endpoint).getScheme() in ['https', 'http'] && "
                    "url(self.endpoint).getEscapedPath() in ['', '/'] && "
                    "url(self.endpoint).getHostname() != '' && !self.endpoint.contains('?') && "
                    "!self.endpoint.contains('@')",
                    "endpoint must be a URL with https (or http for rehearsals) and no path",
                    ".endpoint",
                ),
            ]
        }
    )

    domain: Annotated[
        str,
        Field(
            min_length=3,
            max_length=253,
            json_schema_extra=shape_rule(DOMAIN_PATTERN, _DOMAIN_MESSAGE),
        ),
        shape(DOMAIN_PATTERN, _DOMAIN_MESSAGE),
    ]
    """Canonical domain of the tenant, without scheme and path: acme.eu.auth0.com. Not a custom
    domain: tokens and calls must use one host."""
    method: Literal[Method.CLIENT_CREDENTIALS] = Method.CLIENT_CREDENTIALS
    """How the operator authenticates at the tenant."""
    audience: Annotated[str, Field(min_length=1, max_length=512)] | None = None
    """Audience to ask tokens for. Default: https://DOMAIN/api/v2/. Always ends in a slash."""
    credentials_secret_ref: CredentialsSecretRef
    """The Secret with the client id and client secret of a machine-to-machine application that has
    the scope update:client_keys for the Management API (read:clients as well, where a rotation
    shall be refused early for a client that cannot use a secret)."""
    rate_limit: RateLimit = RateLimit()
    """The pace of requests to this tenant."""
    endpoint: Annotated[str, Field(min_length=1, max_length=512)] | None = None
    """Where requests go instead of https://DOMAIN, such as a proxy. Plain http only where the
    operator runs with --allow-insecure-endpoints."""
    ca_bundle: Annotated[str, Field(min_length=1, max_length=131072)] | None = Field(
        default=None, json_schema_extra={"format": "byte"}
    )
    """PEM certificates, base64-encoded, to trust for this tenant instead of the system's."""
    rotation_windows: RotationWindows | None = None
    """When automatic rotations are allowed or denied, for rotations that do not say so themselves."""
    governor: Governor | None = None
    """How much of this tenant may change at a time."""
    foreign_rotation: ForeignRotation | None = None
    """Whether the values of the rotations are probed every now and then. Absent: only after each
    rotation."""

    @field_validator("audience")
    @classmethod
    def _audience_ends_in_slash(cls, value: str | None) -> str | None:
        if value is not None and not value.endswith("/"):
            message = "audience must end in a slash: Auth0 knows it as https://DOMAIN/api/v2/"
            raise ValueError(message)
        return value

    @field_validator("endpoint")
    @classmethod
    def _endpoint_is_plain_url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        is_bare = parts.path in {"", "/"} and not set("?#@") & set(value)
        if parts.scheme not in {"https", "http"} or not parts.hostname or not is_bare:
            message = "endpoint must be a URL with https (or http for rehearsals) and no path"
            raise ValueError(message)
        return value

    @field_validator("ca_bundle")
    @classmethod
    def _ca_bundle_is_base64_pem(cls, value: str | None) -> str | None:
        if value is not None and b"-----BEGIN CERTIFICATE-----" not in b64decode(value):
            message = "caBundle must be base64 of PEM certificates"
            raise ValueError(message)
        return value

    @property
    def management_audience(self) -> str:
        """The audience of the tenant's Management API, with its closing slash."""
        return self.audience or f"https://{self.domain}/api/v2/"

    @property
    def base_url(self) -> str:
        """Where requests go: scheme and host, without a closing slash."""
        return (self.endpoint or f"https://{self.domain}").rstrip("/")

    @property
    def way(self) -> str:
        """The tenant, and how it is reached: that two endpoints lead to one tenant is only said."""
        return f"{self.domain} by {self.base_url}"


class LabelSelector(Image):
    """Which namespaces, by their labels. An empty selector matches all."""

    match_labels: Annotated[dict[str, str], Field(max_length=64)] = Field(default_factory=dict)
    """Labels that the namespace must carry, all of them."""


class AllowedNamespaces(Image):
    """Admits namespaces, by name or by label, to a ClusterAuth0Connection."""

    names: Annotated[list[NamespaceName], Field(max_length=256)] = Field(default_factory=list)
    """Namespaces by name."""
    selector: LabelSelector | None = None
    """Namespaces by label; {} matches all."""
    client_ids: (
        Annotated[list[Annotated[str, Field(min_length=1, max_length=128)]], Field(max_length=256)]
        | None
    ) = None
    """The clients that these namespaces may rotate. Absent: all."""


class ClusterConnectionSpec(ConnectionSpec):
    """How to reach one Auth0 tenant, and who in the cluster may use it."""

    allowed_namespaces: Annotated[list[AllowedNamespaces], Field(max_length=64)] = Field(
        default_factory=list
    )
    """Who may use this connection: any entry that matches admits. No entry admits nobody."""
