"""Targets of links exist in the repository and on the built site."""

import json
import re
import sys
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote

import pytest
import yaml

from tests.docs.pages import ROOT, anchors, links, name, pages, run

# Elements whose targets a browser fetches from another host.
_FETCHES = re.compile(
    r"""<(?:script|link|img|iframe|source|video|audio)\b[^>]*?(?:src|href)=["']?(?:https?:)?//[^"'\s>]+"""
)


@pytest.mark.parametrize("page", pages(), ids=name)
def test_targets_of_links_exist(page: Path) -> None:
    for link in links(page):
        if re.match(r"[a-z][a-z0-9+.-]*:", link):
            continue
        path, _, anchor = unquote(link).partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.is_relative_to(ROOT), f"{link} is outside of the repository"
        assert target.exists(), f"{link}: no such file"
        if anchor:
            assert anchor in anchors(target), f"{link}: {name(target)} has {sorted(anchors(target))}"


@pytest.mark.parametrize("page", pages(), ids=name)
def test_external_links_use_https(page: Path) -> None:
    for link in links(page):
        assert not link.startswith("http://") or "127.0.0.1" in link, link


def _navigated(entries: list[object]) -> set[str]:
    found = set()
    for entry in entries:
        ((_, target),) = entry.items()  # type: ignore[attr-defined]
        found |= _navigated(target) if isinstance(target, list) else {target}
    return found


def test_every_page_is_in_the_navigation() -> None:
    settings = yaml.safe_load((ROOT / "mkdocs.yml").read_text())
    existing = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert existing <= _navigated(settings["nav"])


def test_the_model_card_page_is_current() -> None:
    sys.path.insert(0, str(ROOT / "scripts"))
    import write_model_card

    written = write_model_card.text(json.loads(write_model_card.CARD.read_text()))
    assert write_model_card.TARGET.read_text() == written, "run python3 scripts/write_model_card.py"


def _mkdocs() -> list[str] | None:
    return [sys.executable, "-m", "mkdocs"] if find_spec("mkdocs") and find_spec("material") else None


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site."""
    command = _mkdocs()
    if command is None:
        pytest.skip("mkdocs-material is missing: make docs")
    folder = tmp_path_factory.mktemp("site")
    done = run([*command, "build", "--strict", "--site-dir", folder], ROOT, NO_MKDOCS_2_WARNING="1")
    assert done.returncode == 0, done.stderr
    return folder


def test_the_site_fetches_nothing_from_other_hosts(site: Path) -> None:
    built = list(site.rglob("*.html"))
    assert len(built) > 15
    for page in built:
        text = page.read_text("utf-8")
        found = [tag for tag in _FETCHES.findall(text) if 'rel="canonical"' not in tag]
        assert not found, f"{page.name}: {found}"
    for sheet in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?(?:https?:)?//|@import", sheet.read_text("utf-8")), sheet


def test_targets_of_links_on_the_site_exist(site: Path) -> None:
    """Links to files outside docs/ point to existing files of the repository on GitHub."""
    repository = yaml.safe_load((ROOT / "mkdocs.yml").read_text())["repo_url"]
    outside = set()
    for page in site.rglob("*.html"):
        text = page.read_text("utf-8")
        outside |= set(re.findall(rf'href="{repository}/(?:blob|tree)/main/([^"#]*)', text))
        for link in re.findall(r'href="([^":#?]+)["#?]', text):
            target = page.parent / unquote(link)
            if page.name != "404.html" and not link.startswith("/"):
                assert target.exists(), f"{page.relative_to(site)}: {link}"
    assert "deploy/compose.yaml" in outside
    assert [path for path in sorted(outside) if not (ROOT / unquote(path)).exists()] == []


def test_the_site_does_not_query_github(site: Path) -> None:
    """The theme's link to the repository would fetch the number of stars from api.github.com."""
    for page in site.rglob("*.html"):
        assert 'data-md-component="source"' not in page.read_text("utf-8"), page.name


def test_the_model_card_page_shows_rates_by_kind_of_attack_and_attribute() -> None:
    sys.path.insert(0, str(ROOT / "scripts"))
    try:
        import write_model_card
    finally:
        sys.path.pop(0)
    card = json.loads(write_model_card.CARD.read_text())
    rate = {"errors": 1, "images": 40, "value": 0.025, "interval": [0.0006, 0.1316]}
    point = {"name": "fake", "bpcer": rate, "apcer": None, "kinds": [{"kind": "face swap", **rate}]}
    sizes = [{"face_size": "80 to 128 px", "points": [point]}]
    attacks = {"standard": "ISO/IEC 30107-3", "points": [point], "by_face_size": sizes}
    row = {"value": "0-9", "fpr": rate, "reals_uncertain": rate, "fnr": rate}
    card["measured"] |= {"attacks": attacks, "by_attribute": {"age_group": [row]}}
    page = write_model_card.text(card)
    assert "| face swap | 40 | 2.5% (0.1% to 13.2%) |" in page
    assert "| 80 to 128 px | 2.5% (0.1% to 13.2%) |  |" in page
    assert "## False positive rate by age group" in page
    assert "| 0-9 | 40 | 2.5% (0.1% to 13.2%) |" in page
