"""`make bench-herd`: a thousand rotations that are due at one instant, at two a second.

HERD_COUNT and HERD_RATE choose other numbers. Ends with 1 where it was not as it should be.
"""

import asyncio
import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Final

import yaml

from auth0_simulator import Simulator
from controlplane import ControlPlane
from harness.herd import Herd
from harness.installation import OPERATOR_NAMESPACE, install_crds, install_operator
from harness.kube import Kube
from harness.process import OperatorProcess

COUNT: Final = 1000
RATE: Final = 2.0
NAMESPACE: Final = "herd"
MOST: Final = 1.15
# Created and adopted, one after the other, on a small machine.
SECONDS_TO_ADOPT: Final = 0.2


async def measure(plane: ControlPlane, count: int, rate: float) -> bool:
    """Run a herd with a restart in the middle, print its figures, and return whether they are good."""
    kube = Kube(plane, NAMESPACE)
    await kube.send("POST", "/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
    access = Path(plane.folder) / "operator.kubeconfig"
    token = await asyncio.to_thread(install_operator, plane)
    access.write_text(yaml.safe_dump(plane.kubeconfig_for(token)))
    operator = OperatorProcess(
        access,
        Path(plane.folder) / "operator.log",
        "--all-namespaces",
        "--interval-unit=minutes",
        environment={"POD_NAMESPACE": OPERATOR_NAMESPACE},
    )
    async with Simulator() as simulator:
        herd = Herd(kube, simulator, count, rate)
        try:
            await operator.start()
            await herd.gather(timedelta(seconds=30 + count * SECONDS_TO_ADOPT))
            print(f"{count} rotations have adopted their values", flush=True)
            figures = await herd.run(restart=operator)
        finally:
            await operator.kill()
            await kube.close()
    print(figures.line(), *herd.told_again(), sep="\n")
    is_paced = figures.limited == 0 and figures.changes == count and figures.ratio <= MOST
    return is_paced and figures.told_twice == 0 and figures.out_of_order == 0


def main() -> int:
    """Return 0 where all was as it should be."""
    count = int(os.environ.get("HERD_COUNT", COUNT))
    rate = float(os.environ.get("HERD_RATE", RATE))
    with ControlPlane(parts=("etcd", "kube-apiserver", "kube-controller-manager")) as plane:
        install_crds(plane)
        return 0 if asyncio.run(measure(plane, count, rate)) else 1


if __name__ == "__main__":
    sys.exit(main())
