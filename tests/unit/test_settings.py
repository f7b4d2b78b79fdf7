"""What `auth0-rotator` was told: by command, by flag, by variable, by default."""

from pathlib import Path

import pytest

from auth0_rotator.__main__ import USAGE, main
from auth0_rotator.schedule import IntervalUnit
from auth0_rotator.settings import LogFormat, LogLevel, Settings, parse_settings, split_address


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what this machine says out of it."""
    for name in Settings.model_fields:
        monkeypatch.delenv(f"AUTH0_ROTATOR_{name.upper()}", raising=False)


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Return the line to stderr with which bad arguments end the process."""
    with pytest.raises(SystemExit) as end:
        parse_settings(arguments)
    assert end.value.code == 2
    written = capsys.readouterr()
    assert written.out == ""
    assert written.err.endswith("\n")
    assert written.err.count("\n") == 1
    return written.err.strip()


def test_what_is_not_said_has_the_defaults_of_the_contract() -> None:
    assert parse_settings(["--all-namespaces"]).model_dump() == {
        "all_namespaces": True,
        "namespace": (),
        "leader_elect": True,
        "cluster_resource_namespace": None,
        "concurrency": 16,
        "metrics_address": "0.0.0.0:8080",
        "health_address": "0.0.0.0:8081",
        "log_format": LogFormat.JSON,
        "log_level": LogLevel.INFO,
        "allow_insecure_endpoints": False,
        "interval_unit": IntervalUnit.DAYS,
        "force_interval_unit": False,
        "webhook_url": None,
        "webhook_secret_file": None,
    }


def test_every_flag_is_understood() -> None:
    arguments = (
        "--namespace team-a --namespace team-b --no-leader-elect --cluster-resource-namespace vault "
        "--concurrency 3 --metrics-address 127.0.0.1:0 --health-address :9 --log-format text "
        "--log-level debug --allow-insecure-endpoints --interval-unit minutes --force-interval-unit "
        "--webhook-url https://hooks.example.com/in?team=a --webhook-secret-file /run/hook/secret"
    )
    assert parse_settings(arguments.split()).model_dump() == {
        "all_namespaces": False,
        "namespace": ("team-a", "team-b"),
        "leader_elect": False,
        "cluster_resource_namespace": "vault",
        "concurrency": 3,
        "metrics_address": "127.0.0.1:0",
        "health_address": ":9",
        "log_format": LogFormat.TEXT,
        "log_level": LogLevel.DEBUG,
        "allow_insecure_endpoints": True,
        "interval_unit": IntervalUnit.MINUTES,
        "force_interval_unit": True,
        "webhook_url": "https://hooks.example.com/in?team=a",
        "webhook_secret_file": Path("/run/hook/secret"),
    }


VARIABLES = [
    ("NAMESPACE", "team-a", "namespace", ("team-a",)),
    ("NAMESPACE", "team-a, team-b,,", "namespace", ("team-a", "team-b")),
    ("ALL_NAMESPACES", "true", "all_namespaces", True),
    ("LEADER_ELECT", "false", "leader_elect", False),
    ("CLUSTER_RESOURCE_NAMESPACE", "vault", "cluster_resource_namespace", "vault"),
    ("CONCURRENCY", "7", "concurrency", 7),
    ("METRICS_ADDRESS", "[::]:1", "metrics_address", "[::]:1"),
    ("HEALTH_ADDRESS", "localhost:1", "health_address", "localhost:1"),
    ("LOG_FORMAT", "text", "log_format", LogFormat.TEXT),
    ("LOG_LEVEL", "error", "log_level", LogLevel.ERROR),
    ("ALLOW_INSECURE_ENDPOINTS", "1", "allow_insecure_endpoints", True),
    ("INTERVAL_UNIT", "minutes", "interval_unit", IntervalUnit.MINUTES),
    ("FORCE_INTERVAL_UNIT", "true", "force_interval_unit", True),
    ("WEBHOOK_URL", "https://[::1]:8443", "webhook_url", "https://[::1]:8443"),
    ("WEBHOOK_SECRET_FILE", "/run/hook/secret", "webhook_secret_file", Path("/run/hook/secret")),
]
# What a setting is not taken without.
COMPANIONS = {
    "WEBHOOK_URL": ("--webhook-secret-file", "/run/hook/secret"),
    "WEBHOOK_SECRET_FILE": ("--webhook-url", "https://hooks.example.com"),
}


