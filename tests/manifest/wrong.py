"""Wrong manifests, each with the words by which its writer understands what is wrong.

A row varies one of the smallest right manifests. `says` is a part of the API server's answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from manifest.minimal import CLUSTER_CONNECTION, CONNECTION, ROTATION

_DIFFERENT: Final = "the keys of secretsMapping must all be different"
_NOT_MAPPED: Final = "the keys of target.template.data must differ from those of secretsMapping"
_SLASH: Final = "audience must end in a slash"
_URL: Final = "endpoint must be a URL with https (or http for rehearsals) and no path"
_NO_ZONE: Final = "timeZone must be UTC or a name of the IANA time zone database with its region"
_NO_CRON: Final = "schedule must be a cron expression of five fields"
_NO_DURATION: Final = "a duration is written as 90s, 30m, 24h or 1h30m"
_NO_CLOCK: Final = "a time of day is written as 03:30, from 00:00 to 23:59"
_ONE_TIME: Final = "rotateAt and rotateAtUtc exclude each other"
_NO_GOVERNOR: Final = "governor must set at least one of minSpacing, maxPerHour and openAfterFailures"
_WINDOW: Final = {"kind": "allow", "schedule": "0 2 * * *", "duration": "2h"}
_LOCAL: Final = {"time": "03:30", "timeZone": "Europe/Oslo"}
_FOUR_KEYS: Final = {
    "clientId": "ID",
    "clientSecret": "SECRET",
    "nextClientSecret": "NEXT",
    "previousClientSecret": "PREVIOUS",
}


@dataclass(frozen=True)
class Wrong:
    """One wrong manifest."""

    id: str
    base: dict[str, Any]
    changes: Mapping[str, Any]
    says: str


def _rotation(id_: str, path: str, value: Any, says: str = "") -> Wrong:
    return Wrong(f"rotation: {id_}", ROTATION, {path: value}, says or path)


def _connection(id_: str, path: str, value: Any, says: str = "") -> Wrong:
    return Wrong(f"connection: {id_}", CONNECTION, {path: value}, says or path)


def _cluster(id_: str, entry: Any, says: str = "") -> Wrong:
    changes = {"spec.allowedNamespaces": entry}
    return Wrong(f"cluster connection: {id_}", CLUSTER_CONNECTION, changes, says)


def _mapping(first: str, second: str) -> Wrong:
    mapping = {**_FOUR_KEYS, second: _FOUR_KEYS[first]}
    return _rotation(f"one key for {first} and {second}", "spec.secretsMapping", mapping, _DIFFERENT)


def _template(name: str) -> Wrong:
    changes = {
        "spec.secretsMapping": _FOUR_KEYS,
        "spec.target": {"template": {"data": {_FOUR_KEYS[name]: "text"}}},
    }
    return Wrong(f"rotation: the template takes the key of {name}", ROTATION, changes, _NOT_MAPPED)


def _at(id_: str, part: str, value: Any, says: str = "") -> Wrong:
    path, at = f"spec.rotateAt.{part}", {**_LOCAL, part: value}
    return _rotation(f"rotateAt: {id_}", "spec.rotateAt", at, says or path)


def _windows(id_: str, part: str, value: Any, says: str) -> tuple[Wrong, Wrong]:
    """Return the same wrong window on a rotation and on a connection."""
    windows = [{**_WINDOW, part: value}]
    return (
        _rotation(f"window: {id_}", "spec.rotationWindows", windows, says),
        _connection(f"window: {id_}", "spec.rotationWindows", windows, says),
    )


def _limits(least: str, most: str) -> str:
    return f"this duration is limited: from {least} to {most}"


def _duration(
    base: dict[str, Any], path: str, little: str | None, much: str, says: str
) -> tuple[Wrong, ...]:
    """Return durations that are none, and some out of their limits."""
    values = {"as words": "two hours", "empty": "", "negative": "-1h", "without unit": "30"}
    shapeless = [(id_, value, _NO_DURATION) for id_, value in values.items()]
    limited = [
        ("too little", little, says),
        ("too much", much, says),
        ("beyond all", "9" * 31 + "h", says),
    ]
    lengthy = [("too long", "1s" * 17, "32"), ("a number", 30, "must be of type string")]
    return tuple(
        Wrong(f"{base['kind']}: {path} {id_}", base, {path: value}, words)
        for id_, value, words in (*shapeless, *limited, *lengthy)
        if value is not None
    )


_NAMES: Final = tuple(_FOUR_KEYS)

# Fields that nobody knows. The images pass over them: an older operator reads a newer object.
UNKNOWN_FIELDS: Final = (
    _rotation("unknown field", "spec.rotateAfter", "24h", 'unknown field "spec.rotateAfter"'),
    _rotation("unknown part", "spec.target.owner", "me", 'unknown field "spec.target.owner"'),
    _rotation("misspelt field", "spec.secretMapping", {}, 'unknown field "spec.secretMapping"'),
    _connection("unknown field", "spec.clientSecret", "x", 'unknown field "spec.clientSecret"'),
    _cluster(
        "unknown selector",
        [{"selector": {"matchExpressions": []}}],
        'unknown field "spec.allowedNamespaces[0].selector.matchExpressions"',
    ),
)

# What is wrong with the object and not with its spec, which is all that the images see.
WRONG_NAMES: Final = (
    _rotation("name too long", "metadata.name", "x" * 201, "limited to 200 characters"),
    _rotation("a journal's name", "metadata.name", "x.journal", "needs a target.name of its own"),
)

WRONG_SPECS: Final = (
    _rotation("no spec", "spec", None, "spec: Required value"),
    _rotation("no connection", "spec.connectionRef", None, "spec.connectionRef: Required value"),
    _rotation("no connection name", "spec.connectionRef", {}, "connectionRef.name: Required value"),
    _rotation("connection of a strange kind", "spec.connectionRef.kind", "Secret", '"Auth0Connection"'),
    _rotation("connection name empty", "spec.connectionRef.name", "", "at least 1 chars"),
    _rotation("connection name too long", "spec.connectionRef.name", "x" * 254, "253"),
    _rotation("connection name in capitals", "spec.connectionRef.name", "Acme"),
    _rotation("no client id", "spec.parameters", {}, "spec.parameters.clientId: Required value"),
    _rotation("client id empty", "spec.parameters.clientId", "", "at least 1 chars"),
    _rotation("client id blank", "spec.parameters.clientId", "   "),
    _rotation("client id too long", "spec.parameters.clientId", "x" * 129, "128"),
    _rotation("client id a number", "spec.parameters.clientId", 7, "must be of type string"),
    _rotation("no interval", "spec.rotationInterval", None, "spec.rotationInterval: Required value"),
    _rotation("interval 0", "spec.rotationInterval", 0, "greater than or equal to 1"),
    _rotation("interval -1", "spec.rotationInterval", -1, "greater than or equal to 1"),
    _rotation("interval 36501", "spec.rotationInterval", 36501, "less than or equal to 36500"),
    _rotation("interval as text", "spec.rotationInterval", "30", "must be of type integer"),
    _rotation("interval broken", "spec.rotationInterval", 30.5, "must be of type integer"),
    _rotation("hours 24", "spec.rotateAtUtc.hours", 24, "less than or equal to 23"),
    _rotation("hours -1", "spec.rotateAtUtc.hours", -1, "greater than or equal to 0"),
    _rotation("hours as text", "spec.rotateAtUtc.hours", "3", "must be of type integer"),
    _rotation("minutes 60", "spec.rotateAtUtc.minutes", 60, "less than or equal to 59"),
    _rotation("minutes -1", "spec.rotateAtUtc.minutes", -1, "greater than or equal to 0"),
    _rotation("time as text", "spec.rotateAtUtc", "03:30", "must be of type object"),
    Wrong(
        "rotation: two times of day",
        ROTATION,
        {"spec.rotateAtUtc": {"hours": 3}, "spec.rotateAt": _LOCAL},
        _ONE_TIME,
    ),
    Wrong(
        "rotation: two times of day, one of them empty",
        ROTATION,
        {"spec.rotateAtUtc": {}, "spec.rotateAt": _LOCAL},
        _ONE_TIME,
    ),
    _rotation("rotateAt: no zone", "spec.rotateAt", {"time": "03:30"}, "rotateAt.timeZone: Required"),
    _rotation("rotateAt: no time", "spec.rotateAt", {"timeZone": "UTC"}, "rotateAt.time: Required"),
    _at("24:00", "time", "24:00", _NO_CLOCK),
    _at("03:60", "time", "03:60", _NO_CLOCK),
    _at("3:30", "time", "3:30", _NO_CLOCK),
    _at("with seconds", "time", "03:30:00", "may not be more than 5"),
    _at("a time with a dot", "time", "03.30", _NO_CLOCK),
    # The API server's own words say which zone; ours say what there is instead.
    _at("unknown zone", "timeZone", "Mars/Base", "unknown time zone Mars/Base"),
    _at("unknown zone, in our words", "timeZone", "Mars/Base", _NO_ZONE),
    _at("zone in lower case", "timeZone", "europe/oslo", _NO_ZONE),
    _at("zone half in lower case", "timeZone", "Europe/oslo", _NO_ZONE),
    _at("zone of the server", "timeZone", "Local", _NO_ZONE),
    _at("an offset for a zone", "timeZone", "+02:00", _NO_ZONE),
    _at("an abbreviation for a zone", "timeZone", "CET", _NO_ZONE),
    _at("a path for a zone", "timeZone", "../../etc/localtime", _NO_ZONE),
    _at("zone empty", "timeZone", "", "at least 3 chars"),
    _at("zone too long", "timeZone", "Europe/" + "x" * 58, "64"),
    *_windows("kind unknown", "kind", "forbid", '"allow", "deny"'),
    *_windows("six fields", "schedule", "0 0 2 * * *", _NO_CRON),
    *_windows("four fields", "schedule", "0 2 * *  ", _NO_CRON),
    *_windows("a nickname", "schedule", "@midnight", _NO_CRON),
    *_windows("two blanks", "schedule", "0  2 * * *", _NO_CRON),
    *_windows("schedule too short", "schedule", "@daily", "at least 9 chars"),
    *_windows("schedule too long", "schedule", "0 2 * * " + "1," * 60 + "1", "128"),
    *_windows("unknown zone", "timeZone", "Mars/Base", _NO_ZONE),
    *_windows("an offset for a zone", "timeZone", "+02:00", _NO_ZONE),
    *_windows("zone empty", "timeZone", "", "at least 3 chars"),
    *_windows("zone too long", "timeZone", "Europe/" + "x" * 58, "64"),
    *_windows("no duration", "duration", "two hours", _NO_DURATION),
    *_windows("too short", "duration", "59s", _limits("1m", "744h")),
    *_windows("too long", "duration", "745h", _limits("1m", "744h")),
    *_windows("a long text for a duration", "duration", "1m" * 17, "32"),
    *(
        Wrong(f"{base['kind']}: {id_}", base, {"spec.rotationWindows": windows}, says)
        for base in (ROTATION, CONNECTION)
        for id_, windows, says in (
            ("17 windows", [_WINDOW] * 17, "16 items"),
            ("window without a kind", [{**_WINDOW, "kind": None}], "rotationWindows[0].kind"),
            ("window without a schedule", [{"kind": "allow", "duration": "2h"}], "schedule: Required"),
            (
                "window that never ends",
                [{"kind": "deny", "schedule": "0 2 * * *"}],
                "duration: Required",
            ),
            ("window as text", ["0 2 * * *"], "must be of type object"),
        )
    ),
    *_duration(ROTATION, "spec.spread", None, "24h1s", _limits("0s", "24h")),
    *_duration(ROTATION, "spec.noticeBefore", "0s", "745h", _limits("1s", "744h")),
    *_duration(ROTATION, "spec.nextSecretLeadTime", "0s", "745h", _limits("1s", "744h")),
    *(
        _rotation(f"restart: {id_}", "spec.rolloutRestartTargets", targets, says)
        for id_, targets, says in (
            ("33 of them", [{"kind": "Deployment", "name": f"web-{n}"} for n in range(33)], "32 items"),
            ("another kind", [{"kind": "CronJob", "name": "web"}], '"DaemonSet"'),
            ("no kind", [{"name": "web"}], "kind: Required"),
            ("no name", [{"kind": "Deployment"}], "name: Required"),
            ("a name in capitals", [{"kind": "Deployment", "name": "Web"}], "name"),
            ("an empty name", [{"kind": "Deployment", "name": ""}], "at least 1 chars"),
            ("a long name", [{"kind": "Deployment", "name": "x" * 254}], "253"),
        )
    ),
    _rotation("canary as text", "spec.canary", "yes", "must be of type boolean"),
    _rotation("gate as text", "spec.restartGate", "yes", "must be of type boolean"),
    _rotation("consumers to be guessed", "spec.consumers", "all", '"discover"'),
    _rotation("consumers as a list", "spec.consumers", ["web"], "must be of type string"),
    _rotation("description too long", "spec.description", "x" * 257, "256"),
    _rotation("automation as text", "spec.isAutoRotationEnabled", "yes", "must be of type boolean"),
    _rotation("no mapping", "spec.secretsMapping", None, "spec.secretsMapping: Required value"),
    _rotation("half a mapping", "spec.secretsMapping", {"clientId": "ID"}, "clientSecret: Required"),
    *(
        _mapping(first, second)
        for position, first in enumerate(_NAMES)
        for second in _NAMES[position + 1 :]
    ),
    *(
        row
        for name in _NAMES
        for row in (
            _rotation(f"{name} key with a blank", f"spec.secretsMapping.{name}", "a b"),
            _rotation(f"{name} key empty", f"spec.secretsMapping.{name}", "", "at least 1 chars"),
            _rotation(f"{name} key too long", f"spec.secretsMapping.{name}", "x" * 254, "253"),
            # Kubernetes takes neither of them as a key of a Secret.
            _rotation(f"{name} key ..", f"spec.secretsMapping.{name}", ".."),
            _rotation(f"{name} key ..x", f"spec.secretsMapping.{name}", "..x"),
        )
    ),
    _rotation("target a journal", "spec.target.name", "x.journal", "belong to the operator's journals"),
    _rotation("target in capitals", "spec.target.name", "Web"),
    _rotation("target with two dots", "spec.target.name", "a..b"),
    _rotation("target empty", "spec.target.name", "", "at least 1 chars"),
    _rotation("target too long", "spec.target.name", "x" * 254, "253"),
    _rotation("creationPolicy unknown", "spec.target.creationPolicy", "Orphan", '"Create", "Merge"'),
    _rotation("Merge into nothing", "spec.target.creationPolicy", "Merge", "set target.name"),
    *(_template(name) for name in _NAMES),
    _rotation(
        "template key with a slash", "spec.target.template.data", {"a/b": "x"}, "letters, digits, dots"
    ),
    _rotation("template key ..", "spec.target.template.data", {"..": "x"}, "spec.target.template.data"),
    _rotation("template value empty", "spec.target.template.data", {"a": ""}, "at least 1 chars"),
    _rotation("template value too long", "spec.target.template.data", {"a": "x" * 4097}, "4096"),
    _rotation(
        "template of 33 keys",
        "spec.target.template.data",
        {f"key-{number}": "x" for number in range(33)},
        "at most 32 items",
    ),
    _rotation("template name unknown", "spec.target.template.data", {"a": "$(nope)"}, "spec.target"),
    _rotation("template type empty", "spec.target.template.type", "", "at least 1 chars"),
    _rotation("template type too long", "spec.target.template.type", "x" * 254, "253"),
    _rotation(
        "a label of ours",
        "spec.target.template.metadata.labels",
        {"team": "a", "auth0rotator.dev/role": "journal"},
        "names that begin with auth0rotator.dev/ are the operator's",
    ),
    _rotation(
        "an annotation of ours",
        "spec.target.template.metadata.annotations",
        {"auth0rotator.dev/withdraw-with": "x"},
        "names that begin with auth0rotator.dev/ are the operator's",
    ),
    _rotation(
        "65 labels",
        "spec.target.template.metadata.labels",
        {f"label-{number}": "x" for number in range(65)},
        "at most 64 items",
    ),
    _rotation(
        "65 annotations",
        "spec.target.template.metadata.annotations",
        {f"annotation-{number}": "x" for number in range(65)},
        "at most 64 items",
    ),
    _rotation(
        "label a number", "spec.target.template.metadata.labels", {"a": 1}, "must be of type string"
    ),
    _rotation("initialRotation unknown", "spec.initialRotation", "Later", '"Immediate", "WhenDue"'),
    _rotation("trigger a number", "spec.rotationTrigger", 1, "must be of type string"),
    _rotation("trigger too long", "spec.rotationTrigger", "x" * 257, "256"),
    _rotation("suspend as text", "spec.suspend", "true", "must be of type boolean"),
    _rotation("verification as text", "spec.verification.enabled", "no", "must be of type boolean"),
    _rotation("deletion as text", "spec.deletion.deleteSecrets", "no", "must be of type boolean"),
    _connection("no domain", "spec.domain", None, "spec.domain: Required value"),
    _connection("domain empty", "spec.domain", "", "at least 3 chars"),
    _connection("domain too long", "spec.domain", "x." * 127, "253"),
    _connection("domain with a scheme", "spec.domain", "https://acme.eu.auth0.com"),
    _connection("domain with a path", "spec.domain", "acme.eu.auth0.com/api"),
    _connection("domain with a port", "spec.domain", "acme.eu.auth0.com:443"),
    _connection("domain in capitals", "spec.domain", "Acme.eu.auth0.com"),
    _connection("domain of one word", "spec.domain", "acme"),
    _connection("method unknown", "spec.method", "password", '"client-credentials"'),
    _connection("audience without slash", "spec.audience", "https://acme.eu.auth0.com/api/v2", _SLASH),
    _connection("audience empty", "spec.audience", "", "at least 1 chars"),
    _connection("audience too long", "spec.audience", "x" * 512 + "/", "512"),
    _connection("no credentials", "spec.credentialsSecretRef", {}, "Ref.name: Required value"),
    _connection("credentials' name empty", "spec.credentialsSecretRef.name", "", "at least 1 chars"),
    _connection("credentials' name too long", "spec.credentialsSecretRef.name", "x" * 254, "253"),
    _connection("credentials' name in capitals", "spec.credentialsSecretRef.name", "Auth0"),
    *(
        row
        for name in ("clientIdKey", "clientSecretKey")
        for row in (
            _connection(f"{name} with a slash", f"spec.credentialsSecretRef.{name}", "a/b"),
            _connection(f"{name} empty", f"spec.credentialsSecretRef.{name}", "", "at least 1 chars"),
            _connection(f"{name} too long", f"spec.credentialsSecretRef.{name}", "x" * 254, "253"),
        )
    ),
    _connection("rate 0", "spec.rateLimit.requestsPerSecond", 0, "greater than 0"),
    _connection("rate -1", "spec.rateLimit.requestsPerSecond", -1, "greater than 0"),
    _connection("rate 1001", "spec.rateLimit.requestsPerSecond", 1001, "less than or equal to 1000"),
    _connection("rate as text", "spec.rateLimit.requestsPerSecond", "2", "must be of type number"),
    _connection("burst 0", "spec.rateLimit.burst", 0, "greater than or equal to 1"),
    _connection("burst 1001", "spec.rateLimit.burst", 1001, "less than or equal to 1000"),
    _connection("burst broken", "spec.rateLimit.burst", 1.5, "must be of type integer"),
    _connection("endpoint with a path", "spec.endpoint", "https://proxy.internal/auth0", _URL),
    _connection("endpoint with a query", "spec.endpoint", "https://proxy.internal?a=b"),
    _connection("endpoint with a fragment", "spec.endpoint", "https://proxy.internal#a", _URL),
    # The spec is no place for a password.
    _connection("endpoint with a password", "spec.endpoint", "https://user:word@proxy.internal"),
    _connection("endpoint by ftp", "spec.endpoint", "ftp://proxy.internal", _URL),
    _connection("endpoint without scheme", "spec.endpoint", "proxy.internal", _URL),
    _connection("endpoint without host", "spec.endpoint", "https://", _URL),
    _connection("endpoint empty", "spec.endpoint", "", "at least 1 chars"),
    _connection("endpoint too long", "spec.endpoint", "https://" + "x" * 505, "512"),
    _connection("governor of nothing", "spec.governor", {}, _NO_GOVERNOR),
    *_duration(CONNECTION, "spec.governor.minSpacing", "0s", "745h", _limits("1s", "744h")),
    *(
        row
        for name, most in (("maxPerHour", 10000), ("openAfterFailures", 1000))
        for row in (
            _connection(f"{name} 0", f"spec.governor.{name}", 0, "greater than or equal to 1"),
            _connection(
                f"{name} {most + 1}", f"spec.governor.{name}", most + 1, f"less than or equal to {most}"
            ),
            _connection(f"{name} as text", f"spec.governor.{name}", "3", "must be of type integer"),
        )
    ),
    *_duration(CONNECTION, "spec.foreignRotation.probeInterval", "59s", "745h", _limits("1m", "744h")),
    _connection(
        "foreign rotations without an interval",
        "spec.foreignRotation",
        {"adopt": True},
        "spec.foreignRotation.probeInterval: Required value",
    ),
    _connection(
        "adoption as text",
        "spec.foreignRotation",
        {"probeInterval": "1h", "adopt": "yes"},
        "must be of type boolean",
    ),
    _connection("caBundle no base64", "spec.caBundle", "-----BEGIN", "must be of type byte"),
    _connection("caBundle empty", "spec.caBundle", "", "at least 1 chars"),
    _connection("caBundle too long", "spec.caBundle", "QUFB" * 32769, "131072"),
    _cluster("an entry of text", ["team-a"], "must be of type object"),
    _cluster("65 entries", [{"names": ["a"]}] * 65, "64 items"),
    _cluster("257 names", [{"names": ["a"] * 257}], "256 items"),
    _cluster("namespace empty", [{"names": [""]}], "at least 1 chars"),
    _cluster("namespace too long", [{"names": ["x" * 254]}], "Too long"),
    _cluster("namespace in capitals", [{"names": ["Team"]}], "spec.allowedNamespaces[0].names[0]"),
    _cluster("client id empty", [{"clientIds": [""]}], "at least 1 chars"),
    _cluster("client id too long", [{"clientIds": ["x" * 129]}], "128"),
    _cluster("257 client ids", [{"clientIds": ["a"] * 257}], "256 items"),
    _cluster(
        "65 labels",
        [{"selector": {"matchLabels": {f"label-{number}": "x" for number in range(65)}}}],
        "at most 64 items",
    ),
)
