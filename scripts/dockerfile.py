"""Reads the Dockerfile and .dockerignore of this checkout; what it does not know it refuses."""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

_KEPT = ("COPY", "RUN", "WORKDIR", "ENV", "USER")  # what is done one after another
_SAID = ("LABEL", "EXPOSE", "STOPSIGNAL")  # what only says something of the image


@dataclass(frozen=True)
class Step:
    """One instruction: its name and the rest of its line."""

    name: str
    rest: str


@dataclass
class Stage:
    """What follows one FROM."""

    base: str
    name: str
    steps: list[Step] = field(default_factory=list)
    said: dict[str, str] = field(default_factory=dict)  # LABEL, EXPOSE, STOPSIGNAL
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)  # the command of HEALTHCHECK

    def environment(self) -> dict[str, str]:
        """All that ENV sets."""
        pairs = (pair for step in self.steps if step.name == "ENV" for pair in shlex.split(step.rest))
        return dict(pair.split("=", 1) for pair in pairs)

    def user(self) -> str:
        """Who runs the command; root if nobody is named."""
        return next((step.rest for step in reversed(self.steps) if step.name == "USER"), "0")


def read_stages(dockerfile: str) -> list[Stage]:
    """The stages of a Dockerfile, in order.

    Raises:
        ValueError: It holds an instruction, or a form of one, that is not known here.
    """
    stages: list[Stage] = []
    for line in _lines(dockerfile):
        name, _, rest = line.partition(" ")
        rest = rest.strip()
        if name == "FROM":
            words = rest.split()
            stages.append(Stage(words[0], words[2] if words[1:2] == ["AS"] else ""))
        elif not stages:
            raise ValueError(f"{line}: stands before the first FROM")
        elif name in _KEPT:
            stages[-1].steps.append(Step(name, rest))
        elif name in _SAID:
            stages[-1].said[name] = rest
        elif name == "CMD":
            stages[-1].command = json.loads(rest)
        elif name == "HEALTHCHECK":
            stages[-1].health = json.loads(rest[rest.index("CMD") + len("CMD") :])
        else:
            raise ValueError(f"{line}: {name} is not known here")
    return stages


def _lines(text: str) -> Iterator[str]:
    kept = "\n".join(line for line in text.splitlines() if not re.match(r"\s*#", line))
    yield from filter(None, (line.strip() for line in re.sub(r"\\\n\s*", " ", kept).splitlines()))


def context_files(root: Path) -> Iterator[Path]:
    """The files below `root` that .dockerignore lets into the build, relative to it."""
    patterns = [line for line in _lines((root / ".dockerignore").read_text()) if line]
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root)
        if path.is_file() and relative.parts[0] != ".git" and not _ignored(relative, patterns):
            yield relative


def _ignored(path: Path, patterns: list[str]) -> bool:
    ignored = False
    names = [path, *path.parents][:-1]  # a pattern that meets a folder means all in it
    for pattern in patterns:
        bare = pattern.removeprefix("!").removeprefix("**/")
        deep = "**/" in pattern
        if any(fnmatch(name.name if deep else name.as_posix(), bare) for name in names):
            ignored = not pattern.startswith("!")
    return ignored
