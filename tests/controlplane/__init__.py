"""A real Kubernetes control plane without containers, for tests and the demo."""

from controlplane.binaries import Binaries, CannotBuildError, resolve
from controlplane.plane import ControlPlane

__all__ = ["Binaries", "CannotBuildError", "ControlPlane", "resolve"]
