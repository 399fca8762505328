"""Check all images of a folder and print one line for each.

    python examples/check_folder.py photos/

For very many images use `veraface scan`, which resumes, finds duplicates and writes a table.
"""

import sys
from pathlib import Path

from veraface import Detector, ImageError


def main(folder: Path) -> None:
    """Print path, verdict and p_fake of every file."""
    detector = Detector()  # loads the models; use one for all images
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        try:
            result = detector.detect(path, heatmap=False)
        except ImageError as error:  # not an image, damaged or too large
            print(f"{path}\t{error.code}\t{error}")
            continue
        p_fake = "" if result.p_fake is None else f"{result.p_fake:.3f}"
        print(f"{path}\t{result.verdict}\t{p_fake}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
