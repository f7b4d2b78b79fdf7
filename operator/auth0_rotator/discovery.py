"""Which workloads read a Secret, and which of them somebody else restarts already. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

# Tools that restart a workload whenever a Secret that it reads changes, by what they are asked with:
# Stakater's Reloader and Wave.
_WAVE: Final = "wave.pusher.com/update-on-config-change"
_FOR_ALL_SECRETS: Final = ("reloader.stakater.com/auto", "secret.reloader.stakater.com/auto")
_FOR_NAMED_SECRETS: Final = "secret.reloader.stakater.com/reload"
_BUT_NAMED_SECRETS: Final = "secrets.exclude.reloader.stakater.com/reload"
_SEARCH: Final = "reloader.stakater.com/search"
_MATCH: Final = "reloader.stakater.com/match"
_ASKING: Final = frozenset({*_FOR_ALL_SECRETS, _FOR_NAMED_SECRETS, _SEARCH})
_IGNORED_SECRET: Final = "reloader.stakater.com/ignore"
_SWITCHED_ON: Final = "true"
# What Go's strconv.ParseBool takes for true.
_TRUE: Final = frozenset({"1", "t", "T", "TRUE", "true", "True"})
# What has an expression matched in more than one way: repeats, choices and groups.
_BRANCHES: Final = re.compile(r"[*+?{|(]")
_MOST_BRANCHES: Final = 2
# Names are matched one by one; nobody has more of them.
_MOST_NAMES: Final = 100


def secrets_used(pod_spec: Mapping[str, Any]) -> frozenset[str]:
    """Return the names of the Secrets that a pod reads: by its containers, those that begin it
    included, or by its volumes. What pulls an image is none of them."""
    containers = [*_all(pod_spec, "initContainers"), *_all(pod_spec, "containers")]
    found = [name for container in containers for name in _of_container(container)]
    found += [name for volume in _all(pod_spec, "volumes") for name in _of_volume(volume)]
    return frozenset(name for name in found if name)


def _of_container(container: Mapping[str, Any]) -> Iterator[str]:
    for one in _all(container, "env"):
        yield _name(one.get("valueFrom"), "secretKeyRef")
    for one in _all(container, "envFrom"):
        yield _name(one, "secretRef")


def _of_volume(volume: Mapping[str, Any]) -> Iterator[str]:
    yield _name(volume, "secret", "secretName")
    for source in _all(volume.get("projected") or {}, "sources"):
        yield _name(source, "secret")


def _all(part: Mapping[str, Any], name: str) -> Iterable[Mapping[str, Any]]:
    return part.get(name) or ()


def _name(part: Mapping[str, Any] | None, kind: str, field: str = "name") -> str:
    return ((part or {}).get(kind) or {}).get(field) or ""


def restarter_of(
    of_workload: Mapping[str, str],
    of_pods: Mapping[str, str],
    secret_name: str,
    of_secret: Mapping[str, str],
) -> str:
    """Return the annotation by which another tool restarts a workload for this Secret, empty where none
    does. Given are the annotations of the workload, of its pod template and of the Secret.

    Source: Reloader's `ShouldReload` and Wave's `hasRequiredAnnotation`, as of November 2026.
    """
    if of_workload.get(_WAVE) == _SWITCHED_ON:
        return _WAVE
    is_ignored = of_secret.get(_IGNORED_SECRET) == _SWITCHED_ON
    if is_ignored or secret_name in _listed(of_workload, _BUT_NAMED_SECRETS):
        return ""
    # The pods are asked only where the workload itself says nothing.
    asked = of_workload if of_workload.keys() & _ASKING else of_pods
    if any(_matches(one, secret_name) for one in _listed(asked, _FOR_NAMED_SECRETS)):
        return _FOR_NAMED_SECRETS
    if asked.get(_SEARCH) == of_secret.get(_MATCH) == _SWITCHED_ON:
        return _SEARCH
    return next((name for name in _FOR_ALL_SECRETS if asked.get(name) in _TRUE), "")


def _matches(pattern: str, secret_name: str) -> bool:
    """Return whether Reloader takes the pattern, a regular expression of Go, for this name.

    What could take Python for ever, which Go never does, is taken for a plain name: two ways to branch
    cannot multiply.
    """
    if len(_BRANCHES.findall(pattern)) > _MOST_BRANCHES:
        return pattern == secret_name
    try:
        return re.search(f"^{pattern}$", secret_name) is not None
    except (re.error, OverflowError):
        return False


def _listed(annotations: Mapping[str, str], name: str) -> list[str]:
    return [one.strip() for one in annotations.get(name, "").split(",")[:_MOST_NAMES]]
