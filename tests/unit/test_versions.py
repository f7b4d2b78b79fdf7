"""Which version of an object is news."""

from typing import Any

import pytest

from auth0_rotator.versions import Versions, name_of


def body(version: int, **metadata: Any) -> dict[str, Any]:
    return {"metadata": {"name": "acme", "resourceVersion": str(version)} | metadata}


@pytest.mark.parametrize("version", [0, 7])
def test_whatever_comes_first_is_news(version: int) -> None:
    """Catches a version that counts as seen before anything was."""
    assert Versions().is_put("Secret", body(version), is_there=False)
    assert Versions().is_drop("Secret", body(version))


@pytest.mark.parametrize(
    ("version", "is_there", "is_news"),
    [
        pytest.param(6, True, False, id="older"),
        pytest.param(6, False, False, id="older-of-what-was-dropped"),
        pytest.param(7, True, False, id="the-same"),
        pytest.param(7, False, True, id="the-same-of-what-was-dropped"),
        pytest.param(8, True, True, id="newer"),
    ],
)
def test_a_version_is_news_where_it_is_newer_or_comes_back(
    version: int, *, is_there: bool, is_news: bool
) -> None:
    versions = Versions()
    versions.is_put("Secret", body(7), is_there=False)
    assert versions.is_put("Secret", body(version), is_there=is_there) is is_news


@pytest.mark.parametrize(
    ("metadata", "name"),
    [
        pytest.param({"namespace": "team-a"}, ("Secret", "team-a", "acme"), id="in-a-namespace"),
        pytest.param({}, ("Secret", "", "acme"), id="of-the-cluster"),
    ],
)
def test_a_name_says_where_an_object_is(metadata: dict[str, str], name: tuple[str, str, str]) -> None:
    """Catches a place that no list could name: what lives in no namespace would always be missed."""
    assert name_of("Secret", body(1, **metadata)) == name


def test_what_lives_in_no_namespace_is_missed_only_where_a_list_does_not_show_it() -> None:
    versions = Versions()
    versions.is_put("Secret", body(7), is_there=False)
    assert versions.unlisted("Secret", None, {("", "acme")}, 9) == {}
    assert versions.unlisted("Secret", None, set(), 9) == {("Secret", "", "acme"): 7}
