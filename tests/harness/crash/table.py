"""The document that says what each death cost."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from harness.crash.matrix import Line
from harness.installation import ROOT

DOCUMENT: Final = ROOT / "docs" / "crashes.md"
_COLUMNS: Final = (
    "in the middle of",
    "dead",
    "effect",
    "changes at the tenant",
    "target and tenant",
    "finalizers left",
    "status",
)
_PREFACE: Final = """# What a crash costs

Written by `make crash-table` from a run of the tests; do not edit.

An operator dies before or after a request that changes something outside of it, and the next one goes
on with what that left behind. The request is held in front of the API server, or at the tenant; the
operator knows nothing of it. *Before* means that it did not arrive. A change that was held at the tenant
arrives after all, when everything is over, and must change nothing then. *After* means that it was
done, and nobody heard.

*Changes at the tenant* counts how often the client secret really changed from the beginning to the end,
crash and restart included; one more or one less is a failed test. *Equal* means that the target holds,
under the client's own id, the value that the tenant accepts. In the end the journal is idle, and no
value waits in it but one that is announced, or it is gone with its rotation. Only a deletion that gave
up, because nobody told in ten minutes whether a value was taken, leaves the value from before. An Event
that was not posted when the operator died is lost; status and its history are not.
"""


@dataclass(frozen=True, slots=True)
class Chapter:
    """One table, and what it shows."""

    title: str
    text: str


CANCELS: Final = Chapter(
    "A pass that is cancelled",
    """The operator works in the process of the test. Its pass is cancelled where it stands, and the next
operator begins with an empty memory: at every effect of every story.
""",
)
KILLS: Final = Chapter(
    "A process that is killed",
    """`kill -9` of an operator in a process of its own, with the rights of `deploy/base`; then it is
started again. A start takes longer than a story, so not every row from above comes again: all effects of
a rotation, those of a takeover, and each step of a deletion.
""",
)


@dataclass(slots=True)
class Ledger:
    """The lines of one run."""

    lines: dict[Chapter, list[Line]] = field(default_factory=dict)

    def add(self, chapter: Chapter, line: Line) -> None:
        """Keep a line of a chapter."""
        self.lines.setdefault(chapter, []).append(line)

    def write(self, file: Path = DOCUMENT) -> None:
        """Write the document."""
        parts = [_PREFACE]
        for chapter, lines in self.lines.items():
            parts.append(f"\n## {chapter.title}\n\n{chapter.text}\n{_table(lines)}")
        file.write_text("".join(parts))


def _table(lines: Sequence[Line]) -> str:
    head, *rows = (f"| {' | '.join(cells)} |\n" for cells in (_COLUMNS, *map(_cells, lines)))
    return "".join((head, "|---" * len(_COLUMNS) + "|\n", *rows))


def _cells(line: Line) -> tuple[str, ...]:
    end = line.end
    return (*line.death.cells, str(line.changes), end.target, end.finalizers, end.status)


def rows_of(chapter: Chapter, file: Path = DOCUMENT) -> list[tuple[str, ...]]:
    """Return what the rows of a chapter are about."""
    _, _, rest = file.read_text().partition(f"\n## {chapter.title}\n")
    section, _, _ = rest.partition("\n## ")
    rows = [line for line in section.splitlines() if line.startswith("| ")][1:]
    return [tuple(cell.strip() for cell in row.split("|")[1:4]) for row in rows]
