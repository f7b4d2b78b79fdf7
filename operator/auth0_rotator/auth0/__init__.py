"""Auth0's API as the operator uses it: token, change, revocation, read, probe."""

from auth0_rotator.auth0.answers import Client, Liveness
from auth0_rotator.auth0.http import Transport
from auth0_rotator.auth0.pace import Pace
from auth0_rotator.auth0.tenant import Permit, Tenant
from auth0_rotator.auth0.token_endpoint import Credentials, Token

__all__ = [
    "Client",
    "Credentials",
    "Liveness",
    "Pace",
    "Permit",
    "Tenant",
    "Token",
    "Transport",
]
