"""Errors by their consequence."""

from datetime import timedelta

import pytest

from auth0_rotator.errors import Contested, Refused, Retry, RotatorError, Stale, Unknown


@pytest.mark.parametrize("kind", [Retry, Refused, Unknown, Stale])
def test_an_error_keeps_its_reason_and_shows_its_sentence(kind: type[RotatorError]) -> None:
    error = kind("Unreachable", "acme.eu.auth0.com cannot be reached")
    assert error.reason == "Unreachable"
    assert error.message == "acme.eu.auth0.com cannot be reached"
    assert str(error) == "acme.eu.auth0.com cannot be reached"


def test_a_retry_keeps_the_wait_that_was_asked_for() -> None:
    assert Retry("RateLimited", "busy").after is None
    assert Retry("RateLimited", "busy", timedelta(seconds=7)).after == timedelta(seconds=7)


def test_a_contested_write_names_who_holds_the_fields() -> None:
    error = Contested("TargetContested", "held by helm", ("helm", "argocd"))
    assert (error.reason, error.message) == ("TargetContested", "held by helm")
    assert error.managers == ("helm", "argocd")


def test_no_consequence_is_taken_for_another() -> None:
    kinds = [Retry, Refused, Unknown, Stale, Contested]
    pairs = [(one, other) for one in kinds for other in kinds if one is not other]
    assert not [(one, other) for one, other in pairs if issubclass(one, other)]
    assert all(issubclass(kind, RotatorError) for kind in kinds)
