"""Where files stand."""

from harness.installation import ROOT


def test_the_operator_folder_is_no_package() -> None:
    """As a package it would shadow the standard module `operator` for all that runs here."""
    assert (ROOT / "operator" / "auth0_rotator" / "__init__.py").is_file()
    assert not (ROOT / "operator" / "__init__.py").exists()
