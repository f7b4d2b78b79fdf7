"""What tests of behaviour stand on: a namespace of their own, a tenant, and an operator to drive."""

from harness.kube import Kube
from harness.manifests import connection, credentials, rotation
from harness.stage import Stage

__all__ = ["Kube", "Stage", "connection", "credentials", "rotation"]