@pytest.mark.parametrize(
    ("variable", "text", "name", "value"),
    VARIABLES,
    ids=[f"{name}={text}" for name, text, *_ in VARIABLES],
)
def test_every_flag_has_a_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, text: str, name: str, value: object
) -> None:
    monkeypatch.setenv(f"AUTH0_ROTATOR_{variable}", text)
    arguments = [] if "NAMESPACE" in variable and "CLUSTER" not in variable else ["--all-namespaces"]
    assert getattr(parse_settings([*arguments, *COMPANIONS.get(variable, ())]), name) == value


def test_every_setting_has_been_tried_above() -> None:
    assert {name for _, _, name, _ in VARIABLES} == set(Settings.model_fields)


def test_a_flag_wins_over_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTH0_ROTATOR_CONCURRENCY", "7")
    monkeypatch.setenv("AUTH0_ROTATOR_LEADER_ELECT", "false")
    monkeypatch.setenv("AUTH0_ROTATOR_NAMESPACE", "team-a,team-b")
    found = parse_settings(["--concurrency", "8", "--leader-elect", "--namespace", "team-c"])
    assert (found.concurrency, found.leader_elect, found.namespace) == (8, True, ("team-c",))


def test_settings_cannot_be_changed() -> None:
    found = parse_settings(["--all-namespaces"])
    with pytest.raises(ValueError, match="frozen"):
        found.concurrency = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("variable", "default"),
    [("CONCURRENCY", 16), ("LOG_FORMAT", LogFormat.JSON), ("CLUSTER_RESOURCE_NAMESPACE", None)],
    ids=lambda value: str(value).lower(),
)
def test_an_empty_variable_counts_as_none(
    monkeypatch: pytest.MonkeyPatch, variable: str, default: object
) -> None:
    monkeypatch.setenv(f"AUTH0_ROTATOR_{variable}", "")
    assert getattr(parse_settings(["--all-namespaces"]), variable.lower()) == default


NOBODY = "auth0-rotator: say either --all-namespaces or --namespace NAME (which may be repeated)"


