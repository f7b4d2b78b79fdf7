"""The mutants are made as they should be, and none is passed over."""

import tomllib
from collections.abc import Iterable

import pytest

from auth0_rotator.decision import RULES, protocol
from mutation.explanations import FILE, explanations, weighed
from mutation.functions import mutant_of
from mutation.lifting import lifted, place_of
from mutation.mutant import Mutant
from mutation.tables import unchanged, variants
from mutation.workshop import DESELECTED, ROOT, pure_modules

DECORATED = '''"""A module."""

@final
class Door:
    """A door."""

    @property
    def is_open(self) -> bool:
        """Whether it is."""
        # Both: see above.
        if self.width:
            return True
        return False

    @classmethod
    def _made(cls, width: int) -> "Door":
        return cls(width)

    def open(self) -> None:
        self.width = 1
'''
LIFTED = '''"""A module."""

def Door__is_open(self):
    if self.width:
        return True
    return False


def Door___made(cls, width):
    return cls(width)


@final
class Door:
    """A door."""

    @property
    def is_open(self) -> bool:
        """Whether it is."""
        # Both: see above.
        return Door__is_open(self)

    @classmethod
    def _made(cls, width: int) -> "Door":
        return Door___made(cls, width)

    def open(self) -> None:
        self.width = 1
'''


def test_what_a_decorated_method_does_is_done_by_a_function() -> None:
    assert lifted(DECORATED) == LIFTED


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("is_ahead", "is_ahead"),
        ("_is__odd", "_is__odd"),
        ("Door__is_open", "Door.is_open"),
        ("Door___made", "Door._made"),
    ],
)
def test_a_function_that_was_lifted_is_told_as_the_method_that_it_is(name: str, place: str) -> None:
    assert place_of(name) == place


SHOWN = """# auth0_rotator.x: survived
--- src/auth0_rotator/x.py
+++ src/auth0_rotator/x.py
@@ -1,4 +1,3 @@
 def f():
     return g(
-        a,
-        b=-1,
-    )
+        a,
+        )
"""


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("auth0_rotator.schedule.x_is_ahead__mutmut_12", "schedule.is_ahead"),
        ("auth0_rotator.decision.value.x__is_foreign__mutmut_3", "decision.value._is_foreign"),
        ("auth0_rotator.mirror.xǁMirrorǁ_sending__mutmut_3", "mirror.Mirror._sending"),
        ("auth0_rotator.journal.x_Journal__handled__mutmut_3", "journal.Journal.handled"),
    ],
)
def test_a_mutant_is_known_by_its_place_and_its_words(name: str, place: str) -> None:
    assert mutant_of(name, SHOWN) == Mutant(place, "a, b=-1, )", "a, )")


def test_a_name_that_is_not_understood_is_no_mutant() -> None:
    with pytest.raises(ValueError, match=r"otherwise than it did: auth0_rotator\.x$"):
        mutant_of("auth0_rotator.x", SHOWN)


def test_the_modules_whose_branches_are_covered_are_those_that_are_mutated() -> None:
    """Catches a module that was renamed: its pattern would match nothing, and nobody would see it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    included = project["tool"]["coverage"]["run"]["include"]
    assert [pattern for pattern in included if not list(ROOT.glob(pattern))] == []
    assert pure_modules(project) == [f"src{pattern.removeprefix('operator')}" for pattern in included]


@pytest.mark.parametrize("test", DESELECTED)
def test_what_is_deselected_is_there(test: str) -> None:
    file, _, name = test.partition("::")
    assert f"def {name}()" in (ROOT / file).read_text()


def test_every_entry_of_a_table_is_left_out_and_changed_to_every_other() -> None:
    found = list(variants())
    steps, entries = len(protocol.Step), len(protocol.AFTER) + len(protocol.AFTER_IN_DOUBT)
    assert len(found) == 2 * len(RULES) - 1 + entries * steps + len(protocol.ENDS)
    assert len({variant.mutant for variant in found}) == len(found)
    tables = {variant.name: getattr(protocol, variant.name, RULES) for variant in found}
    assert set(tables) == {"RULES", "AFTER", "AFTER_IN_DOUBT", "ENDS"}
    assert [variant for variant in found if variant.table == tables[variant.name]] == []
    assert [variant for variant in unchanged() if variant.table != tables[variant.name]] == []


A, B = Mutant("m.f", "a", "b"), Mutant("m.f", "a", "c")
ENTRY = "- {in: m.f, line: a, becomes: [b, c], because: it is so}"


@pytest.mark.parametrize(
    ("survivors", "unexplained", "stale"),
    [
        pytest.param([A, B], [], [], id="explained"),
        pytest.param([A, A, B], [], [], id="explained-in-two-places-at-once"),
        pytest.param([A, B, Mutant("m.g", "a", "b")], [Mutant("m.g", "a", "b")], [], id="unexplained"),
        pytest.param([A], [], [B], id="killed-by-now"),
    ],
)
def test_survivors_and_explanations_must_be_the_same(
    survivors: list[Mutant], unexplained: Iterable[Mutant], stale: Iterable[Mutant]
) -> None:
    balance = weighed(survivors, explanations(ENTRY))
    assert (balance.unexplained, balance.stale) == (frozenset(unexplained), frozenset(stale))
    assert balance.is_good is not bool(unexplained or stale)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"{ENTRY}\n{ENTRY}", id="twice"),
        pytest.param("- {in: m.f, line: a, becomes: b, because: ' '}", id="not-at-all"),
    ],
)
def test_each_mutant_is_explained_once(text: str) -> None:
    with pytest.raises(ValueError, match=r"explained twice, or not at all: m\.f\n  - a\n"):
        explanations(text)


def test_what_is_explained_can_be_read() -> None:
    assert explanations(FILE.read_text())
    assert explanations("# nothing") == {}


def test_a_line_that_is_left_out_is_told_without_words() -> None:
    entry = "- {in: m.f, line: 'a  b', becomes: '', because: it is so}"
    assert list(explanations(entry)) == [Mutant("m.f", "a b", "")]
