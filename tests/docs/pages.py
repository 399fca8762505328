"""Parse the repository's Markdown files: links, headings and code."""

import os
import re
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
_FOLDERS = ("docs", "deploy", "extension", "benchmarks/results")
_NOT_RUN = re.compile(r"<!--\s*not run:\s*\S")


def pages() -> list[Path]:
    """Return the Markdown files of the root, docs/, deploy/, extension/ and benchmarks/results/."""
    found = [*ROOT.glob("*.md"), ROOT / "src/veraface/models/weights/README.md"]
    for folder in _FOLDERS:
        found += (ROOT / folder).rglob("*.md")
    return sorted(path for path in found if "node_modules" not in path.parts)


def run(
    command: Sequence[str | Path], folder: Path, timeout_s: float = 120, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a documented command in a folder, with these variables in addition to the environment."""
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def name(page: Path) -> str:
    """Return a page's path relative to the root, as a test identifier."""
    return page.relative_to(ROOT).as_posix()


@cache
def _tokens(page: Path) -> list[Token]:
    text = re.sub(r"\A---\n.*?\n---\n", "", page.read_text("utf-8"), flags=re.DOTALL)  # front matter
    return MarkdownIt("commonmark").enable("table").parse(text)


def links(page: Path) -> Iterator[str]:
    """Yield the targets of a page's links and images."""
    for token in _tokens(page):
        for inner in token.children or ():
            if target := inner.attrs.get("href") or inner.attrs.get("src"):
                yield str(target)


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub generates them."""
    seen: Counter[str] = Counter()
    found = set()
    tokens = _tokens(page)
    for at, token in enumerate(tokens):
        if token.type == "heading_open":
            inner = tokens[at + 1].children or []
            words = "".join(part.content for part in inner if part.type in ("text", "code_inline"))
            slug = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
            found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
            seen[slug] += 1
    return found


@dataclass(frozen=True)
class Code:
    """A block of code."""

    page: Path
    language: str
    text: str
    line: int
    run: bool  # False after a comment `<!-- not run: reason -->`

    def __str__(self) -> str:
        return f"{name(self.page)}:{self.line}"

    def commands(self) -> Iterator[str]:
        """Yield the command lines, each on one line, without prompts and comments."""
        for line in self.text.replace("\\\n", " ").splitlines():
            bare = re.sub(r"\s+#\s.*$", "", line.strip().removeprefix("$ "))
            if bare and not bare.startswith("#"):
                yield bare


def code(page: Path) -> Iterator[Code]:
    """Yield a page's blocks of code."""
    before = ""
    for token in _tokens(page):
        if token.type in ("fence", "code_block"):
            line = (token.map or [0])[0] + 1
            yield Code(page, token.info.strip(), token.content, line, not _NOT_RUN.search(before))
        before = token.content if token.type == "html_block" else ""


def inline_code(page: Path) -> Iterator[str]:
    """Yield a page's inline code."""
    for token in _tokens(page):
        yield from (inner.content for inner in token.children or () if inner.type == "code_inline")
