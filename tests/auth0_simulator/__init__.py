"""A stateful Auth0 tenant over real HTTP, for tests, rehearsals and the demo.

It knows what the operator uses of Auth0 (token, clients, change, rotate-secret), fails on demand
before and after the effect, and keeps a journal of what it was asked.
"""

from auth0_simulator.app import App
from auth0_simulator.faults import Gate, Moment, Operation
from auth0_simulator.journal import Entry
from auth0_simulator.server import Simulator
from auth0_simulator.tenant import Tenant

__all__ = ["App", "Entry", "Gate", "Moment", "Operation", "Simulator", "Tenant"]
