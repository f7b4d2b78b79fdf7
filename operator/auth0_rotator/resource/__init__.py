"""pydantic images of the three kinds of `auth0rotator.dev/v1alpha1`.

They are the one source of the CRDs (`make crds` writes `crds/` from them; a test compares), and
the only way by which a user's object becomes a value of this program.
"""

from auth0_rotator.resource.connection import (
    AllowedNamespaces,
    ClusterConnectionSpec,
    ConnectionSpec,
    CredentialsSecretRef,
    RateLimit,
)
from auth0_rotator.resource.foreign import ForeignRotation
from auth0_rotator.resource.image import GROUP, VERSION, Kind, SpecInvalid, parse_spec
from auth0_rotator.resource.mapping import SecretsMapping
from auth0_rotator.resource.rotation import (
    DISCOVERED,
    ConnectionRef,
    DeletionPolicy,
    InitialRotation,
    RotationSpec,
)
from auth0_rotator.resource.target import CreationPolicy, TargetSpec, TargetTemplate
from auth0_rotator.resource.timing import Governor, RotationWindow

__all__ = [
    "DISCOVERED",
    "GROUP",
    "VERSION",
    "AllowedNamespaces",
    "ClusterConnectionSpec",
    "ConnectionRef",
    "ConnectionSpec",
    "CreationPolicy",
    "CredentialsSecretRef",
    "DeletionPolicy",
    "ForeignRotation",
    "Governor",
    "InitialRotation",
    "Kind",
    "RateLimit",
    "RotationSpec",
    "RotationWindow",
    "SecretsMapping",
    "SpecInvalid",
    "TargetSpec",
    "TargetTemplate",
    "parse_spec",
]
