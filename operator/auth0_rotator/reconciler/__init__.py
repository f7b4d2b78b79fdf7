"""One pass over one rotation: observe, decide, act, report. The only orchestration."""

from auth0_rotator.reconciler.connections import Connections
from auth0_rotator.reconciler.desk import AnyKey, Desk
from auth0_rotator.reconciler.loop import Reconciler
from auth0_rotator.reconciler.world import World

__all__ = ["AnyKey", "Connections", "Desk", "Reconciler", "World"]
