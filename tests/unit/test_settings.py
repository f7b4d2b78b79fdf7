"""What `auth0-rotator` was told: by command, by flag, by variable, by default."""

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
        "cluster_resource_namespace": "",
        "concurrency": 16,
        "metrics_address": "0.0.0.0:8080",
        "health_address": "0.0.0.0:8081",
        "log_format": LogFormat.JSON,
        "log_level": LogLevel.INFO,
        "allow_insecure_endpoints": False,
        "interval_unit": IntervalUnit.DAYS,
    }


def test_every_flag_is_understood() -> None:
    arguments = (
        "--namespace team-a --namespace team-b --no-leader-elect --cluster-resource-namespace vault "
        "--concurrency 3 --metrics-address 127.0.0.1:0 --health-address :9 --log-format text "
        "--log-level debug --allow-insecure-endpoints --interval-unit minutes"
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
    }


VARIABLES = [
    ("NAMESPACE", "team-a", "namespace", ("team-a",)),
    ("NAMESPACE", "team-a,,team-b", "namespace", ("team-a", "team-b")),
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
]


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
    assert getattr(parse_settings(arguments), name) == value


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


NOT_CLEAR = "auth0-rotator: say either --all-namespaces or --namespace NAME (which may be repeated)"


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param([], id="neither"),
        pytest.param(["--all-namespaces", "--namespace", "team-a"], id="both"),
        pytest.param(["--no-all-namespaces"], id="not-all-and-none"),
    ],
)
def test_the_namespaces_must_be_clear(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(capsys, *arguments) == NOT_CLEAR


def test_an_empty_variable_names_no_namespace(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AUTH0_ROTATOR_NAMESPACE", "")
    assert refused(capsys) == NOT_CLEAR


def test_an_empty_flag_names_no_namespace(capsys: pytest.CaptureFixture[str]) -> None:
    """`--namespace "$NS"` with NS unset: to serve a namespace without a name would be to serve all."""
    refused(capsys, "--namespace", "")


@pytest.mark.parametrize(
    ("flag", "value", "told"),
    [
        ("--concurrency", "0", "--concurrency: Input should be greater than or equal to 1"),
        ("--concurrency", "1001", "--concurrency: Input should be less than or equal to 1000"),
        (
            "--concurrency",
            "many",
            "--concurrency: Input should be a valid integer, unable to parse string as an integer",
        ),
        ("--log-format", "xml", "--log-format: Input should be 'json' or 'text'"),
        ("--log-level", "loud", "--log-level: Input should be 'debug', 'info', 'warning' or 'error'"),
        ("--interval-unit", "weeks", "--interval-unit: Input should be 'days' or 'minutes'"),
        ("--metrics-address", "8080", "--metrics-address: 8080 is not host:port"),
        ("--health-address", "localhost:http", "--health-address: localhost:http is not host:port"),
    ],
    ids=lambda text: text[:40],
)
def test_a_bad_value_is_told_in_one_line_with_its_flag(
    flag: str, value: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refused(capsys, "--all-namespaces", flag, value) == f"auth0-rotator: {told}"


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
    for name in Settings.model_fields:
        assert f"--{name.replace('_', '-')}" in told
    assert "usage: auth0-rotator run" in told


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
