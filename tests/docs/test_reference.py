"""The API reference covers the public API."""

import re
from importlib import import_module

import pytest

import veraface
from tests.docs.pages import ROOT

PAGES = sorted((ROOT / "docs/reference").glob("*.md"))
REFERENCED = [
    name for page in PAGES for name in re.findall(r"^::: (\S+)", page.read_text("utf-8"), re.MULTILINE)
]


def test_every_public_name_is_documented() -> None:
    public = {f"veraface.{name}" for name in veraface.__all__ if not name.startswith("_")}
    errors = {f"veraface.{name}" for name in vars(import_module("veraface.errors"))}
    assert "veraface.errors" in REFERENCED
    assert public - errors <= set(REFERENCED), "add ::: lines to docs/reference/"


@pytest.mark.parametrize("name", REFERENCED)
def test_referenced_names_exist_and_have_a_docstring(name: str) -> None:
    path, _, attribute = name.rpartition(".")
    try:
        documented = import_module(name)
    except ModuleNotFoundError:
        documented = getattr(import_module(path), attribute)
    assert (documented.__doc__ or "").strip(), name
