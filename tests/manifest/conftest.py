"""The operator as deploy/base installs it, in the control plane of the whole run."""

from collections.abc import Iterator
from typing import Final

import pytest

from controlplane import ControlPlane
from harness.installation import ROOT
from manifest.kustomize import Manifest, rendered
from manifest.submission import apply, path_of

BASE: Final = ROOT / "deploy" / "base"
# What would go on running. The rest does nothing by itself, and other tests may use it.
_RUNS: Final = frozenset({"Deployment", "PodDisruptionBudget"})


@pytest.fixture(scope="module")
def installed(plane: ControlPlane) -> Iterator[list[Manifest]]:
    """The objects of deploy/base, applied in order."""
    manifests = rendered(BASE)
    for manifest in manifests:
        status, answer = apply(plane, manifest)
        assert status in {200, 201}, answer
    yield manifests
    for manifest in manifests:
        if manifest["kind"] in _RUNS:
            plane.request("DELETE", path_of(manifest))
