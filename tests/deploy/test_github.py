"""The files in .github/ parse and name only targets, scripts and files that exist."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import veraface

ROOT = Path(__file__).parents[2]
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
# Written by an earlier step or job of the same workflow.
GENERATED = ("build/", "dist/", "assets", "downloads", ".venv/", "photo.jpg")


def load(path: Path) -> dict[str, Any]:
    parsed: dict[Any, Any] = yaml.safe_load(path.read_text())
    return {
        "on" if key is True else key: value for key, value in parsed.items()
    }  # YAML 1.1 reads `on` as true


def steps(path: Path) -> list[dict[str, Any]]:
    return [step for job in load(path)["jobs"].values() for step in job["steps"]]


def commands(path: Path) -> str:
    return "\n".join(step.get("run", "") for step in steps(path))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_have_a_trigger_and_minimal_permissions(path: Path) -> None:
    workflow = load(path)
    assert workflow["name"] == path.stem
    assert workflow["on"]
    assert workflow["permissions"] == {"contents": "read"}, "jobs request further permissions individually"
    for name, job in workflow["jobs"].items():
        needs = job.get("needs", [])
        assert set([needs] if isinstance(needs, str) else needs) <= set(workflow["jobs"]), name


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_pinned_by_major_version(path: Path) -> None:
    for step in steps(path):
        assert ("uses" in step) != ("run" in step)
        if "uses" in step:
            assert re.fullmatch(r"[\w-]+/[\w-]+@(v\d+|release/v\d+)", step["uses"]), step["uses"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_make_targets_exist(path: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    used = set(re.findall(r"^\s*make ([a-z-]+)", commands(path), re.MULTILINE))
    assert used <= targets, sorted(used - targets)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_files_in_commands_exist(path: Path) -> None:
    words = re.findall(r"(?<![\w/:$}])\.?[\w-]+(?:/[\w.-]+)+|\bDockerfile\b", commands(path))
    for word in words:
        if word.startswith(GENERATED) or re.match(r"(hadolint|api|proc|tmp)/", word):
            continue
        assert (ROOT / word).exists(), f"{path.name} names {word}, which does not exist"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_paths_in_filters_and_caches_match_something(path: Path) -> None:
    triggers = [event for event in load(path)["on"].values() if isinstance(event, dict)]
    patterns = [pattern for event in triggers for pattern in event.get("paths", [])]
    patterns += [
        step["with"]["cache-dependency-path"]
        for step in steps(path)
        if "cache-dependency-path" in step.get("with", {})
    ]
    for pattern in patterns:
        assert any(ROOT.glob(pattern)), f"{path.name}: nothing matches {pattern}"


def test_every_supported_python_is_tested() -> None:
    jobs = load(GITHUB / "workflows/tests.yml")["jobs"]
    tested = {*jobs["unit"]["strategy"]["matrix"]["python"]}
    tested |= {
        step["with"]["python-version"]
        for step in jobs["full"]["steps"]
        if "setup-python" in step.get("uses", "")
    }
    classified = re.findall(r"Python :: (3\.\d+)\"", (ROOT / "pyproject.toml").read_text())
    assert tested == set(classified)


def test_a_release_publishes_every_artifact() -> None:
    text = (GITHUB / "workflows/release.yml").read_text()
    for part in (
        "make wheel",
        "-t sdist",
        "make extension",
        "make sbom",
        "gh-action-pypi-publish",
        "platforms:",
    ):
        assert part in text, part


def test_dependabot_covers_every_kind_of_dependency() -> None:
    updates = load(GITHUB / "dependabot.yml")["updates"]
    assert {update["package-ecosystem"] for update in updates} == {"pip", "npm", "github-actions", "docker"}
    for update in updates:
        for folder in update.get("directories", [update.get("directory")]):
            assert (ROOT / folder.removeprefix("/")).is_dir()
    assert (ROOT / "tests/tools/package-lock.json").is_file()


@pytest.mark.parametrize("name", ["bug", "wrong_verdict", "feature"])
def test_issue_forms_have_labeled_fields(name: str) -> None:
    form = load(GITHUB / f"ISSUE_TEMPLATE/{name}.yml")
    assert form["name"]
    assert form["description"]
    identifiers = [field["id"] for field in form["body"] if field["type"] != "markdown"]
    assert len(identifiers) == len(set(identifiers)) > 0
    assert all(field["attributes"].get("label") for field in form["body"] if field["type"] != "markdown")


def test_the_citation_names_the_version_and_the_license() -> None:
    citation = load(ROOT / "CITATION.cff")
    assert citation["cff-version"] == "1.2.0"
    assert citation["version"] == veraface.__version__
    assert citation["license"] == "Apache-2.0"
    assert citation["authors"]
    assert citation["repository-code"] in (ROOT / "pyproject.toml").read_text()
