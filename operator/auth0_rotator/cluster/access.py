"""How to reach the API server: in-cluster, or KUBECONFIG as kubectl resolves it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml
from kubernetes.aio.client import Configuration
from kubernetes.aio.config import ConfigException, load_incluster_config, load_kube_config

_IN_CLUSTER: Final = "KUBERNETES_SERVICE_HOST"
_KUBECONFIG: Final = "~/.kube/config"
_NAMESPACE_FILE: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach the API server, in plain words for those who do not use this package's client."""

    server: str
    ca_path: str | None
    is_insecure: bool
    scheme: str | None
    token: str | None
    certificate_path: str | None
    private_key_path: str | None

    def __repr__(self) -> str:
        return f"Access(server={self.server!r})"


class NoAccessError(Exception):
    """There is no way to reach a cluster; the text says what to set."""


async def load_access(environment: Mapping[str, str] = os.environ) -> Configuration:
    """Return how to reach the API server.

    Raises:
        NoAccessError: no configuration was found, or it makes no sense.
    """
    configuration = Configuration()
    # An empty variable is none, as kubectl has it.
    told = environment.get("KUBECONFIG", "").strip(os.pathsep)
    try:
        if told or _IN_CLUSTER not in environment:
            where = f"KUBECONFIG={told}" if told else f"{_KUBECONFIG} (KUBECONFIG is not set)"
            files = told or _KUBECONFIG
            _check_existence(files)
            await load_kube_config(files, client_configuration=configuration)
        else:
            where = "the service account's files"
            load_incluster_config(client_configuration=configuration)
    except (ConfigException, OSError, yaml.YAMLError, AttributeError, TypeError) as error:
        message = f"no cluster to work for: {where}: {error}"
        raise NoAccessError(" ".join(message.split())) from None
    return configuration


def _check_existence(files: str) -> None:
    """Pass where one of `files` is there: the others are passed over, as by kubectl.

    Raises:
        FileNotFoundError: there is none. The library would complain about an empty configuration.
    """
    names = [name for name in files.split(os.pathsep) if name]
    if not any(Path(name).expanduser().exists() for name in names):
        message = "this file does not exist" if len(names) == 1 else "none of these files exists"
        raise FileNotFoundError(message)


def own_namespace(environment: Mapping[str, str] = os.environ) -> str:
    """Return the namespace that the operator itself runs in, else the one it is installed to."""
    told = environment.get("POD_NAMESPACE")
    if told:
        return told
    try:
        return _NAMESPACE_FILE.read_text().strip()
    except OSError:
        return "auth0-rotator-system"


async def plain_access() -> Access:
    """Return how to reach the API server, loaded anew: a token may have been replaced.

    Raises:
        NoAccessError: as for `load_access`.
    """
    configuration = await load_access()
    scheme, _, token = (configuration.api_key.get("BearerToken") or "").rpartition(" ")
    return Access(
        server=configuration.host,
        ca_path=configuration.ssl_ca_cert,
        is_insecure=not configuration.verify_ssl,
        scheme=(scheme or "Bearer").capitalize() if token else None,
        token=token or None,
        certificate_path=configuration.cert_file,
        private_key_path=configuration.key_file,
    )
