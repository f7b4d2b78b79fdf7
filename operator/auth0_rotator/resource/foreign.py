"""Image of what is done about rotations that somebody else makes at the tenant."""

from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, StrictBool

from auth0_rotator.resource.image import Image
from auth0_rotator.resource.timing import between, duration_schema, parse_duration

ProbeInterval = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    between("1m", "744h"),
    duration_schema("1m", "744h"),
]
"""How often one value is probed."""


class ForeignRotation(Image):
    """How a rotation is noticed that somebody made elsewhere, such as in Auth0's dashboard."""

    probe_interval: ProbeInterval
    """How often the tenant is asked whether it still accepts the value of each rotation, such as 24h:
    by one or two token requests, at instants that differ from object to object."""
    adopt: StrictBool = False
    """true: a value that was set elsewhere is read from the tenant and delivered. The application of
    the credentials needs the scope read:client_keys for it, and each reading is logged at Auth0."""
