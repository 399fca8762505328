"""Runs the page's tests in Node (`node --test`), where a test takes milliseconds instead of a second."""

import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

HERE = Path(__file__).parent
DOM = HERE.parent / "tools/node_modules/happy-dom"
MIN_NODE = (20, 19)  # the first that loads the scripts as modules without a setting


def unavailable(reason: str) -> None:
    pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)


def node_version(node: str) -> tuple[int, ...]:
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True, timeout=300)
    return tuple(int(number) for number in re.findall(r"\d+", version.stdout))


def test_modules_of_the_page(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None or node_version(node) < MIN_NODE:
        unavailable(f"no Node {'.'.join(map(str, MIN_NODE))} or later")
    if not DOM.is_dir():
        unavailable("no happy-dom: `make test` installs it with npm")
    files = sorted(HERE.glob("*.test.js"))
    report = tmp_path / "report.xml"
    options = [
        "--disable-warning=MODULE_TYPELESS_PACKAGE_JSON",
        "--max-semi-space-size=64",  # MB; the default of 16 collects garbage half of the time
        "--test-reporter=junit",
        f"--test-reporter-destination={report}",
    ]
    command = [str(node), "--test", *options, *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert report.is_file(), done.stderr
    cases = list(ElementTree.parse(report).iter("testcase"))
    failures = [
        f"{case.get('file', case.get('classname'))}: {case.get('name')}\n{failure.get('message')}"
        for case in cases
        for failure in case.iter("failure")
    ]
    assert not failures, "\n\n".join(failures)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(cases) > 100
