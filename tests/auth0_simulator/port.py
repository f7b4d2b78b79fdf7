"""A port that stays ours while nobody listens there."""

import socket


def keep(port: int) -> socket.socket:
    """Return a socket on a port of the loopback: connections are refused, and the system gives the port
    to nobody else, whose answers would be taken for ours. Close it to listen there again."""
    kept = socket.socket()
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    kept.bind(("127.0.0.1", port))
    return kept
