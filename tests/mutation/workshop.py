"""A copy of the product and its unit tests in which wrong code may be made.

mutmut changes files beside the ones it finds, and it refuses a source root called `operator`: the
name of a standard module.
"""

import json
import shutil
import tomllib
from collections.abc import Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Final

from mutation.lifting import lifted

ROOT: Final = Path(__file__).resolve().parent.parent.parent
WORKSHOP: Final = ROOT / "build" / "mutation"
TESTS: Final = ("unit", "examples")
# These two read the list itself: without them a mutant has to show by what it does. The first would
# fail in every copy as well, for mutmut adds names to the modules.
DESELECTED: Final = (
    "tests/unit/test_decision_order.py::test_every_rule_is_in_the_list_once",
    "tests/unit/test_decision_order.py::test_all_neighbours_are_told_apart",
)


def lay_out() -> Path:
    """Return the folder of a new copy; what an earlier run left there is gone."""
    shutil.rmtree(WORKSHOP, ignore_errors=True)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    pure = pure_modules(project)
    source = WORKSHOP / "src"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "operator", source, ignore=ignored)
    for file in source.rglob("*.py"):
        if any(fnmatch(str(file.relative_to(WORKSHOP)), pattern) for pattern in pure):
            file.write_text(lifted(file.read_text()))
    for name in TESTS:
        shutil.copytree(ROOT / "tests" / name, WORKSHOP / "tests" / name, ignore=ignored)
    (WORKSHOP / "pyproject.toml").write_text(_settings(project, pure))
    return WORKSHOP


def pure_modules(project: Mapping[str, Any]) -> list[str]:
    """Return the files to change, as patterns: the very ones whose branches must all be covered."""
    included: list[str] = project["tool"]["coverage"]["run"]["include"]
    return [pattern.replace("operator/", "src/", 1) for pattern in included]


def _settings(project: Mapping[str, Any], pure: list[str]) -> str:
    """Return a pyproject.toml: tests run as in the project, and mutmut as in a fresh clone."""
    pytest = project["tool"]["pytest"]["ini_options"] | {"pythonpath": ["tests", "src"]}
    mutmut = {
        "source_paths": ["src"],
        "only_mutate": pure,
        "pytest_add_cli_args": [f"--deselect={test}" for test in DESELECTED],
        "pytest_add_cli_args_test_selection": ["tests/unit"],
        "use_git_change_detection": False,
    }
    parts = {"tool.pytest.ini_options": pytest, "tool.mutmut": mutmut}
    # JSON of texts, numbers and lists is TOML as well.
    return "\n".join(
        line
        for title, values in parts.items()
        for line in (
            f"[{title}]",
            *(f"{name} = {json.dumps(value)}" for name, value in values.items()),
            "",
        )
    )
