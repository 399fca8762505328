"""The catalogs of reports: every language has the same texts, with the same values."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import veraface.report
from veraface.report.texts import LANGUAGES, Language, texts_in

CATALOGS = Path(veraface.report.__file__).parent / "languages"
PAGE = Path(veraface.__file__).parent / "server/static/languages"


def texts(language: str) -> dict[str, str]:
    def walk(part: dict[str, Any], path: str) -> Iterator[tuple[str, str]]:
        for name, value in part.items():
            if isinstance(value, dict):
                yield from walk(value, f"{path}{name}.")
            else:
                yield f"{path}{name}", value

    return dict(walk(json.loads((CATALOGS / f"{language}.json").read_text("utf-8")), ""))


def test_there_is_a_catalog_for_each_language_of_the_page() -> None:
    own, page = ({path.stem for path in folder.glob("*.json")} for folder in (CATALOGS, PAGE))
    assert own == page == set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_text_with_its_values(language: Language) -> None:
    english, own = texts("en"), texts(language)
    assert own.keys() == english.keys()
    assert all(own.values())
    for path, text in english.items():
        assert sorted(re.findall(r"{\w+}", own[path])) == sorted(re.findall(r"{\w+}", text)), path


def test_every_text_is_used() -> None:
    template = (CATALOGS.parent / "page.html").read_text("utf-8")
    used = {f"report.{name}" for name in re.findall(r't\("report\.(\w+)"', template)}
    assert used == {path for path in texts("en") if not path.startswith("neverSayReal.")}


def test_a_mode_replaces_texts() -> None:
    assert "blue real" in texts_in("en")("report.heatmap")
    assert "blue the opposite" in texts_in("en", True)("report.heatmap")
