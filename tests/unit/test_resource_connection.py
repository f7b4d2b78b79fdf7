"""The spec of a connection: how a tenant is reached, and who may use it."""

from base64 import b64encode
from typing import Any

import pytest

from auth0_rotator.resource import ClusterConnectionSpec, ConnectionSpec, SpecInvalid, parse_spec

PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


def body(**changes: Any) -> dict[str, Any]:
    base = {"domain": "acme.eu.auth0.com", "credentialsSecretRef": {"name": "auth0-management"}}
    return base | changes


def spec(**changes: Any) -> ConnectionSpec:
    return parse_spec(ConnectionSpec, body(**changes))


def fault_of(**changes: Any) -> str:
    with pytest.raises(SpecInvalid) as fault:
        spec(**changes)
    return str(fault.value)


def encoded(text: str) -> str:
    return b64encode(text.encode()).decode()


def test_what_is_not_said_has_the_defaults_of_the_contract() -> None:
    found = spec()
    assert found.method.value == "client-credentials"
    assert found.management_audience == "https://acme.eu.auth0.com/api/v2/"
    assert found.base_url == "https://acme.eu.auth0.com"
    assert found.credentials_secret_ref.client_id_key == "clientId"
    assert found.credentials_secret_ref.client_secret_key == "clientSecret"
    assert (found.rate_limit.requests_per_second, found.rate_limit.burst) == (2, 2)
    assert (found.audience, found.endpoint, found.ca_bundle) == (None, None, None)


@pytest.mark.parametrize(
    "domain",
    ["acme.eu.auth0.com", "a.b", "acme-9.us.auth0.com", "x" * 60 + ".auth0.com"],
    ids=lambda d: d[:20],
)
def test_a_domain_is_a_host_of_two_labels_or_more(domain: str) -> None:
    assert spec(domain=domain).domain == domain


@pytest.mark.parametrize(
    "domain",
    [
        "",
        "acme",
        "https://acme.eu.auth0.com",
        "acme.eu.auth0.com/",
        "Acme.eu.auth0.com",
        "acme..com",
        ".acme.com",
        "acme.com.",
        "-acme.com",
        "acme-.com",
        "acme.com:443",
        "acme.com\n",
        "a.b" + "c" * 251,
    ],
    ids=lambda domain: domain[:30] or "empty",
)
def test_anything_else_is_no_domain(domain: str) -> None:
    assert fault_of(domain=domain).startswith("spec.domain: ")


@pytest.mark.parametrize("audience", ["https://acme.eu.auth0.com/api/v2/", "/"])
def test_an_audience_ends_in_a_slash(audience: str) -> None:
    assert spec(audience=audience).management_audience == audience


def test_an_audience_without_its_slash_is_refused_for_auth0_would_not_know_it() -> None:
    assert fault_of(audience="https://acme.eu.auth0.com/api/v2") == (
        "spec.audience: audience must end in a slash: Auth0 knows it as https://DOMAIN/api/v2/"
    )


def test_an_explicit_null_is_the_default() -> None:
    found = spec(audience=None, endpoint=None, caBundle=None)
    assert (found.audience, found.endpoint, found.ca_bundle) == (None, None, None)


