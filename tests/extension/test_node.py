"""The extension's logic in Node (`node --test`), where a test takes milliseconds instead of a second."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
MIN_NODE = (20, 19)  # runs ES modules that end in .js without a package.json


def test_logic_of_the_extension() -> None:
    node = shutil.which("node")
    if node is None or node_version(node) < MIN_NODE:
        reason = f"needs Node {'.'.join(map(str, MIN_NODE))} or later"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    options = ["--test", "--test-reporter=tap", "--disable-warning=MODULE_TYPELESS_PACKAGE_JSON"]
    command = [node, *options, *map(str, sorted(HERE.glob("*.test.js")))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    passed = re.search(r"^# pass (\d+)$", done.stdout, re.MULTILINE)
    assert passed
    assert int(passed[1]) >= 45


def node_version(node: str) -> tuple[int, ...]:
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True, timeout=300)
    return tuple(int(number) for number in re.findall(r"\d+", version.stdout))
