"""`make soak`: stories for half an hour, SOAK_MINUTES for another time; then the figures, as the table
of docs/reliability.md.

As soon as a story goes wrong it ends with 1, the shortest such story, and the number that tells it
again.
"""

import logging
import os
import secrets
import sys
import time
from typing import Final

from controlplane import ControlPlane
from harness.installation import install_crds
from model.figures import Figures
from model.run import tell
from model.world import Violation

MINUTES: Final = 30.0
STORIES: Final = 20
STEPS: Final = 40
SHORTEN_SECONDS: Final = 300.0
PARTS: Final = ("etcd", "kube-apiserver", "kube-controller-manager")


def main() -> int:
    """Return 0 when no story went wrong."""
    logging.disable(logging.CRITICAL)
    minutes = float(os.environ.get("SOAK_MINUTES", MINUTES))
    number = int(os.environ.get("SOAK_SEED", secrets.randbelow(2**32)))
    print(f"stories for {minutes:g} minutes; the same again: SOAK_SEED={number}", flush=True)
    figures = Figures()
    with ControlPlane(parts=PARTS, audit=False) as plane:
        install_crds(plane)
        begin = time.monotonic()
        end = begin + 60 * minutes
        try:
            while time.monotonic() < end:
                tell(
                    plane,
                    figures,
                    stories=STORIES,
                    steps=STEPS,
                    number=number,
                    until=end,
                    shorten_seconds=SHORTEN_SECONDS,
                )
                number += 1
        except Violation as violation:
            print(f"\nSOAK_SEED={number}\n\n{violation}", file=sys.stderr)
            return 1
        finally:
            figures.minutes = (time.monotonic() - begin) / 60
            print(f"\n{figures.table()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