@pytest.mark.parametrize(
    ("endpoint", "base_url"),
    [
        ("https://proxy.internal", "https://proxy.internal"),
        ("https://proxy.internal/", "https://proxy.internal"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("https://[::1]:8443/", "https://[::1]:8443"),
        ("https://PROXY.INTERNAL.XX/", "https://PROXY.INTERNAL.XX"),
    ],
)
def test_requests_go_to_the_endpoint(endpoint: str, base_url: str) -> None:
    assert spec(endpoint=endpoint).base_url == base_url
    assert spec(endpoint=endpoint).way == f"acme.eu.auth0.com by {base_url}"
    assert spec(endpoint=endpoint).management_audience == "https://acme.eu.auth0.com/api/v2/"


@pytest.mark.parametrize(
    "endpoint",
    [
        "proxy.internal",
        "ftp://proxy.internal",
        "https://",
        "https:///path",
        "https://proxy.internal/auth0",
        "https://proxy.internal//",
        "//proxy.internal",
        "unix:/run/proxy",
    ],
)
def test_an_endpoint_that_is_no_plain_url_is_refused(endpoint: str) -> None:
    assert fault_of(endpoint=endpoint) == (
        "spec.endpoint: endpoint must be a URL with https (or http for rehearsals) and no path"
    )


@pytest.mark.parametrize(
    "endpoint", ["", "https://[::1", "https://" + "x" * 512], ids=["empty", "bracket", "long"]
)
def test_an_endpoint_that_cannot_be_read_is_refused_at_its_place(endpoint: str) -> None:
    assert fault_of(endpoint=endpoint).startswith("spec.endpoint: ")


@pytest.mark.parametrize(
    "endpoint",
    ["https://proxy.internal?tenant=a", "https://proxy.internal/#x", "https://user:word@proxy.internal"],
    ids=["query", "fragment", "credentials"],
)
def test_an_endpoint_has_nothing_but_scheme_host_and_port(endpoint: str) -> None:
    """A path is put after it; and credentials in a spec would be there for all to read."""
    assert fault_of(endpoint=endpoint).startswith("spec.endpoint: ")


def test_certificates_come_as_base64_of_pem() -> None:
    assert spec(caBundle=encoded(PEM)).ca_bundle == encoded(PEM)


@pytest.mark.parametrize(
    "bundle",
    [encoded("no certificate"), PEM.replace("-----BEGIN", "-----END")],
    ids=["other-text", "bare-pem"],
)
def test_anything_else_is_no_bundle(bundle: str) -> None:
    assert fault_of(caBundle=bundle).startswith("spec.caBundle: ")


def test_a_bundle_of_something_else_says_what_it_must_be() -> None:
    assert fault_of(caBundle=encoded("no certificate")) == (
        "spec.caBundle: caBundle must be base64 of PEM certificates"
    )


@pytest.mark.parametrize(
    ("limit", "is_valid"),
    [
        ({"requestsPerSecond": 0.5, "burst": 1}, True),
        ({"requestsPerSecond": 1000, "burst": 1000}, True),
        ({"requestsPerSecond": 0}, False),
        ({"requestsPerSecond": 1001}, False),
        ({"burst": 0}, False),
        ({"burst": 1001}, False),
    ],
    ids=str,
)
def test_a_rate_has_limits(limit: dict[str, float], *, is_valid: bool) -> None:
    if is_valid:
        assert spec(rateLimit=limit).rate_limit.burst == limit["burst"]
    else:
        assert fault_of(rateLimit=limit).startswith("spec.rateLimit.")


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"method": "private-key-jwt"}, "spec.method: "),
        ({"credentialsSecretRef": {}}, "spec.credentialsSecretRef.name: "),
        (
            {"credentialsSecretRef": {"name": "a", "clientIdKey": "a b"}},
            "spec.credentialsSecretRef.clientIdKey: ",
        ),
    ],
    ids=["method", "no-secret", "key"],
)
def test_what_makes_no_sense_is_refused_at_its_place(changes: dict[str, Any], place: str) -> None:
    assert fault_of(**changes).startswith(place)


def test_the_keys_of_the_credentials_can_be_named() -> None:
    reference = {"name": "a", "clientIdKey": "ID", "clientSecretKey": "SECRET"}
    found = spec(credentialsSecretRef=reference).credentials_secret_ref
    assert (found.name, found.client_id_key, found.client_secret_key) == ("a", "ID", "SECRET")


# The cluster's kind ----------------------------------------------------------------------------


def test_a_connection_of_the_cluster_admits_nobody_by_default() -> None:
    assert parse_spec(ClusterConnectionSpec, body()).allowed_namespaces == []


def test_an_entry_admits_by_name_or_selector_and_for_clients() -> None:
    entries = [
        {"names": ["team-a", "team-b"]},
        {"selector": {"matchLabels": {"auth0": "yes"}}, "clientIds": ["A"]},
        {"selector": {}, "clientIds": []},
        {},
    ]
    found = parse_spec(ClusterConnectionSpec, body(allowedNamespaces=entries)).allowed_namespaces
    assert [entry.names for entry in found] == [["team-a", "team-b"], [], [], []]
    assert [entry.client_ids for entry in found] == [None, ["A"], [], None]
    assert [entry.selector.match_labels if entry.selector else None for entry in found] == [
        None,
        {"auth0": "yes"},
        {},
        None,
    ]
