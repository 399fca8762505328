"""Measure the size on disk of the wheel and of the installation, compared with the peers."""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import peers
from tables import table

_ROOT = Path(__file__).parent.parent


def sizes() -> str:
    """Return the table; Veraface is installed from its wheel into a new environment."""
    with TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
            cwd=_ROOT,
            check=True,
            capture_output=True,
        )
        (wheel,) = Path(folder).glob("*.whl")
        peers.PACKAGES["veraface"] = [str(wheel)]
        (peers.ENVIRONMENTS / "veraface" / ".ready").unlink(missing_ok=True)
        peers.python("veraface")
        rows = [["veraface, wheel alone", wheel.stat().st_size / 1e6]]
    rows += [[f"{name}, installed", peers.installed_megabytes(name)] for name in sorted(peers.PACKAGES)]
    return table(["", "MB"], rows)
