"""Makes the mutants, has the unit tests look for them, and tells what is left: 0 where all is well."""

import sys
import time

from mutation.explanations import FILE, explanations, weighed
from mutation.functions import try_functions
from mutation.tables import try_tables
from mutation.workshop import ROOT, lay_out


def main() -> int:
    """Return 0 where every mutant was killed or is explained, and every explanation is needed."""
    begin = time.monotonic()
    workshop = lay_out()
    where = workshop.relative_to(ROOT)
    print(f"this takes minutes; {where}/mutmut.log says how far it is", flush=True)
    trials = {"tables": try_tables(workshop), "functions": try_functions(workshop)}
    survivors = [survivor for trial in trials.values() for survivor in trial.survivors]
    balance = weighed([survivor.mutant for survivor in survivors], explanations(FILE.read_text()))
    for survivor in sorted(survivors):
        if survivor.mutant in balance.unexplained:
            print(f"unexplained: {survivor}")
    for mutant in sorted(balance.stale):
        print(f"explained in vain: {mutant}")
    for name, trial in trials.items():
        unexplained = sum(survivor.mutant in balance.unexplained for survivor in trial.survivors)
        left = len(trial.survivors)
        print(
            f"{name}: {trial.count} mutants, {trial.count - left} killed, "
            f"{left - unexplained} explained, {unexplained} unexplained"
        )
    print(f"{len(balance.stale)} explained in vain; {time.monotonic() - begin:.0f} seconds")
    return 0 if balance.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
