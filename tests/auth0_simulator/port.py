"""A port that stays ours while nobody listens there."""

import socket


class Keeper:
    """Holds a port of the loopback between two times at which a server listens there: connections are
    refused, and the system gives the port to nobody else, whose answers would be taken for ours."""

    def __init__(self) -> None:
        """Hold nothing yet."""
        self._held: socket.socket | None = None

    def keep(self, port: int) -> None:
        """Hold a port on which nobody listens."""
        self._held = socket.socket()
        self._held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._held.bind(("127.0.0.1", port))

    def release(self) -> None:
        """Let go of it, to listen there again or for good."""
        if self._held is not None:
            self._held.close()
            self._held = None
