"""Who reads a Secret, and whom another tool restarts."""

from typing import Any

import pytest

from auth0_rotator.discovery import restarter_of, secrets_used

AUTO = "reloader.stakater.com/auto"
SECRETS_AUTO = "secret.reloader.stakater.com/auto"
RELOAD = "secret.reloader.stakater.com/reload"
EXCLUDE = "secrets.exclude.reloader.stakater.com/reload"
SEARCH = "reloader.stakater.com/search"
MATCH = "reloader.stakater.com/match"
IGNORE = "reloader.stakater.com/ignore"
WAVE = "wave.pusher.com/update-on-config-change"


def env(name: str) -> dict[str, Any]:
    return {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": name, "key": "k"}}}]}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param({}, set(), id="nothing"),
        pytest.param({"containers": None, "volumes": None}, set(), id="null"),
        pytest.param({"containers": [{"name": "main"}, env("web")]}, {"web"}, id="env"),
        pytest.param(
            {
                "containers": [
                    {"envFrom": [{"configMapRef": {"name": "c"}}, {"secretRef": {"name": "web"}}]}
                ]
            },
            {"web"},
            id="envFrom",
        ),
        pytest.param(
            {"initContainers": [env("first")], "containers": [env("web")]}, {"first", "web"}, id="init"
        ),
        pytest.param(
            {"volumes": [{"configMap": {"name": "c"}}, {"secret": {"secretName": "web"}}]},
            {"web"},
            id="volume",
        ),
        pytest.param(
            {
                "volumes": [
                    {
                        "projected": {
                            "sources": [
                                {"configMap": {"name": "c"}},
                                {"secret": {"name": "web"}},
                                {"secret": {"name": "two"}},
                            ]
                        }
                    }
                ]
            },
            {"web", "two"},
            id="projected",
        ),
        pytest.param(
            {
                "containers": [
                    {
                        "env": [
                            {"name": "A", "value": "web"},
                            {"name": "B", "valueFrom": {"configMapKeyRef": {"name": "c"}}},
                        ]
                    }
                ]
            },
            set(),
            id="no-secret-in-env",
        ),
        pytest.param({"imagePullSecrets": [{"name": "pull"}]}, set(), id="pulls-an-image"),
        pytest.param({"volumes": [{"projected": {"sources": None}}]}, set(), id="empty-projection"),
    ],
)
def test_a_pod_reads_what_its_containers_and_volumes_name(
    spec: dict[str, Any], expected: set[str]
) -> None:
    assert secrets_used(spec) == expected


