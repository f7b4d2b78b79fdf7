"""What a run has seen, as a small table."""

from dataclasses import dataclass, fields
from datetime import timedelta


@dataclass(slots=True)
class Figures:
    """Counts over all stories of a run; the names of the fields are the words of the table."""

    minutes: float = 0.0
    stories: int = 0
    steps: int = 0
    rotation_objects_created: int = 0
    edits: int = 0
    rotation_objects_deleted: int = 0
    secrets_meddled_with: int = 0
    faults: int = 0
    crashes: int = 0
    operators_started: int = 0
    days_gone_by: float = 0.0
    requests_to_change_a_client_secret: int = 0
    rotations: int = 0
    revocations: int = 0
    versions_of_targets_read: int = 0
    checks_at_rest: int = 0
    needless_rotations: int = 0
    lost_values: int = 0

    def pass_time(self, duration: timedelta) -> None:
        """Count time that went by on the operators' clock."""
        self.days_gone_by += duration / timedelta(days=1)

    def table(self) -> str:
        """Return the counts as they stand in docs/reliability.md."""
        rows = [(field.name.replace("_", " "), getattr(self, field.name)) for field in fields(self)]
        return "\n".join(
            ["| what | how many |", "|---|---|", *(f"| {name} | {count:,.0f} |" for name, count in rows)]
        )

    def line(self) -> str:
        """Return the counts in one line."""
        counts = [(field.name.replace("_", " "), getattr(self, field.name)) for field in fields(self)]
        return ", ".join(f"{count:,.0f} {name}" for name, count in counts)
