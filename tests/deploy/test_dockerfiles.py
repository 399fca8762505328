"""The Dockerfiles name only files, scripts and commands that exist; the GitHub workflow builds the image."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from veraface.cli.app import app

ROOT = Path(__file__).parents[2]
SERVER = ROOT / "Dockerfile"
DOCKERFILES = [SERVER, *sorted((ROOT / "deploy").glob("*Dockerfile"))]
WORKFLOW = ROOT / ".github/workflows/container.yml"


def instructions(path: Path) -> list[tuple[str, str]]:
    """Return a Dockerfile's instructions as (name, arguments), with continued lines joined."""
    lines = [line for line in path.read_text().splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [
        (name, rest.strip())
        for name, _, rest in (line.partition(" ") for line in joined.splitlines() if line)
    ]


def arguments(path: Path, name: str) -> list[str]:
    return [rest for found, rest in instructions(path) if found == name]


def copied_sources(path: Path) -> set[str]:
    """Return what COPY takes from the build context."""
    copies = [shlex.split(rest) for rest in arguments(path, "COPY") if not rest.startswith("--from")]
    return {source for words in copies for source in words[:-1]}


def context_patterns(path: Path) -> set[str]:
    """Return what the Dockerfile's ignore file lets into the build context."""
    own = path.with_name(path.name + ".dockerignore")
    lines = (own if own.exists() else ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in lines, "everything else is ignored"
    return {line.removeprefix("!") for line in lines if line.startswith("!")}


def environment() -> dict[str, str]:
    return dict(pair.split("=", 1) for rest in arguments(SERVER, "ENV") for pair in shlex.split(rest))


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_copied_files_exist(path: Path) -> None:
    for source in copied_sources(path):
        built_by_make = source.startswith("dist/")
        assert built_by_make or (ROOT / source).exists(), f"{path.name} copies {source}, which does not exist"


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_the_build_context_is_exactly_what_is_copied(path: Path) -> None:
    assert context_patterns(path) == copied_sources(path)


def test_the_shipped_weights_are_in_the_build_context() -> None:
    assert "src" in copied_sources(SERVER)
    assert (ROOT / "src/veraface/models/weights/veraface-lite0.onnx").is_file()


def test_referenced_lock_files_are_copied_before_use() -> None:
    seen: set[str] = set()
    for name, rest in instructions(SERVER):
        if name == "FROM":
            seen = set()
        if name == "COPY":
            seen |= set(shlex.split(rest))
        for lock in re.findall(r"-r (\S+)", rest) if name == "RUN" else ():
            assert lock in seen, f"{lock} is not copied into this stage"


def test_copied_stages_exist() -> None:
    stages = {rest.split()[-1] for rest in arguments(SERVER, "FROM") if " AS " in rest}
    used = {match[1] for rest in arguments(SERVER, "COPY") if (match := re.match(r"--from=(\S+)", rest))}
    assert used == stages


def test_the_container_runs_an_existing_command() -> None:
    (command,) = arguments(SERVER, "CMD")
    program, name = json.loads(command)
    assert program == "veraface"
    assert name in get_command(app).commands  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_make_targets_scripts_and_documents_in_comments_exist(path: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    comments = "\n".join(line for line in path.read_text().splitlines() if line.startswith("#"))
    assert set(re.findall(r"\bmake ([a-z-]+)", comments)) <= targets
    for named in re.findall(r"(?:scripts|docs|deploy)/[\w./-]+\w", comments):
        assert (ROOT / named).is_file(), f"{path.name} mentions {named}, which does not exist"


def test_the_server_runs_without_privileges_on_port_7860() -> None:
    assert arguments(SERVER, "USER") == ["1000"]
    assert arguments(SERVER, "EXPOSE") == ["7860"]
    found = environment()
    assert (found["VERAFACE_HOST"], found["VERAFACE_PORT"]) == ("0.0.0.0", "7860")


def test_every_stage_has_the_same_small_base() -> None:
    bases = [rest.split()[0] for rest in arguments(SERVER, "FROM")]
    assert bases == ["python:3.11-slim-bookworm"] * 3


def test_every_installed_package_is_locked_by_hash() -> None:
    installs = [rest for rest in arguments(SERVER, "RUN") if "pip" in rest and " install " in rest]
    assert len(installs) == 3
    for install in installs:
        assert "--require-hashes" in install or "--no-index" in install, install
    versions = {
        lock: dict(
            re.findall(r"^([\w.-]+)==(\S+)", (ROOT / f"requirements/{lock}.txt").read_text(), re.MULTILINE)
        )
        for lock in ("core", "server")
    }
    assert versions["core"].items() <= versions["server"].items()
    assert "redis" in versions["server"]


def test_the_health_check_needs_only_python_and_bypasses_proxies() -> None:
    """It fails without a server; the container workflow waits until it succeeds."""
    (check,) = arguments(SERVER, "HEALTHCHECK")
    command = [sys.executable, *json.loads(check[check.index("CMD") + len("CMD") :])[1:]]
    proxied = {"VERAFACE_PORT": "1", "http_proxy": "http://127.0.0.1:1"}
    done = subprocess.run(command, env=proxied, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode != 0
    assert "ConnectionRefusedError" in done.stderr


def test_the_workflow_lints_every_dockerfile_and_builds_and_runs_the_server_image() -> None:
    steps = yaml.safe_load(WORKFLOW.read_text())["jobs"]["server"]["steps"]
    commands = "\n".join(step.get("run", "") for step in steps)
    for path in DOCKERFILES:
        assert path.relative_to(ROOT).as_posix() in commands, f"{path.name} is not linted"
    assert "docker build" in commands
    for option in ("--read-only", "--cap-drop ALL", "--security-opt no-new-privileges"):
        assert option in commands
    assert "health" in commands