@pytest.mark.parametrize(
    ("annotations", "of_secret", "expected"),
    [
        pytest.param({}, {}, "", id="nobody"),
        pytest.param({"team": "true"}, {"team": "true"}, "", id="other-annotations"),
        pytest.param({AUTO: "true"}, {}, AUTO, id="all"),
        pytest.param({AUTO: "false"}, {}, "", id="switched-off"),
        pytest.param({SECRETS_AUTO: "true"}, {}, SECRETS_AUTO, id="all-secrets"),
        pytest.param({WAVE: "true"}, {}, WAVE, id="wave"),
        pytest.param({RELOAD: "api, web"}, {}, RELOAD, id="by-name"),
        pytest.param({RELOAD: "web,api"}, {}, RELOAD, id="by-name-without-blanks"),
        pytest.param({RELOAD: "webs,we"}, {}, "", id="by-another-name"),
        pytest.param({AUTO: "true", EXCLUDE: "web"}, {}, "", id="all-but-this"),
        pytest.param({AUTO: "true", EXCLUDE: "api"}, {}, AUTO, id="all-but-another"),
        pytest.param({SEARCH: "true"}, {MATCH: "true"}, SEARCH, id="by-match"),
        pytest.param({SEARCH: "true", EXCLUDE: "web"}, {MATCH: "true"}, "", id="match-but-this"),
        pytest.param({SEARCH: "true"}, {}, "", id="no-match"),
        pytest.param({SEARCH: "true"}, {MATCH: "false"}, "", id="match-switched-off"),
        pytest.param({}, {MATCH: "true"}, "", id="matches-and-is-not-searched"),
        pytest.param({AUTO: "1"}, {}, AUTO, id="true-as-go-reads-it"),
        pytest.param({AUTO: "yes"}, {}, "", id="not-true-as-go-reads-it"),
        pytest.param({AUTO: "true", RELOAD: "web"}, {}, RELOAD, id="names-before-all"),
        pytest.param({AUTO: "true", RELOAD: "api"}, {}, AUTO, id="all-though-another-is-named"),
        pytest.param({AUTO: "true", SEARCH: "true"}, {MATCH: "true"}, SEARCH, id="match-before-all"),
        pytest.param({RELOAD: "web", EXCLUDE: "web"}, {}, "", id="named-and-excluded"),
        pytest.param({AUTO: "true", RELOAD: "web"}, {IGNORE: "true"}, "", id="ignored"),
        pytest.param({AUTO: "true"}, {IGNORE: "false"}, AUTO, id="not-ignored"),
        pytest.param({WAVE: "true", EXCLUDE: "web"}, {IGNORE: "true"}, WAVE, id="wave-asks-nobody-else"),
        pytest.param({RELOAD: "api,w.*"}, {}, RELOAD, id="by-pattern"),
        pytest.param({RELOAD: "w[a-e]b"}, {}, RELOAD, id="by-class"),
        pytest.param({RELOAD: "e.*"}, {}, "", id="by-a-pattern-of-another"),
        pytest.param({RELOAD: "w(e|o)b"}, {}, RELOAD, id="by-choice"),
        pytest.param({RELOAD: "w.*e.*b"}, {}, RELOAD, id="by-two-repeats"),
        pytest.param({RELOAD: "w.*e.*b.*"}, {}, "", id="more-repeats-than-are-tried"),
        pytest.param({RELOAD: "a|web"}, {}, RELOAD, id="by-two-choices"),
        pytest.param({RELOAD: "a|b|c|web"}, {}, "", id="more-choices-than-are-tried"),
        pytest.param({RELOAD: "(web)*"}, {}, RELOAD, id="by-a-repeated-group"),
        pytest.param({RELOAD: "(" * 500}, {}, "", id="more-groups-than-are-tried"),
        pytest.param({RELOAD: "we[b"}, {}, "", id="broken-pattern"),
        pytest.param({RELOAD: "web{99999999999}"}, {}, "", id="number-too-large"),
        pytest.param({RELOAD: "a," * 99 + "web"}, {}, RELOAD, id="the-last-name-that-is-tried"),
        pytest.param({RELOAD: "a," * 100 + "web"}, {}, "", id="more-names-than-are-tried"),
    ],
)
def test_a_workload_is_left_to_the_tool_that_restarts_it_already(
    annotations: dict[str, str], of_secret: dict[str, str], expected: str
) -> None:
    assert restarter_of(annotations, {}, "web", of_secret) == expected


@pytest.mark.parametrize(
    ("of_workload", "of_pods", "expected"),
    [
        pytest.param({}, {AUTO: "true"}, AUTO, id="the-pods-alone"),
        pytest.param({"team": "a"}, {RELOAD: "web"}, RELOAD, id="the-workload-says-something-else"),
        pytest.param({}, {SEARCH: "true"}, SEARCH, id="the-pods-are-searched"),
        pytest.param({AUTO: "false"}, {RELOAD: "web"}, "", id="the-workload-switches-off"),
        pytest.param({SECRETS_AUTO: "false"}, {AUTO: "true"}, "", id="for-secrets"),
        pytest.param({RELOAD: "api"}, {AUTO: "true"}, "", id="the-workload-names-another"),
        pytest.param({SEARCH: "false"}, {AUTO: "true"}, "", id="the-workload-is-not-searched"),
        pytest.param({EXCLUDE: "web"}, {AUTO: "true"}, "", id="left-out-by-the-workload"),
        pytest.param({AUTO: "true"}, {EXCLUDE: "web"}, AUTO, id="left-out-by-the-pods-in-vain"),
        pytest.param({}, {EXCLUDE: "web", AUTO: "true"}, AUTO, id="pods-leave-nothing-out"),
        pytest.param({}, {WAVE: "true"}, "", id="wave-asks-no-pods"),
    ],
)
def test_the_pods_speak_where_the_workload_says_nothing(
    of_workload: dict[str, str], of_pods: dict[str, str], expected: str
) -> None:
    assert restarter_of(of_workload, of_pods, "web", {MATCH: "true"}) == expected


@pytest.mark.parametrize("pattern", ["(aa|a)" * 32, "(a|a)*b", "(a*)*b", "a*a*a*b"])
def test_no_pattern_takes_longer_than_a_name_is_long(pattern: str) -> None:
    """Nobody may stop the operator by an annotation of a workload."""
    assert restarter_of({RELOAD: pattern}, {}, "a" * 48 + "-c", {}) == ""


@pytest.mark.parametrize("name", ["web", "XXXX"])
def test_without_a_list_nobody_is_named_or_left_out(name: str) -> None:
    assert restarter_of({"team": "a"}, {}, name, {}) == ""
    assert restarter_of({AUTO: "true"}, {}, name, {}) == AUTO
