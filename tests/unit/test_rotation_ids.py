"""Ids of rotations: their order says which value a consumer runs on."""

import pytest
from ulid import ULID

from auth0_rotator.reconciler.world import new_rotation_id

# A process whose clock was ahead by thousands of years, and one without clock at all.
LATE = "7" + "Z" * 24 + "Y"
LAST = "7" + "Z" * 25


def test_an_id_comes_after_the_one_before_it_also_where_that_clock_was_ahead() -> None:
    assert LATE < new_rotation_id(LATE) == LAST
    early = str(ULID.from_timestamp(1))
    assert early < new_rotation_id(early) < LATE


@pytest.mark.parametrize("after", ["", LAST, "zzz", "no id of ours"])
def test_whatever_stands_in_a_record_there_is_an_id(after: str) -> None:
    """Catches a rotation that fails for ever by what somebody wrote into an annotation."""
    assert len(new_rotation_id(after)) == 26
