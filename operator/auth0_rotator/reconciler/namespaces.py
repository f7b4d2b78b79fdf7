"""What namespaces say by their labels: whom a connection admits, and where everything is frozen."""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from auth0_rotator.cluster import Objects
from auth0_rotator.errors import Refused, RotatorError
from auth0_rotator.mirror import Mirror
from auth0_rotator.subject import FREEZE

logger = logging.getLogger(__name__)

# How long the labels of a namespace are believed.
FRESH: Final = timedelta(seconds=30)


class Namespaces:
    """Labels are read where nobody watches them."""

    def __init__(self, objects: Objects, mirror: Mirror, clock: Callable[[], datetime]) -> None:
        """Know no namespace yet."""
        self._objects = objects
        self._mirror = mirror
        self._clock = clock
        self._read: dict[str, tuple[datetime, Mapping[str, str]]] = {}

    async def is_frozen(self, name: str) -> bool:
        """Return whether the namespace carries the label that stops all rotations in it.

        One that may not be read cannot be frozen.

        Raises:
            Retry: it could not be read, and nobody knows whether it is.
        """
        frozen = self._mirror.frozen
        if frozen is not None:
            return name in frozen
        try:
            return (await self._labels(name)).get(FREEZE) == "true"
        except Refused:
            return False

    async def labels_of(self, name: str) -> Mapping[str, str]:
        """Return the labels of a namespace; none where it cannot be read, which admits nobody."""
        try:
            return await self._labels(name)
        except RotatorError as error:
            logger.warning("a namespace cannot be read", extra={"key": name, "cause": error.message})
            return {}

    async def _labels(self, name: str) -> Mapping[str, str]:
        """Return the labels as they were half a minute ago at the oldest."""
        now = self._clock()
        read_at, labels = self._read.get(name, (None, {}))
        if read_at is None or not timedelta(0) <= now - read_at < FRESH:
            labels = await self._objects.namespace_labels(name)
            self._read[name] = (now, labels)
        return labels
