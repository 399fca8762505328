"""The texts of a report in the languages of the page: its catalogs, and the catalog of the report itself.

Numbers, lists and plural forms are those that browsers make of them (Unicode CLDR 46), since a report must
read like the page; tests compare both.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

import veraface

Language = Literal["en", "ar", "de", "es", "fr", "hi", "zh"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
_CATALOGS = (Path(__file__).parent / "languages", Path(veraface.__file__).parent / "server/static/languages")
# LEFT-TO-RIGHT ISOLATE and POP DIRECTIONAL ISOLATE (Unicode Standard Annex 9).
_ISOLATE = "\u2066{}\u2069"


@dataclass(frozen=True)
class _Style:
    """How a language writes numbers and lists, in European digits."""

    thousands: str = ","
    percent: str = "%"
    between: str = ", "
    """two parts of a list"""
    last: str = ", and "
    """the last two of three or more parts"""
    two: str = " and "
    """the parts of a list of two"""


_STYLES: dict[str, _Style] = {
    "en": _Style(),
    "ar": _Style(percent="\u200e%\u200e", between=" و", last=" و", two=" و"),
    "de": _Style(".", "\u00a0%", last=" und ", two=" und "),
    "es": _Style("", "\u00a0%", last=" y ", two=" y "),
    "fr": _Style("\u202f", "\u00a0%", last=" et ", two=" et "),
    "hi": _Style(last=", और ", two=" और "),
    "zh": _Style(between="、", last="和", two="和"),
}


class Texts:
    """The texts of one language; with `never_say_real`, those of that mode replace others."""

    def __init__(self, language: Language = "en", never_say_real: bool = False) -> None:
        own, page = (json.loads((folder / f"{language}.json").read_text("utf-8")) for folder in _CATALOGS)
        overlays = [page["neverSayReal"], own["neverSayReal"]] if never_say_real else []
        self._catalogs: list[dict[str, Any]] = [*overlays, page, own]
        self._style = _STYLES[language]
        self.language = language
        self.direction = "rtl" if language == "ar" else "ltr"

    def __call__(self, path: str, **values: Any) -> str:
        """Return the text at a path, with values in it, one of them perhaps the `count` of a plural form."""
        found = self._find(path)
        if isinstance(found, dict):  # plural forms
            found = found.get(_plural(self.language, values["count"]), found["other"])
        for name, value in values.items():
            found = found.replace(f"{{{name}}}", str(value))
        return str(found)

    def has(self, path: str) -> bool:
        """Return whether there is such a text."""
        return self._find(path) is not None

    def number(self, value: int) -> str:
        """Return a whole number below a million, "1,000"."""
        return f"{value:,}".replace(",", self._style.thousands)

    def percent(self, value: str) -> str:
        """Return whole percent, "93%", of a number as text."""
        return f"{value}{self._style.percent}"

    def isolated(self, shown: str) -> str:
        """Return a figure that the text around it does not reorder if it is written from right to left."""
        return shown if self.direction == "ltr" else _ISOLATE.format(shown)

    def joined(self, parts: Sequence[str]) -> str:
        """Return parts of a sentence as the language joins them: "a, b, and c"."""
        if len(parts) < 3:
            return self._style.two.join(parts)
        return f"{self._style.between.join(parts[:-1])}{self._style.last}{parts[-1]}"

    def _find(self, path: str) -> Any:
        for catalog in self._catalogs:
            found: Any = catalog
            for name in path.split("."):
                found = found.get(name) if isinstance(found, dict) else None
            if found is not None:
                return found
        return None


def _plural(language: str, count: int) -> str:
    """Return the plural form of a count below a million."""
    if language == "ar":
        if count < 3:
            return ("zero", "one", "two")[count]
        return "few" if 3 <= count % 100 <= 10 else "many" if count % 100 > 10 else "other"
    singular = count <= 1 if language in ("fr", "hi") else count == 1 and language != "zh"
    return "one" if singular else "other"


texts_in = cache(Texts)
