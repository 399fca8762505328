"""Puts together a Hugging Face Space: what the Dockerfile copies, and a README with front matter.

    python3 scripts/make_space.py [FOLDER]      # build/space by default, made anew
    hf upload NAME/veraface build/space . --repo-type space

Spaces show an application in a frame of huggingface.co, which the copied Dockerfile therefore allows.
"""

import shutil
import sys
from pathlib import Path

from dockerfile import context_files

ROOT = Path(__file__).resolve().parent.parent
_FRAMED = "\n# A Space is shown in a frame of this site.\nENV VERAFACE_FRAME_ORIGINS=https://huggingface.co\n"


def make(folder: Path) -> None:
    """Writes the Space's files into `folder`, which must be new or one that this script made."""
    mark = folder / ".gitattributes"
    if folder.exists() and any(folder.iterdir()) and not mark.exists():
        raise SystemExit(f"{folder}: holds something else than a Space; name another folder")
    shutil.rmtree(folder, ignore_errors=True)
    for path in context_files(ROOT):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, folder / path)
    shutil.copy2(ROOT / ".dockerignore", folder)
    shutil.copy2(ROOT / "deploy" / "huggingface" / "README.md", folder)
    (folder / "Dockerfile").write_text((ROOT / "Dockerfile").read_text() + _FRAMED)
    mark.write_text("*.onnx filter=lfs diff=lfs merge=lfs -text\n")  # over 10 MB only by Git LFS


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build" / "space"
    make(target)
    print(target)
