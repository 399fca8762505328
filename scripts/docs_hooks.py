"""What MkDocs does beyond its settings: pages link to files of the repository, and the site holds those.

A link from docs/ to ../SECURITY.md works where the repository is read. On the site such a file stands under
repository/, pages rendered and all else as it is.
"""

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
_OUTSIDE = "repository/"  # where the site holds what is not in docs/
_LINK = re.compile(r"(\]\()([^)\s#:]+)((?:#[^)\s]*)?\))")  # no address, no anchor alone
_SAME = {"README.md": "docs/index.md"}  # says the same on the site


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Leaves pages that are not there out of the navigation."""
    config.nav = [entry for entry in map(_there, config.nav or []) if entry]
    return config


def _there(entry: Any) -> Any:
    (title, target), *_ = entry.items()
    if isinstance(target, list):
        kept = [inner for inner in map(_there, target) if inner]
        return {title: kept} if kept else None
    return entry if (ROOT / "docs" / target).is_file() else None


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the files of the repository that pages link to, and those that these link to."""
    waiting = [f"docs/{file.src_uri}" for file in files if file.src_uri.endswith(".md")]
    known = set(waiting)
    while waiting:
        page = waiting.pop()
        for link in _LINK.findall((ROOT / page).read_text("utf-8")):
            target = _target(page, link[1])
            if target is None or target in known or target.startswith("docs/"):
                continue
            known.add(target)
            content = (ROOT / target).read_bytes()
            added = File.generated(config, _uri(target), content=content, inclusion=InclusionLevel.NOT_IN_NAV)
            files.append(added)
            if target.endswith(".md"):
                waiting.append(target)
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Points links at where the site holds what they mean; one to a folder becomes its name alone."""
    uri = page.file.src_uri
    source = uri.removeprefix(_OUTSIDE) if uri.startswith(_OUTSIDE) else f"docs/{uri}"

    def pointed(link: re.Match[str]) -> str:
        target = _target(source, link[2])
        if target is None:
            return link[0]
        return link[1] + posixpath.relpath(_uri(target), posixpath.dirname(uri) or ".") + link[3]

    return _LINK.sub(pointed, markdown)


def _target(page: str, link: str) -> str | None:
    """What a link of a page means, from the root of the repository; None where it is no file there."""
    target = posixpath.normpath(posixpath.join(posixpath.dirname(page), link))
    if (ROOT / target).is_dir():
        target = posixpath.join(target, "README.md")
    inside = not target.startswith("..") and (ROOT / target).is_file()
    return _SAME.get(target, target) if inside else None


def _uri(target: str) -> str:
    return target.removeprefix("docs/") if target.startswith("docs/") else _OUTSIDE + target
