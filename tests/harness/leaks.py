"""Where a secret value may have leaked to: how it may look, and a policy that quotes what it refuses."""

import base64
import json
import urllib.parse
from typing import Any

from harness.kube import Kube

_ADMISSION = "/apis/admissionregistration.k8s.io/v1"
# A refusing policy that quotes what it refuses, as a careless one may do.
POLICY = {
    "apiVersion": "admissionregistration.k8s.io/v1",
    "kind": "ValidatingAdmissionPolicy",
    "metadata": {"name": "quotes-values"},
    "spec": {
        "failurePolicy": "Fail",
        "matchConstraints": {
            "resourceRules": [
                {
                    "apiGroups": [""],
                    "apiVersions": ["v1"],
                    "operations": ["CREATE", "UPDATE"],
                    "resources": ["secrets"],
                }
            ]
        },
        "validations": [
            {
                "expression": "!has(object.data) || !('REFUSED' in object.data)",
                "messageExpression": "'not with ' + string(object.data['REFUSED'])",
            }
        ],
    },
}
BINDING: dict[str, Any] = {
    "apiVersion": "admissionregistration.k8s.io/v1",
    "kind": "ValidatingAdmissionPolicyBinding",
    "metadata": {"name": "quotes-values"},
    "spec": {"policyName": "quotes-values", "validationActions": ["Deny"]},
}


async def quote_refusals(kube: Kube) -> None:
    """Have every Secret with a key REFUSED in the namespace refused, with its value in the message."""
    await kube.send("POST", f"{_ADMISSION}/validatingadmissionpolicies", POLICY)
    name = f"quotes-values-{kube.namespace}"
    place = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": kube.namespace}}}
    binding = BINDING | {
        "metadata": {"name": name},
        "spec": {**BINDING["spec"], "matchResources": place},
    }
    await kube.send("POST", f"{_ADMISSION}/validatingadmissionpolicybindings", binding)


def forms(value: str) -> set[str]:
    """Return how a value may look where it leaked."""
    encoded = base64.b64encode(value.encode()).decode()
    return {
        value,
        encoded,
        encoded.rstrip("="),
        base64.urlsafe_b64encode(value.encode()).decode(),
        base64.b64encode(encoded.encode()).decode(),
        urllib.parse.quote(value, safe=""),
        json.dumps(value)[1:-1],
    }


def found(values: set[str], places: dict[str, str]) -> list[str]:
    """Return where one of the values stands; the first half of a value counts as well."""
    return [
        f"{place}: ...{text[max(0, text.find(form) - 60) : text.find(form)]}"
        for place, text in places.items()
        for value in values
        for form in forms(value) | {value[: len(value) // 2]}
        if form in text
    ]
