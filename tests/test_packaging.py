"""The installed package: contents of the wheel, size, and imported modules."""

import hashlib
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import veraface
from tests.sample_images import portrait

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "veraface"
MAX_MEGABYTES = 380  # limit for a core installation on disk
TRAINING_ONLY = (
    "av",
    "lightning",
    "matplotlib",
    "onnxscript",
    "pyarrow",
    "sklearn",
    "timm",
    "torch",
    "torchvision",
)
UNREACHABLE = ("connection broken by", "NewConnectionError", "NameResolutionError", "ProxyError")


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command without PYTHON* variables, so that only installed packages are found."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        [str(part) for part in command], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


def succeed(*command: str | Path, cwd: Path) -> str:
    done = run(*command, cwd=cwd)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    succeed(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def contents(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a virtual environment with only the core lock and the wheel."""
    folder = tmp_path_factory.mktemp("installed")
    venv = folder / "venv"
    succeed(sys.executable, "-m", "venv", "--without-pip", venv, cwd=folder)
    pip = [sys.executable, "-m", "pip", "--python", venv / "bin" / "python", "install", "--quiet"]
    locked = ["--require-hashes", "--only-binary", ":all:", "--no-compile", "--retries", "1"]
    done = run(*pip, *locked, "-r", ROOT / "requirements" / "core.txt", cwd=folder)
    if done.returncode and any(sign in done.stderr for sign in UNREACHABLE) and not os.environ.get("CI"):
        pytest.skip("no package index can be reached, so nothing can be installed")
    assert done.returncode == 0, done.stderr
    succeed(*pip, "--no-deps", "--no-compile", wheel, cwd=folder)
    return venv


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("image") / "portrait.png"
    portrait().save(path)
    return path


def test_the_wheel_contains_every_file_of_the_package(contents: set[str]) -> None:
    wanted = {
        path.relative_to(ROOT / "src").as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert wanted <= contents, f"missing: {sorted(wanted - contents)}"
    assert "veraface/py.typed" in contents
    assert "veraface/server/static/index.html" in contents


def test_the_wheel_contains_each_model_with_its_card_and_license(wheel: Path, contents: set[str]) -> None:
    models = {name for name in contents if name.endswith(".onnx")}
    assert "veraface/models/weights/yunet_n.onnx" in models
    classifiers = {name for name in models if name.startswith("veraface/models/weights/veraface-")}
    assert classifiers, "no classifier is shipped"
    with zipfile.ZipFile(wheel) as archive:
        for name in classifiers:
            card = json.loads(archive.read(name.removesuffix(".onnx") + ".json"))
            assert card["sha256"] == hashlib.sha256(archive.read(name)).hexdigest(), name
    notices = f"veraface-{veraface.__version__}.dist-info/licenses/"
    for notice in (
        "LICENSE",
        "src/veraface/models/weights/yunet_n.LICENSE",
        "src/veraface/models/weights/classifier.LICENSE",
    ):
        assert notices + notice in contents


def test_the_weights_readme_lists_the_hash_of_every_shipped_model() -> None:
    readme = (PACKAGE / "models" / "weights" / "README.md").read_text()
    for model in (PACKAGE / "models" / "weights").glob("*.onnx"):
        line = next((line for line in readme.splitlines() if f"`{model.name}`" in line), "")
        assert hashlib.sha256(model.read_bytes()).hexdigest() in line, f"{model.name}: wrong or no sha256"


def test_the_wheel_contains_nothing_else(contents: set[str]) -> None:
    roots = {name.split("/")[0] for name in contents}
    assert roots == {"veraface", f"veraface-{veraface.__version__}.dist-info"}
    assert not [name for name in contents if "/tests/" in name or name.endswith((".pyc", ".ckpt", ".pt"))]


def test_every_dependency_is_locked_by_hash() -> None:
    for lock in ("core", "server", "build", "dev"):
        text = (ROOT / "requirements" / f"{lock}.txt").read_text()
        for entry in text.replace("\\\n", " ").splitlines():
            if entry and not entry.startswith("#"):
                assert "==" in entry, f"{lock}: {entry[:60]}"
                assert "--hash=sha256:" in entry, f"{lock}: {entry[:60]}"


def test_the_core_lock_has_no_training_dependency() -> None:
    text = (ROOT / "requirements" / "core.txt").read_text()
    names = {line.split("==")[0] for line in text.splitlines() if "==" in line}
    assert not names & {
        "torch",
        "torchvision",
        "timm",
        "lightning",
        "onnx",
        "scikit-learn",
        "pyarrow",
        "av",
        "matplotlib",
    }


@pytest.mark.install
def test_a_core_installation_is_small(installed: Path) -> None:
    (packages,) = installed.glob("lib/python*/site-packages")
    megabytes = sum(path.stat().st_size for path in packages.rglob("*") if path.is_file()) / 1e6
    print(f"size of a core installation: {megabytes:.0f} MB")
    assert megabytes < MAX_MEGABYTES, f"{megabytes:.0f} MB installed, {MAX_MEGABYTES} allowed"


@pytest.mark.install
def test_the_installed_command_prints_its_version(installed: Path, tmp_path: Path) -> None:
    output = succeed(installed / "bin" / "veraface", "--version", cwd=tmp_path)
    assert output.split()[-1] == veraface.__version__


@pytest.mark.install
def test_the_installed_command_analyzes_an_image(installed: Path, image: Path, tmp_path: Path) -> None:
    result = json.loads(succeed(installed / "bin" / "veraface", "detect", image, "--json", cwd=tmp_path))
    assert result["verdict"] in {"fake", "real", "uncertain"}
    assert len(result["faces"]) == 1
    assert 0 <= result["p_fake"] <= 1


@pytest.mark.install
def test_the_installed_library_analyzes_an_image(installed: Path, image: Path, tmp_path: Path) -> None:
    code = "import sys, veraface; print(veraface.Detector().detect(sys.argv[1]).verdict)"
    output = succeed(installed / "bin" / "python", "-c", code, image, cwd=tmp_path)
    assert output.strip() in {"fake", "real", "uncertain"}


@pytest.mark.install
def test_the_installed_package_is_typed(installed: Path) -> None:
    assert list(installed.glob("lib/python*/site-packages/veraface/py.typed"))


# Torch is installed here, so an unwanted import would succeed and be detected.
LOADED = """
import json, sys
{code}
print()
print(json.dumps(sorted(name.split(".")[0] for name in sys.modules)))
"""
COMMAND = """
from veraface.cli import main
sys.argv[0] = "veraface"
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
"""


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        ("import veraface", ()),
        (COMMAND, ("--version",)),
        (COMMAND, ("--help",)),
        (COMMAND, ("detect", "--help")),
        (COMMAND, ("detect", "{image}", "--json")),
        ("import veraface.server.app", ()),
    ],
    ids=["import", "version", "help", "detect help", "detect", "server"],
)
def test_no_training_library_is_loaded(
    code: str, arguments: tuple[str, ...], image: Path, tmp_path: Path
) -> None:
    filled = [word.format(image=image) for word in arguments]
    output = succeed(sys.executable, "-c", LOADED.format(code=code), *filled, cwd=tmp_path)
    loaded = set(json.loads(output.splitlines()[-1]))
    assert not loaded & set(TRAINING_ONLY)
