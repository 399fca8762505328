"""Assemble a Hugging Face Space: the files that the Dockerfile copies, and a README with front matter.

    python3 scripts/make_space.py [FOLDER]      # build/space by default, replaced if it exists
    hf upload NAME/veraface build/space . --repo-type space

A Space is displayed in a frame of huggingface.co, which the copied Dockerfile allows.
"""

import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_FRAME_ORIGINS = (
    "\n# A Space is displayed in a frame of this site.\nENV VERAFACE_FRAME_ORIGINS=https://huggingface.co\n"
)


def build_context(root: Path) -> list[Path]:
    """Return the files and folders that .dockerignore re-includes, relative to `root`."""
    lines = (root / ".dockerignore").read_text().splitlines()
    return [Path(line.removeprefix("!")) for line in lines if line.startswith("!")]


def make(folder: Path) -> None:
    """Write the Space's files into `folder`, which must be new, empty or an earlier Space."""
    marker = folder / ".gitattributes"
    if folder.exists() and any(folder.iterdir()) and not marker.exists():
        raise SystemExit(f"{folder} is not empty and not a Space; name another folder")
    shutil.rmtree(folder, ignore_errors=True)
    for path in build_context(ROOT):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / path).is_dir():
            shutil.copytree(ROOT / path, folder / path, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
        else:
            shutil.copy2(ROOT / path, folder / path)
    shutil.copy2(ROOT / ".dockerignore", folder)
    shutil.copy2(ROOT / "deploy" / "huggingface" / "README.md", folder)
    (folder / "Dockerfile").write_text((ROOT / "Dockerfile").read_text() + _FRAME_ORIGINS)
    marker.write_text("*.onnx filter=lfs diff=lfs merge=lfs -text\n")  # required above 10 MB


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build" / "space"
    make(target)
    print(target)
