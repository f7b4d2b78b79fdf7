"""The Kubernetes API as the operator uses it. The only package that imports kubernetes."""

from auth0_rotator.cluster.access import (
    Access,
    NoAccessError,
    load_access,
    own_namespace,
    plain_access,
)
from auth0_rotator.cluster.api import Api, Body, Page
from auth0_rotator.cluster.lease import LeaseLock, election, new_identity
from auth0_rotator.cluster.objects import Objects
from auth0_rotator.cluster.secrets import Secrets
from auth0_rotator.cluster.workloads import Workloads

__all__ = [
    "Access",
    "Api",
    "Body",
    "LeaseLock",
    "NoAccessError",
    "Objects",
    "Page",
    "Secrets",
    "Workloads",
    "election",
    "load_access",
    "new_identity",
    "own_namespace",
    "plain_access",
]
