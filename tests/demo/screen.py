"""What the demo shows."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Scene:
    """One thing that was shown."""

    what: str
    expected_changes: int
    changes: int
    seconds: float | None
    """Until the target held the value; None where nothing was delivered."""
    login: bool
    """Whether the tenant accepted what the target holds."""
    note: str = ""

    @property
    def is_good(self) -> bool:
        """Whether it went as promised."""
        return self.login and self.changes == self.expected_changes


class Screen:
    """A terminal, or a file."""

    def __init__(self) -> None:
        """Write to stdout."""
        self._console = Console(highlight=False, soft_wrap=True)

    def say(self, text: str) -> None:
        """Say one line."""
        self._console.print(text, markup=False)

    def scene(self, scene: Scene) -> None:
        """Tell what was just shown."""
        mark = "[green]ok[/]" if scene.is_good else "[red]NOT OK[/]"
        took = f" in {scene.seconds:.2f} s" if scene.seconds is not None else ""
        self._console.print(f"{mark}  {scene.what}: {scene.changes} change(s) at the tenant{took}")

    def fail(self, text: str) -> None:
        """Say what went wrong."""
        self._console.print(text, style="red", markup=False)

    def table(self, scenes: Sequence[Scene]) -> None:
        """Print the summary."""
        table = Table(title="What was shown")
        for name in ("what", "changes at the tenant", "seconds to delivery", "login with the target"):
            table.add_column(name, justify="left" if name == "what" else "right")
        for scene in scenes:
            seconds = f"{scene.seconds:.2f}" if scene.seconds is not None else "-"
            changes = str(scene.changes)
            if scene.changes != scene.expected_changes:
                changes += f" (not {scene.expected_changes})"
            table.add_row(scene.what, changes, seconds, "accepted" if scene.login else "REFUSED")
        self._console.print(table)
