"""What all images of custom resources share: the base model, names, and how a spec is read."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, JsonValue, ValidationError
from pydantic.alias_generators import to_camel

GROUP: Final = "auth0rotator.dev"
VERSION: Final = "v1alpha1"

# RFC 1123 subdomain, as Kubernetes demands for the names of Secrets and of our objects.
OBJECT_NAME_PATTERN: Final = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
OBJECT_NAME_LENGTH: Final = 253
# What Kubernetes accepts as a key of a Secret's data: neither "." nor anything that begins with "..".
DATA_KEY_PATTERN: Final = r"^([-_a-zA-Z0-9]|\.[-_a-zA-Z0-9])[-._a-zA-Z0-9]*$"
DATA_KEY_LENGTH: Final = 253


class Kind(StrEnum):
    """The three kinds of the API group."""

    ROTATION = "Auth0ClientSecretRotation"
    CONNECTION = "Auth0Connection"
    CLUSTER_CONNECTION = "ClusterAuth0Connection"

    @property
    def plural(self) -> str:
        """The name that stands in an API path."""
        return self.value.lower() + "s"

    @property
    def is_namespaced(self) -> bool:
        """Whether objects of this kind live in a namespace."""
        return self is not Kind.CLUSTER_CONNECTION


class Image(BaseModel):
    """A part of a custom resource: camelCase outside, snake_case inside, never changed.

    Unknown fields are the API server's to refuse (it knows the newest schema); here they are
    passed over, so that an older operator still reads an object written for a newer one.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )


T = TypeVar("T", bound=Image)


class SpecInvalid(Exception):
    """A spec that says something impossible; its text is one sentence for the person who wrote it."""


def parse_spec(image: type[T], spec: Mapping[str, Any] | None) -> T:
    """Return `spec` as an instance of `image`.

    Raises:
        SpecInvalid: with every fault of the spec in one sentence, and no input value in it.
    """
    try:
        return image.model_validate(spec or {})
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        sentence = "; ".join(_fault_sentence(fault["loc"], fault["msg"]) for fault in faults)
        raise SpecInvalid(sentence) from None


def _fault_sentence(location: tuple[int | str, ...], message: str) -> str:
    path = ".".join(["spec", *(str(part) for part in location)])
    text = message.removeprefix("Value error, ")
    return f"{path}: {text[:1].lower()}{text[1:]}"


def rule(expression: str, message: str, path: str | None = None) -> dict[str, JsonValue]:
    """Return one CEL rule for `x-kubernetes-validations`, with the sentence a person reads."""
    written: dict[str, JsonValue] = {"rule": expression, "message": message}
    return written if path is None else {**written, "fieldPath": path}


def shape(pattern: str, message: str) -> AfterValidator:
    """Return the check that a text has this shape, for the operator; `shape_rule` is the CRD's."""

    def check(value: str) -> str:
        # Python lets "$" pass over a last line break; the API server does not.
        if not re.search(re.sub(r"\$$", r"\\Z", pattern), value):
            raise ValueError(message)
        return value

    return AfterValidator(check)


def shape_rule(pattern: str, message: str) -> dict[str, JsonValue]:
    """Return the same for `json_schema_extra`: a pattern would be shown instead of a sentence."""
    escaped = pattern.replace("\\", "\\\\")
    return {"x-kubernetes-validations": [rule(f"self.matches('{escaped}')", message)]}
