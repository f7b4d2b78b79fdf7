"""Workloads: which mark restarts them, and when they have rolled out."""

from datetime import timedelta
from typing import Any, Final

import pytest

from auth0_rotator.consumers import Workload, kept_short, mark_of, older_pods, parse_workload
from auth0_rotator.resource import DISCOVERED
from examples import NOW, SECOND


def workload(**changes: Any) -> Workload:
    """Return a Deployment of two that has rolled out; None takes a part away."""
    body: dict[str, Any] = {
        "metadata": {"resourceVersion": "7", "generation": 3},
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}},
        "status": {
            "observedGeneration": 3,
            "replicas": 2,
            "updatedReplicas": 2,
            "availableReplicas": 2,
        },
    }
    for part, values in changes.items():
        merged = body[part] | values
        body[part] = {name: value for name, value in merged.items() if value is not None}
    return parse_workload(body)


def test_a_mark_is_told_by_the_name_of_the_secret() -> None:
    """The name is a contract: another one would restart everything once more."""
    assert mark_of("web") == "auth0rotator.dev/secret-4b5e57f6eb2f42b9"
    assert mark_of("web") != mark_of("api")
    assert len(mark_of("x" * 253).partition("/")[2]) <= 63


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, True, id="all-replaced"),
        pytest.param({"status": {"observedGeneration": 2}}, False, id="not-seen-yet"),
        pytest.param({"status": {"observedGeneration": None}}, False, id="never-seen"),
        pytest.param({"status": {"observedGeneration": "3"}}, True, id="as-argo-writes-it"),
        pytest.param({"status": {"observedGeneration": "2"}}, False, id="as-argo-writes-it-later"),
        pytest.param({"status": {"observedGeneration": "6f54c8d6b"}}, True, id="as-argo-wrote-it"),
        pytest.param({"metadata": {"generation": None}}, True, id="no-generation"),
        pytest.param({"status": {"updatedReplicas": 1}}, False, id="one-is-old"),
        pytest.param({"status": {"updatedReplicas": None}}, False, id="none-is-new"),
        pytest.param({"status": {"availableReplicas": 1}}, False, id="one-is-not-available"),
        pytest.param({"status": {"replicas": 3}}, False, id="one-is-still-to-go"),
        pytest.param(
            {
                "spec": {"replicas": None},
                "status": {"replicas": 1, "updatedReplicas": 1, "availableReplicas": 1},
            },
            True,
            id="one-by-default",
        ),
        pytest.param(
            {
                "spec": {"replicas": None},
                "status": {"replicas": None, "updatedReplicas": None, "availableReplicas": None},
            },
            False,
            id="none-of-one-by-default",
        ),
        pytest.param(
            {"spec": {"replicas": 0}, "status": {"replicas": None, "updatedReplicas": None}},
            True,
            id="none-is-wanted",
        ),
        pytest.param(
            {"spec": {"replicas": 1}, "status": {"replicas": 3, "updatedReplicas": 3}},
            True,
            id="more-new-ones-than-wanted",
        ),
        pytest.param(
            {
                "spec": {"replicas": None},
                "status": {
                    "replicas": None,
                    "updatedReplicas": None,
                    "availableReplicas": None,
                    "desiredNumberScheduled": 4,
                    "updatedNumberScheduled": 4,
                    "numberAvailable": 4,
                },
            },
            True,
            id="a-daemon-set",
        ),
        pytest.param(
            {
                "status": {
                    "updatedReplicas": None,
                    "availableReplicas": None,
                    "desiredNumberScheduled": 4,
                    "updatedNumberScheduled": 3,
                    "numberAvailable": 4,
                }
            },
            False,
            id="a-daemon-set-that-rolls",
        ),
    ],
)
def test_a_workload_has_rolled_out_when_all_its_pods_are_new_and_available(
    changes: dict[str, Any],
    expected: bool,  # noqa: FBT001 - a column of the table
) -> None:
    assert workload(**changes).is_rolled_out is expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, True, id="all"),
        pytest.param({"status": {"updatedReplicas": 1}}, True, id="on-whatever-value"),
        pytest.param({"status": {"availableReplicas": 1}}, False, id="one-is-missing"),
        pytest.param({"status": {"desiredNumberScheduled": 3}}, False, id="one-node-has-none"),
        pytest.param({"spec": {"replicas": 0}, "status": {"availableReplicas": None}}, True, id="none"),
    ],
)
def test_a_workload_is_available_when_no_pod_is_missing(
    changes: dict[str, Any],
    expected: bool,  # noqa: FBT001 - a column of the table
) -> None:
    assert workload(**changes).is_available is expected


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        pytest.param({"kind": "Deployment", "name": "base"}, "Deployment/base", id="both"),
        pytest.param({"name": "base"}, "/base", id="without-a-kind"),
        pytest.param({"kind": "Deployment"}, "Deployment/", id="without-a-name"),
        pytest.param({}, "", id="none"),
    ],
)
def test_a_rollout_may_take_its_pods_from_another_workload(
    reference: dict[str, str], expected: str
) -> None:
    assert workload(spec={"workloadRef": reference}).template_of == expected


def test_a_workload_is_known_by_its_version() -> None:
    """A mark is written on the very object that was read."""
    assert workload().version == "7"


@pytest.mark.parametrize(
    ("generation", "observed", "expected"),
    [(None, None, True), (1, None, False), (1, 1, True), (None, 1, True)],
)
def test_a_generation_that_nobody_tells_is_none(
    generation: int | None,
    observed: int | None,
    expected: bool,  # noqa: FBT001 - a column of the table
) -> None:
    found = workload(metadata={"generation": generation}, status={"observedGeneration": observed})
    assert found.is_rolled_out is expected


