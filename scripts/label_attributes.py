"""Write attributes of people for `veraface evaluate --attributes`, from the file names of UTKFace.

    python3 scripts/label_attributes.py --data DATA --source utkface --images UTKFACE --out attributes.csv

Data sets of face chips do not keep the names of their images, in which UTKFace has age, sex and ethnic
group (AGE_SEX_GROUP_DATE.jpg, as its authors annotated or estimated them). Each chip of the source is matched
to the most similar of the original images; those without a clear match get no attributes.
"""

import argparse
import csv
import io
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from veraface.datasets.manifest import read_samples
from veraface.imaging.decode import ImageFile

_NAME = re.compile(r"(\d{1,3})_([01])_([0-4])_\d+")
_SEX = ("male", "female")
_GROUP = ("White", "Black", "Asian", "Indian", "other")  # the words of the data set
_AGES = ((0, "0-9"), (10, "10-19"), (20, "20-39"), (40, "40-59"), (60, "60 and older"))
_SIDE = 24  # px of the copies that are compared
_MAX_DISTANCE = 6.0  # mean difference of gray levels; JPEG and scaling stay below
_MIN_MARGIN = 2.0  # by which the second best match is worse


def attributes(name: str) -> dict[str, str] | None:
    """Return the attributes in the name of an image; None if it has another form."""
    found = _NAME.match(name)
    if not found:
        return None
    age, sex, group = map(int, found.groups())
    band = next(words for start, words in reversed(_AGES) if age >= start)
    return {"age_group": band, "sex": _SEX[sex], "ethnic_group": _GROUP[group]}


def small(image: Image.Image) -> NDArray[np.float32]:
    """Return a small gray copy as a vector."""
    copy = image.convert("L").resize((_SIDE, _SIDE), Image.Resampling.BOX)
    return np.asarray(copy, np.float32).ravel()


def originals(place: Path) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of the images in a folder, or in the newest commit of a bare git repository."""
    if not (place / "HEAD").is_file():
        for path in sorted(place.rglob("*.jpg")):
            yield path.name, path.read_bytes()
        return
    git = ["git", "-C", str(place)]
    tree = subprocess.run([*git, "ls-tree", "-rz", "HEAD"], capture_output=True, check=True).stdout
    entries = [entry.partition(b"\t") for entry in tree.split(b"\0") if entry.endswith(b".jpg")]
    hashes = b"".join(about.split()[2] + b"\n" for about, _, _ in entries)
    batch = subprocess.run([*git, "cat-file", "--batch"], input=hashes, capture_output=True, check=True)
    stream = io.BytesIO(batch.stdout)
    for _, _, path in entries:
        size = int(stream.readline().split()[2])
        yield Path(path.decode(errors="replace")).name, stream.read(size)
        stream.read(1)


def main() -> None:
    """Match the chips and write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with manifest.csv")
    parser.add_argument("--source", default="utkface", help="source in the manifest")
    parser.add_argument("--images", type=Path, required=True, help="folder or bare git repository of UTKFace")
    parser.add_argument("--out", type=Path, required=True, help="CSV file to write")
    arguments = parser.parse_args()
    labels, vectors = [], []
    for name, content in originals(arguments.images):
        if found := attributes(name):
            labels.append(found)
            vectors.append(small(ImageFile(content).decode()))
    known = np.stack(vectors)
    rows = []
    samples = [s for s in read_samples(arguments.data) if s.source == arguments.source and not s.fake]
    for sample in samples:
        distances = np.abs(known - small(ImageFile(sample.path).decode())).mean(axis=1)
        best, second = np.argsort(distances)[:2]
        clear = distances[second] - distances[best] >= _MIN_MARGIN or labels[best] == labels[second]
        if distances[best] <= _MAX_DISTANCE and clear:
            rows.append({"path": sample.path.relative_to(arguments.data).as_posix(), **labels[best]})
    with arguments.out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ("path", "age_group", "sex", "ethnic_group"))
        writer.writeheader()
        writer.writerows(rows)
    print(f"{len(rows)} of {len(samples)} images of {arguments.source} have attributes: {arguments.out}")


if __name__ == "__main__":
    main()
