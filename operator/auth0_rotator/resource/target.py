"""Image of `target`: the Secret that applications mount."""

import re
from enum import StrEnum
from typing import Annotated, Final

from pydantic import ConfigDict, Field, field_validator, model_validator

from auth0_rotator.resource.connection import DATA_KEY_MESSAGE, ObjectName
from auth0_rotator.resource.image import DATA_KEY_PATTERN, GROUP, Image, rule

JOURNAL_SUFFIX: Final = ".journal"
# Begins the names of what the operator says about a target.
OWN_NAMES: Final = f"{GROUP}/"
OWN_NAMES_MESSAGE: Final = (
    f"names that begin with {OWN_NAMES} are the operator's: target.template.metadata may not set them"
)
# What a template may refer to; `$$(x)` stays `$(x)`.
TEMPLATE_NAMES: Final = frozenset(
    {"clientId", "clientSecret", "nextClientSecret", "previousClientSecret", "domain"}
)
TEMPLATE_REFERENCE: Final = re.compile(r"\$(?P<escape>\$?)\((?P<name>[^()]*)\)")

_DATA_KEY_IN_CEL: Final = DATA_KEY_PATTERN.replace("\\", "\\\\")
# A dollar sign begins nothing, an escape, a known name, or a bracket that is not closed. One regular
# expression, for a list of references would cost more than the API server allows.
_KNOWN_NAMES: Final = (
    "self.all(k, self[k].matches('^([^$]|[$]+[^$(]|[$][$]+[(]|"
    "[$][(](clientId|clientSecret|nextClientSecret|previousClientSecret|domain)[)]|"
    "[$][(][^()]*[(]|[$][(][^()]*$)*[$]*$'))"
)
_NAMES_MESSAGE: Final = (
    "a value of target.template.data may refer to $(clientId), $(clientSecret), "
    "$(nextClientSecret), $(previousClientSecret) and $(domain); $$(x) stays $(x)"
)
_JOURNAL_MESSAGE: Final = (
    "a target cannot be called *.journal: such names belong to the operator's journals"
)
_MERGE_MESSAGE: Final = (
    "creationPolicy Merge needs the name of the Secret to merge into: set target.name"
)


class CreationPolicy(StrEnum):
    """Whose the target is."""

    CREATE = "Create"
    MERGE = "Merge"


class TemplateMetadata(Image):
    """Labels and annotations for the target. Those of the rotation itself are never copied."""

    # For the operator this stands in `RotationSpec`: a plan in a journal may be older than this rule,
    # and must stay readable.
    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                rule(
                    f"!has(self.{part}) || self.{part}.all(k, !k.startsWith('{OWN_NAMES}'))",
                    OWN_NAMES_MESSAGE,
                    f".{part}",
                )
                for part in ("labels", "annotations")
            ]
        }
    )

    labels: Annotated[dict[str, str], Field(max_length=64)] = Field(default_factory=dict)
    """Labels of the target."""
    annotations: Annotated[dict[str, str], Field(max_length=64)] = Field(default_factory=dict)
    """Annotations of the target."""

    @property
    def has_own_names(self) -> bool:
        """Whether it sets what only the operator may."""
        return any(name.startswith(OWN_NAMES) for name in (*self.labels, *self.annotations))


class TargetTemplate(Image):
    """What the target carries besides the mapped keys."""

    type: Annotated[str, Field(min_length=1, max_length=253)] = "Opaque"
    """Type of the Secret; it cannot be changed later (Kubernetes forbids it)."""
    metadata: TemplateMetadata = TemplateMetadata()
    """Labels and annotations."""
    data: Annotated[
        dict[str, Annotated[str, Field(min_length=1, max_length=4096)]],
        Field(
            max_length=32,
            json_schema_extra={
                "x-kubernetes-validations": [
                    rule(f"self.all(k, k.matches('{_DATA_KEY_IN_CEL}'))", DATA_KEY_MESSAGE),
                    rule(_KNOWN_NAMES, _NAMES_MESSAGE),
                ]
            },
        ),
    ] = Field(default_factory=dict)
    """More keys, as text. $(clientId), $(clientSecret), $(nextClientSecret),
    $(previousClientSecret) and $(domain) are replaced; $$(x) stays $(x)."""

    @field_validator("data")
    @classmethod
    def _names_are_known(cls, value: dict[str, str]) -> dict[str, str]:
        if not all(re.fullmatch(DATA_KEY_PATTERN, key) for key in value):
            raise ValueError(DATA_KEY_MESSAGE)
        for key, text in value.items():
            for reference in TEMPLATE_REFERENCE.finditer(text):
                if not reference["escape"] and reference["name"] not in TEMPLATE_NAMES:
                    known = ", ".join(sorted(TEMPLATE_NAMES))
                    message = f"the key {key} refers to a name that is not one of {known}"
                    raise ValueError(message)
        return value


class TargetSpec(Image):
    """The Secret that applications mount."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                rule("!has(self.name) || !self.name.endsWith('.journal')", _JOURNAL_MESSAGE, ".name"),
                rule(
                    "!has(self.creationPolicy) || self.creationPolicy != 'Merge' || has(self.name)",
                    _MERGE_MESSAGE,
                    ".name",
                ),
            ]
        }
    )

    name: ObjectName | None = None
    """Name of the Secret. Default: the rotation's own name."""
    creation_policy: CreationPolicy = CreationPolicy.CREATE
    """Create: the Secret is ours alone, and one that somebody else made is refused. Merge: only our
    keys in a Secret that others own; it is created where it is missing."""
    template: TargetTemplate | None = None
    """What the target carries besides the mapped keys."""

    @model_validator(mode="after")
    def _name_fits(self) -> "TargetSpec":
        if self.name is not None and self.name.endswith(JOURNAL_SUFFIX):
            raise ValueError(_JOURNAL_MESSAGE)
        if self.creation_policy is CreationPolicy.MERGE and self.name is None:
            raise ValueError(_MERGE_MESSAGE)
        return self