@pytest.mark.parametrize(
    "arguments", [pytest.param([], id="neither"), pytest.param(["--no-all-namespaces"], id="not-all")]
)
def test_somebody_must_be_served(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(capsys, *arguments) == NOBODY


@pytest.mark.parametrize("text", ["", " , "])
def test_an_empty_variable_names_no_namespace(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    """To serve a namespace without a name would be to serve all."""
    monkeypatch.setenv("AUTH0_ROTATOR_NAMESPACE", text)
    assert refused(capsys) == NOBODY


@pytest.mark.parametrize(
    ("arguments", "variables", "told"),
    [
        (["--all-namespaces", "--namespace", "a"], {}, "--all-namespaces or --namespace"),
        (["--all-namespaces"], {"NAMESPACE": "a"}, "--all-namespaces or AUTH0_ROTATOR_NAMESPACE"),
        (["--namespace", "a"], {"ALL_NAMESPACES": "1"}, "AUTH0_ROTATOR_ALL_NAMESPACES or --namespace"),
        (
            [],
            {"ALL_NAMESPACES": "true", "NAMESPACE": "a"},
            "AUTH0_ROTATOR_ALL_NAMESPACES or AUTH0_ROTATOR_NAMESPACE",
        ),
    ],
    ids=["flags", "flag-and-variable", "variable-and-flag", "variables"],
)
def test_who_contradicts_whom_is_told(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    variables: dict[str, str],
    told: str,
) -> None:
    for name, text in variables.items():
        monkeypatch.setenv(f"AUTH0_ROTATOR_{name}", text)
    assert refused(capsys, *arguments) == f"auth0-rotator: say either {told}, not both"


LABEL = "up to 63 lower case letters, digits and hyphens, with a letter or digit at both ends"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Team A", "'Team A'"),
        ("Team", "Team"),
        ("team_a", "team_a"),
        ("a.b", "a.b"),
        ("team-", "team-"),
        ("", "''"),
        ("a\nb", r"'a\nb'"),
        ("a" * 64, "a" * 64),
        ("team-a,team-b", "team-a,team-b"),
    ],
    ids=lambda text: text[:15] or "empty",
)
def test_a_namespace_is_a_dns_label(name: str, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An empty one, of `--namespace "$NS"` with NS unset, would mean all of them."""
    for flag in ("--namespace", "--cluster-resource-namespace"):
        arguments = ("--namespace", "a", flag, name)
        told = f"auth0-rotator: {flag}: {shown} is no DNS label: {LABEL}"
        assert refused(capsys, *arguments) == told


def test_the_longest_and_the_shortest_namespace_are_taken() -> None:
    arguments = ["--namespace", "a" * 63, "--namespace", "0", "--namespace", "a--b"]
    assert parse_settings(arguments).namespace == ("a" * 63, "0", "a--b")


BAD_VALUES = [
    ("concurrency", "0", "0 is not a whole number from 1 to 1000"),
    ("concurrency", "1001", "1001 is not a whole number from 1 to 1000"),
    ("concurrency", "many hands", "'many hands' is not a whole number from 1 to 1000"),
    ("concurrency", "1.5", "1.5 is not a whole number from 1 to 1000"),
    ("log_format", "xml", "xml is not json or text"),
    ("log_level", "loud", "loud is not debug, info, warning or error"),
    ("interval_unit", "weeks", "weeks is not days or minutes"),
    ("metrics_address", "8080", "8080 is not host:port"),
    ("health_address", "localhost:http", "localhost:http is not host:port"),
    ("cluster_resource_namespace", "Vault", f"Vault is no DNS label: {LABEL}"),
]


@pytest.mark.parametrize(
    ("name", "value", "told"), BAD_VALUES, ids=[f"{name}={value}" for name, value, _ in BAD_VALUES]
)
def test_a_bad_value_is_told_in_one_line_with_who_said_it(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    value: str,
    told: str,
) -> None:
    flag, variable = f"--{name.replace('_', '-')}", f"AUTH0_ROTATOR_{name.upper()}"
    assert refused(capsys, "--all-namespaces", flag, value) == f"auth0-rotator: {flag}: {told}"
    monkeypatch.setenv(variable, value)
    assert refused(capsys, "--all-namespaces") == f"auth0-rotator: {variable}: {told}"
    # A variable is not even looked at where its flag is given.
    assert refused(capsys, "--all-namespaces", flag, value) == f"auth0-rotator: {flag}: {told}"


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("LEADER_ELECT", "maybe", "maybe is not true or false"),
        ("ALL_NAMESPACES", "2", "2 is not true or false"),
        ("NAMESPACE", "team-a,Team A", f"'Team A' is no DNS label: {LABEL}"),
    ],
    ids=["a-switch", "the-switch", "one-of-several"],
)
def test_what_only_a_variable_can_say_wrong_is_told_too(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    value: str,
    told: str,
) -> None:
    monkeypatch.setenv(f"AUTH0_ROTATOR_{name}", value)
    assert refused(capsys) == f"auth0-rotator: AUTH0_ROTATOR_{name}: {told}"


NO_URL = "this is no URL that begins with https://"


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("", NO_URL),
        ("hooks.example.com/told-nobody", NO_URL),
        ("ftp://hooks.example.com/told-nobody", NO_URL),
        ("https:///told-nobody", NO_URL),
        ("https://:8443/told-nobody", NO_URL),
        ("https://hooks.example.com:0/told-nobody", NO_URL),
        ("https://hooks.example.com:99999/told-nobody", NO_URL),
        ("https://[::1/told-nobody", NO_URL),
        ("https://hooks.example.com/told nobody", NO_URL),
        ("https://hooks.example.com/told-nobody\nat-all", NO_URL),
        (
            "https://told-nobody:told-nobody@hooks.example.com",
            "credentials in the URL are not used: the signature says who sends",
        ),
        (
            "https://told-nobody@hooks.example.com",
            "credentials in the URL are not used: the signature says who sends",
        ),
    ],
    ids=lambda text: text[:60] or "empty",
)
def test_a_url_is_refused_without_being_shown(
    url: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever can read the log of a pod must not learn the path by which anybody may post."""
    arguments = ("--all-namespaces", "--webhook-secret-file=/run/hook/secret", f"--webhook-url={url}")
    assert refused(capsys, *arguments) == f"auth0-rotator: --webhook-url: {told}"


URL_FLAG = "--webhook-url=https://hooks.example.com"
FILE_FLAG = "--webhook-secret-file=/run/hook/secret"


@pytest.mark.parametrize(
    ("variables", "arguments", "told"),
    [
        ({}, [URL_FLAG], "--webhook-url needs --webhook-secret-file as well"),
        ({}, [FILE_FLAG], "--webhook-secret-file needs --webhook-url as well"),
        (
            {"WEBHOOK_URL": "https://hooks.example.com"},
            [],
            "AUTH0_ROTATOR_WEBHOOK_URL needs --webhook-secret-file as well",
        ),
        (
            {"WEBHOOK_SECRET_FILE": "/run/hook/secret", "WEBHOOK_URL": ""},
            [],
            "AUTH0_ROTATOR_WEBHOOK_SECRET_FILE needs --webhook-url as well",
        ),
        (
            {},
            ["--webhook-url=http://hooks.example.com", FILE_FLAG],
            "--webhook-url: plain http needs --allow-insecure-endpoints",
        ),
        (
            {"WEBHOOK_URL": "HTTP://hooks.example.com"},
            [FILE_FLAG],
            "AUTH0_ROTATOR_WEBHOOK_URL: plain http needs --allow-insecure-endpoints",
        ),
    ],
    ids=["no-file", "no-url", "variable-alone", "empty-url", "plain", "plain-variable"],
)
def test_what_the_webhook_lacks_is_told(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variables: dict[str, str],
    arguments: list[str],
    told: str,
) -> None:
    for name, text in variables.items():
        monkeypatch.setenv(f"AUTH0_ROTATOR_{name}", text)
    assert refused(capsys, "--all-namespaces", *arguments) == f"auth0-rotator: {told}"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--webhook-url=HTTPS://hooks.example.com:8443/x"],
        ["--webhook-url=http://127.0.0.1:9", "--allow-insecure-endpoints"],
        ["--webhook-url=https://hooks.example.com/x\n"],
    ],
    ids=["https", "http-in-a-rehearsal", "with-a-line-end"],
)
def test_a_webhook_with_all_it_needs_is_taken(arguments: list[str]) -> None:
    found = parse_settings(["--all-namespaces", FILE_FLAG, *arguments])
    assert found.webhook_url == arguments[0].removeprefix("--webhook-url=").strip()


