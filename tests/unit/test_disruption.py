"""Whether a workload can be restarted without harm."""

from dataclasses import replace
from typing import Any

import pytest

from auth0_rotator.consumers import Workload
from auth0_rotator.disruption import obstacle_to, parse_budget, selects

WEB = Workload(
    "1",
    {},
    "app=web",
    is_rolled_out=True,
    is_available=True,
    obstacle="",
    labels={"app": "web", "tier": "a"},
)
TIER = "tier"


def budget(
    name: str = "own", *, allowed: int | None = 0, expected: int | None = 2, **spec: Any
) -> dict[str, Any]:
    status = {"disruptionsAllowed": allowed, "expectedPods": expected}
    told = {key: value for key, value in status.items() if value is not None}
    body = {"selector": {"matchLabels": {"app": "web"}}} | spec
    return {"metadata": {"name": name}, "spec": body, "status": told}


@pytest.mark.parametrize(
    ("budgets", "expected"),
    [
        pytest.param([], False, id="none"),
        pytest.param([budget()], True, id="none-allowed"),
        pytest.param([budget(allowed=None)], True, id="not-worked-out"),
        pytest.param([budget(allowed=1)], False, id="one-allowed"),
        pytest.param([budget(expected=0)], False, id="no-pods"),
        pytest.param([budget(expected=None)], False, id="not-looked-at"),
        pytest.param([budget(expected=1)], True, id="one-pod"),
        pytest.param([budget(selector={"matchLabels": {"app": "api"}})], False, id="of-another"),
        pytest.param([budget("first", allowed=1), budget()], True, id="the-second-of-two"),
    ],
)
def test_a_budget_that_allows_no_disruption_is_in_the_way(
    budgets: list[dict[str, Any]],
    expected: bool,  # noqa: FBT001 - a column of the table
) -> None:
    told = "the PodDisruptionBudget own lets no pod of Deployment/web be missed"
    found = obstacle_to("Deployment/web", WEB, [parse_budget(one) for one in budgets])
    assert found == (told if expected else "")


def test_a_workload_that_rolls_is_in_the_way() -> None:
    rolling = replace(WEB, is_rolled_out=False)
    told = "Deployment/web is rolling out, or not all of its pods are available"
    assert obstacle_to("Deployment/web", rolling, []) == told


@pytest.mark.parametrize("is_available", [True, False])
def test_one_that_is_never_rolled_out_is_in_the_way_only_while_pods_are_missing(
    *, is_available: bool
) -> None:
    paused = replace(WEB, is_rolled_out=False, is_available=is_available, obstacle="it is paused")
    assert bool(obstacle_to("Deployment/web", paused, [])) is not is_available


def test_of_one_that_is_never_rolled_out_budgets_are_asked_as_of_any() -> None:
    paused = replace(WEB, is_rolled_out=False, is_available=True, obstacle="it is paused")
    assert "PodDisruptionBudget own" in obstacle_to("Deployment/web", paused, [parse_budget(budget())])


def test_a_budget_without_any_status_or_spec_says_nothing() -> None:
    bare = parse_budget({"metadata": {"name": "bare"}})
    assert (bare.name, bare.selector, bare.allows_none) == ("bare", None, False)


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        pytest.param(None, False, id="none"),
        pytest.param({}, True, id="empty"),
        pytest.param({"matchLabels": {"app": "web"}}, True, id="label"),
        pytest.param({"matchLabels": {"app": "web", "tier": "a"}}, True, id="all-labels"),
        pytest.param({"matchLabels": {"app": "web", "zone": "b"}}, False, id="one-label-less"),
        pytest.param({"matchLabels": {"app": "api"}}, False, id="another-value"),
        *(
            pytest.param(
                {"matchExpressions": [{"key": key, "operator": operator, "values": values}]},
                expected,
                id=f"{operator}-{key}-{'-'.join(values or ['nothing'])}",
            )
            for key, operator, values, expected in [
                (TIER, "In", ["a", "b"], True),
                (TIER, "In", ["b"], False),
                ("zone", "In", ["a"], False),
                (TIER, "NotIn", ["a"], False),
                (TIER, "NotIn", ["b"], True),
                ("zone", "NotIn", ["a"], True),
                (TIER, "Exists", None, True),
                ("zone", "Exists", None, False),
                (TIER, "DoesNotExist", None, False),
                ("zone", "DoesNotExist", None, True),
            ]
        ),
        pytest.param(
            {
                "matchLabels": {"app": "web"},
                "matchExpressions": [
                    {"key": TIER, "operator": "Exists"},
                    {"key": "zone", "operator": "Exists"},
                ],
            },
            False,
            id="one-of-many-fails",
        ),
    ],
)
def test_a_selector_selects_as_policy_v1_says(
    selector: dict[str, Any] | None,
    expected: bool,  # noqa: FBT001 - a column of the table
) -> None:
    assert selects(selector, WEB.labels) is expected
