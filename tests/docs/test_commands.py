"""Documented commands work: all of them parse, and the fast ones are run."""

import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import typer.main

from tests.cli.terminal import veraface
from tests.docs.pages import Code, code, inline_code, name, pages, run
from tests.sample_images import encode, portrait
from tests.sample_videos import make_portrait
from tests.server.conftest import RunningServer, running_server
from veraface.cli.app import app

COMMANDS = typer.main.get_command(app)
PROGRAM = re.compile(r"(?:^|[;&|]\s*)((?:[A-Z_0-9]+=\S*\s+)*)veraface(?=\s|$)([^;&|>]*)")
# Fast commands, run in a folder with `photo.jpg`.
FAST = {"detect", "info", "create-api-key", "--help", "--version", "-h"}


def blocks() -> list[Code]:
    return [block for page in pages() for block in code(page)]


def documented(block: Code) -> Iterator[list[str]]:
    """Yield the arguments of each `veraface` command in a shell block."""
    if block.language in ("", "sh", "shell", "bash", "console"):
        for line in block.commands():
            for _, words in PROGRAM.findall(line):
                yield shlex.split(words)


def all_documented() -> list[tuple[Code, list[str]]]:
    return [(block, arguments) for block in blocks() for arguments in documented(block)]


def identifier(value: tuple[Code, list[str]] | object) -> str:
    return (
        str(value) if isinstance(value, Code) else " ".join(value) if isinstance(value, list) else repr(value)
    )


def test_the_documentation_contains_commands() -> None:
    assert len(all_documented()) > 15


@pytest.mark.parametrize(("block", "arguments"), all_documented(), ids=identifier)
def test_commands_parse(block: Code, arguments: list[str]) -> None:
    if not arguments or arguments[0].startswith("-"):
        assert set(arguments) <= {"--help", "-h", "--version"}
        return
    command, arguments = find_command(arguments)
    assert command, f"{block}: there is no `veraface {arguments[0]}`"
    if "--help" in arguments:
        return
    problem = refusal(command, arguments)
    assert not problem or "does not exist" in problem, f"{block}: {problem}"  # file names are placeholders


def find_command(words: list[str]) -> tuple[click.Command | None, list[str]]:
    """Return the command that words name, perhaps of a group such as `dataset build`, and its words."""
    command = COMMANDS.get_command(click.Context(COMMANDS), words[0])
    if hasattr(command, "get_command") and len(words) > 1:
        return command.get_command(click.Context(command), words[1]), words[1:]
    return command, words


def refusal(command: click.Command, arguments: list[str]) -> str:
    """Return the usage error of arguments, or an empty string."""
    try:
        command.make_context(f"veraface {arguments[0]}", arguments[1:])
    except Exception as error:  # some versions of Typer vendor Click, with their own UsageError
        return str(error) or type(error).__name__
    return ""


def inline() -> list[tuple[str, str]]:
    return [
        (name(page), text) for page in pages() for text in inline_code(page) if text.startswith("veraface ")
    ]


@pytest.mark.parametrize(("page", "text"), inline())
def test_inline_commands_exist(page: str, text: str) -> None:
    """Inline commands may be incomplete: only the command and the options must exist."""
    words = [word for word in text.split()[1:] if word not in ("…", "...")]
    if words[0].startswith("-"):
        assert words[0] in ("--help", "--version", "-h")
        return
    command, words = find_command(words)
    assert command, f"{page}: `{text}`"
    options = {option for parameter in command.params for option in parameter.opts} | {"--help", "-h"}
    used = {word.split("=")[0] for word in words[1:] if word.startswith("--")}
    assert used <= options, f"{page}: `{text}`"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a folder with an image photo.jpg and a video clip.mp4, the names in the documentation."""
    (tmp_path / "photo.jpg").write_bytes(encode(portrait(), "JPEG", quality=92))
    make_portrait(tmp_path / "clip.mp4")
    return tmp_path


def fast_commands() -> list[list[str]]:
    found = {tuple(arguments) for _, arguments in all_documented() if arguments and arguments[0] in FAST}
    found |= {(command, "--help") for command in COMMANDS.list_commands(click.Context(COMMANDS))}
    foreign = re.compile(r"\.(onnx|csv|parquet|zip|pem)$|/|^DATA$|^FILE$|\*")
    return sorted(
        list(arguments) for arguments in found if not any(foreign.search(word) for word in arguments)
    )


@pytest.mark.parametrize("arguments", fast_commands(), ids=" ".join)
def test_fast_commands_succeed(arguments: list[str], folder: Path) -> None:
    done = veraface(*arguments, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def pythons() -> list[Code]:
    return [block for block in blocks() if block.language == "python" and block.run]


@pytest.mark.parametrize("block", pythons(), ids=str)
def test_python_runs(block: Code, folder: Path) -> None:
    done = run([sys.executable, "-c", block.text], folder)
    assert done.returncode == 0, f"{block}\n{done.stderr}"
    assert done.stdout.strip()


def curls() -> list[tuple[Code, str]]:
    """Return the curl commands for a local server, except image URLs, which are disabled by default."""
    return [
        (block, line)
        for block in blocks()
        for line in block.commands()
        if line.startswith("curl ") and "//127.0.0.1:7860" in line and "url=" not in line and block.run
    ]


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with running_server(VERAFACE_METRICS="true") as server:
        yield server


@pytest.mark.parametrize(("block", "line"), curls(), ids=identifier)
def test_curl_commands_succeed(block: Code, line: str, folder: Path, server: RunningServer) -> None:
    if not shutil.which("curl"):
        pytest.skip("curl is missing")
    command = shlex.split(line.replace("http://127.0.0.1:7860", server.url))
    done = run([*command, "--silent", "--show-error", "--fail"], folder, 60, no_proxy="127.0.0.1")
    assert done.returncode == 0, f"{block}: {done.stderr}{done.stdout}"
    assert done.stdout.strip()


def targets() -> set[str]:
    makefile = (Path(__file__).parents[2] / "Makefile").read_text()
    return set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))


def test_make_targets_exist() -> None:
    for block in blocks():
        for line in block.commands():
            for target in re.findall(r"(?:^|&&\s*)make ([a-z-]+)", line):
                assert target in targets(), f"{block}: make {target}"
    for page in pages():
        for text in inline_code(page):
            if match := re.match(r"make ([a-z-]+)", text):
                assert match[1] in targets(), f"{name(page)}: {text}"


def test_scripts_exist() -> None:
    root = Path(__file__).parents[2]
    for block in blocks():
        for line in block.commands():
            for script in re.findall(r"\b((?:scripts|benchmarks|deploy)/[\w/.-]+\.(?:py|sh|yaml))\b", line):
                assert (root / script).exists(), f"{block}: {script}"