@pytest.mark.parametrize("limit", ["1", "1000"])
def test_the_number_of_workers_has_limits(limit: str) -> None:
    assert parse_settings(["--all-namespaces", "--concurrency", limit]).concurrency == int(limit)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--frobnicate"], "auth0-rotator: unrecognized arguments: --frobnicate"),
        (["--concurrency"], "auth0-rotator: argument --concurrency: expected one argument"),
        (["team-a"], "auth0-rotator: unrecognized arguments: team-a"),
        (["--concurr", "3"], "auth0-rotator: unrecognized arguments: --concurr 3"),
    ],
    ids=["unknown", "no-value", "stray", "abbreviated"],
)
def test_a_bad_flag_is_told_in_one_line(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refused(capsys, "--all-namespaces", *arguments) == told


def test_help_tells_every_flag(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        parse_settings(["--help"])
    assert end.value.code == 0
    told = capsys.readouterr().out
    for name, field in Settings.model_fields.items():
        assert f"  --{name.replace('_', '-')}" in told
        assert f"  AUTH0_ROTATOR_{name.upper()} " in told
        assert field.description
        assert field.description in " ".join(told.split())
    assert "usage: auth0-rotator run" in told


@pytest.mark.parametrize("name", ["concurrency", "metrics_address", "health_address"])
def test_help_tells_the_default(name: str) -> None:
    field = Settings.model_fields[name]
    assert f"(default {field.default})" in str(field.description)


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_the_command_tells_its_usage(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([flag]) == 0
    assert capsys.readouterr() == (f"{USAGE}\n", "")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], ""),
        (["status"], "auth0-rotator: unknown command status\n"),
        (["status", "web"], "auth0-rotator: unknown command status\n"),
        (["--all-namespaces"], "auth0-rotator: unknown command --all-namespaces\n"),
    ],
    ids=["none", "unknown", "unknown-with-more", "a-flag"],
)
def test_what_is_no_command_is_told_with_the_usage(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr() == ("", f"{told}{USAGE}\n")


def test_without_a_list_the_command_reads_its_own_arguments(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["auth0-rotator", "run", "--frobnicate"])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    assert "--frobnicate" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("10.0.0.1:8080", ("10.0.0.1", 8080)),
        ("localhost:0", ("localhost", 0)),
        (":65535", ("", 65535)),
        ("[::1]:80", ("::1", 80)),
        ("[::]:80", ("::", 80)),
    ],
)
def test_an_address_is_host_and_port(address: str, expected: tuple[str, int]) -> None:
    assert split_address(address) == expected


@pytest.mark.parametrize(
    "address",
    [
        "",
        "localhost",
        "localhost:",
        "8080",
        ":",
        "localhost:65536",
        "localhost:-1",
        "localhost:1.5",
        "a:b",
    ],
)
def test_anything_else_is_no_address(address: str) -> None:
    with pytest.raises(ValueError, match="is not host:port"):
        split_address(address)
