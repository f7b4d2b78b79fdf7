"""One pass over one rotation: observe, decide, act, report. The only orchestration."""

from auth0_rotator.mirror import AnyKey
from auth0_rotator.reconciler.connections import Connections
from auth0_rotator.reconciler.desk import Desk
from auth0_rotator.reconciler.loop import Reconciler
from auth0_rotator.reconciler.namespaces import Namespaces
from auth0_rotator.reconciler.turns import Turns
from auth0_rotator.reconciler.world import World

__all__ = ["AnyKey", "Connections", "Desk", "Namespaces", "Reconciler", "Turns", "World"]
