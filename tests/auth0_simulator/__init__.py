"""A stateful Auth0 tenant over real HTTP, for tests, rehearsals and the demo.

It knows what the operator uses of Auth0 (token, clients, change, rotate-secret), fails on demand
before and after the effect, and keeps a journal of what it was asked.

Where Auth0's answer is documented or recorded, this one is the same in status, headers, envelope and
keys; tests/simulator/ holds it to that. Where nobody has seen Auth0's answer, the module that gives
ours says so under "Guessed".
"""

from auth0_simulator.app import App
from auth0_simulator.faults import Fault, Gate, Moment, Operation
from auth0_simulator.journal import Entry, Malformed
from auth0_simulator.server import Simulator
from auth0_simulator.tenant import Tenant

__all__ = ["App", "Entry", "Fault", "Gate", "Malformed", "Moment", "Operation", "Simulator", "Tenant"]
