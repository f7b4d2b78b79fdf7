"""The outage of a rotation, in parts."""

from datetime import timedelta
from typing import Any

import pytest

from auth0_rotator.budget import entry_of, has_begun, milliseconds_since, told
from examples import NOW

WRITTEN = "since the tenant took it: Secret written after 0.012 s"


def test_the_entry_of_a_rotation_is_found_among_others() -> None:
    history = [{"id": "02", "result": "success"}, {"id": "01", "result": "failed"}]
    assert entry_of(history, "01") is history[1]
    assert entry_of(history, "03") == {}


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        pytest.param({}, False, id="nobody-told"),
        pytest.param({"id": "01", "verifiedMilliseconds": 5}, False, id="taken-over"),
        pytest.param({"id": "01", "deliveredMilliseconds": 0}, True, id="delivered-at-once"),
    ],
)
def test_only_what_was_seen_from_its_beginning_is_measured(
    entry: dict[str, Any], *, expected: bool
) -> None:
    assert has_begun(entry) is expected


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        pytest.param(timedelta(0), 0, id="at-once"),
        pytest.param(timedelta(microseconds=1999), 1, id="a-part-of-a-millisecond-is-left-out"),
        pytest.param(timedelta(minutes=2), 120_000, id="minutes"),
        pytest.param(timedelta(seconds=-1), 0, id="the-clock-was-set-back"),
    ],
)
def test_a_part_is_measured_in_whole_milliseconds(later: timedelta, expected: int) -> None:
    assert milliseconds_since(NOW, NOW + later) == expected


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        pytest.param({"id": "01"}, "", id="nothing"),
        pytest.param({"deliveredMilliseconds": 12}, WRITTEN, id="written"),
        pytest.param(
            {"rolledMilliseconds": 61_001, "verifiedMilliseconds": 250, "deliveredMilliseconds": 12},
            f"{WRITTEN}, first login after 0.250 s, last consumer restarted after 61.001 s",
            id="all-in-their-order",
        ),
        pytest.param(
            {"rolledMilliseconds": 0},
            "since the tenant took it: last consumer restarted after 0.000 s",
            id="restarted-only",
        ),
    ],
)
def test_what_is_known_is_told_in_seconds(entry: dict[str, Any], expected: str) -> None:
    assert told(entry) == expected