def test_what_nobody_has_filled_in_has_not_rolled_out() -> None:
    bare = parse_workload({"metadata": {"resourceVersion": "1", "generation": 1}})
    assert (bare.is_rolled_out, bare.marks, bare.selector, bare.obstacle) == (False, {}, "", "")


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param({}, "", id="none"),
        pytest.param({"paused": True}, "it is paused", id="paused"),
        pytest.param({"updateStrategy": {"type": "RollingUpdate"}}, "", id="rolling"),
        pytest.param(
            {"updateStrategy": {"type": "OnDelete"}}, "its updateStrategy is OnDelete", id="on-delete"
        ),
        pytest.param(
            {"updateStrategy": {"rollingUpdate": {"partition": 1}}},
            "its updateStrategy has a partition",
            id="a-partition",
        ),
        pytest.param({"updateStrategy": {"rollingUpdate": {"partition": 0}}}, "", id="no-partition"),
    ],
)
def test_what_keeps_a_controller_from_replacing_pods_is_told(
    spec: dict[str, Any], expected: str
) -> None:
    assert workload(spec=spec).obstacle == expected


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        pytest.param({"matchLabels": {"app": "web", "tier": "a"}}, "app=web,tier=a", id="labels"),
        pytest.param(
            {
                "matchLabels": {"app": "web"},
                "matchExpressions": [
                    {"key": "tier", "operator": "In", "values": ["a", "b"]},
                    {"key": "zone", "operator": "NotIn", "values": ["c"]},
                    {"key": "team", "operator": "Exists"},
                    {"key": "old", "operator": "DoesNotExist"},
                ],
            },
            "app=web,tier in (a,b),zone notin (c),team,!old",
            id="expressions",
        ),
    ],
)
def test_a_selector_is_written_as_a_list_of_pods_takes_it(
    selector: dict[str, Any], expected: str
) -> None:
    assert workload(spec={"selector": selector}).selector == expected


@pytest.mark.parametrize(
    ("stands", "expected"),
    [
        pytest.param({}, {"a": "05", "b": "07"}, id="none"),
        pytest.param({"a": "05", "b": "07"}, {}, id="both"),
        pytest.param({"a": "04"}, {"a": "05", "b": "07"}, id="an-older-one"),
        pytest.param({"a": "06", "b": "06"}, {"b": "07"}, id="a-later-one-stays"),
    ],
)
def test_a_workload_is_marked_with_later_rotations_only(
    stands: dict[str, str], expected: dict[str, str]
) -> None:
    """Catches an older rotation that rolls once more over a later one."""
    template = {"metadata": {"annotations": stands}}
    assert workload(spec={"template": template}).lacks({"a": "05", "b": "07"}) == expected


def pod(name: str, *, before: timedelta | None, phase: str = "Running", **metadata: Any) -> Any:
    """Return a pod that began so long before `NOW`."""
    began = {"startTime": f"{NOW - before:%Y-%m-%dT%H:%M:%SZ}"} if before is not None else {}
    return {"metadata": {"name": name} | metadata, "status": {"phase": phase} | began}


def test_pods_are_older_that_began_before_and_still_run() -> None:
    pods = [
        pod("b", before=SECOND),
        pod("a", before=2 * SECOND, phase="Pending"),
        pod("same", before=0 * SECOND),
        pod("later", before=-SECOND),
        pod("unscheduled", before=None),
        pod("ending", before=SECOND, deletionTimestamp="2026-11-23T09:30:00Z"),
        pod("done", before=SECOND, phase="Succeeded"),
        pod("failed", before=SECOND, phase="Failed"),
        {"metadata": {"name": "bare"}},
    ]
    assert older_pods(pods, NOW) == ["a", "b"]


def test_a_workload_tells_what_its_pods_are_and_read() -> None:
    pods = {
        "metadata": {"labels": {"app": "web"}, "annotations": {"mark": "01", "both": "pods"}},
        "spec": {"containers": [{"envFrom": [{"secretRef": {"name": "web"}}]}]},
    }
    found = workload(metadata={"annotations": {"own": "1", "both": "own"}}, spec={"template": pods})
    assert found.labels == {"app": "web"}
    assert found.annotations == {"own": "1", "both": "own"}
    assert found.marks == {"mark": "01", "both": "pods"}
    assert found.secrets == {"web"}
    assert found.template_of == ""


def test_a_workload_without_a_template_reads_nothing() -> None:
    bare = workload(spec={"template": None})
    assert (bare.labels, bare.annotations, bare.secrets, bare.template_of) == ({}, {}, frozenset(), "")


NAMED: Final = ("Deployment/named",)


@pytest.mark.parametrize(
    ("left", "kept"),
    [
        pytest.param([], (), id="none"),
        pytest.param([*NAMED, "b"], (*NAMED, "b"), id="few"),
        pytest.param(["b"] * 200, ("b",) * 200, id="as-many-as-there-is-room-for"),
        pytest.param(["b"] * 201, (DISCOVERED,), id="too-many"),
        pytest.param([*NAMED, *["b"] * 200], (*NAMED, DISCOVERED), id="the-named-one-stays"),
    ],
)
def test_a_journal_has_room_for_so_many_consumers(left: list[str], kept: tuple[str, ...]) -> None:
    assert kept_short(left, NAMED) == kept
