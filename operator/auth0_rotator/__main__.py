"""The command `auth0-rotator`."""

# What takes time to import is imported below, when signals are heeded already.
import os
import signal
import sys
from collections.abc import Callable, Sequence

USAGE = "usage: auth0-rotator run (--all-namespaces | --namespace NAME) [flags]; see run --help"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    match list(sys.argv[1:] if arguments is None else arguments):
        case ["run", *flags]:
            return _run(flags)
        case ["-h" | "--help", *_]:
            sys.stdout.write(f"{USAGE}\n")
            return 0
        case [command, *_]:
            sys.stderr.write(f"auth0-rotator: unknown command {' '.join(command.split())}\n")
    sys.stderr.write(f"{USAGE}\n")
    return 2


def _run(arguments: Sequence[str]) -> int:
    # Nothing is begun yet, so nothing is left behind. An exception could get lost in what is imported.
    _on_signals(lambda *_: os._exit(0))
    import asyncio  # noqa: PLC0415

    # Imported here, so that a wrong flag is told at once and --help needs no cluster client.
    from auth0_rotator.settings import parse_settings  # noqa: PLC0415

    settings = parse_settings(arguments)
    # Else httpx loads its own command line wherever click and rich are installed: 4 MB for nothing.
    sys.modules["httpx._main"] = None  # type: ignore[assignment]
    from auth0_rotator.event_loop import new_event_loop  # noqa: PLC0415
    from auth0_rotator.logs import configure_logging  # noqa: PLC0415
    from auth0_rotator.service import run  # noqa: PLC0415

    configure_logging(settings.log_format, settings.log_level)
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        code = runner.run(run(settings))
    # The loop has given the signals back to the system; one more would only change the exit code.
    _on_signals(signal.SIG_IGN)
    return code


def _on_signals(handler: Callable[..., object] | signal.Handlers) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handler)


if __name__ == "__main__":
    sys.exit(main())
