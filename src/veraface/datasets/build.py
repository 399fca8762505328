"""Build a data set of face chips and its manifest from folders of images."""

import csv
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from hashlib import sha256
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, ValidationError, field_validator

from veraface.datasets.chips import Chip, Duplicates, make_chip
from veraface.datasets.folders import is_video, media
from veraface.datasets.frames import sample_image
from veraface.datasets.layouts import MANIFEST
from veraface.datasets.manifest import read_samples
from veraface.datasets.progress import in_parallel
from veraface.datasets.samples import SPLITS, Sample, split_by_hash
from veraface.errors import DataError, ImageError
from veraface.files import ensure_writable_dir, write_atomic
from veraface.imaging.decode import ImageFile
from veraface.imaging.perceptual_hash import perceptual_hash
from veraface.models.face_search import YuNetDetector
from veraface.text import clean
from veraface.utils import available_cores

COLUMNS = (
    *("path", "label", "source", "generator", "group", "split", "size", "box", "sha256"),
    *("phash", "license", "origin"),
)
FOLDER = "folder"  # value of `SourceSpec.group`
_BATCH = 64  # images read ahead of their checks


class SourceSpec(BaseModel):
    """One source of a recipe: where its images are and what they show."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    source: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
    """Name of the source; part of the paths of its chips."""
    images: Path
    """A folder."""
    label: Literal["real", "fake"]
    include: tuple[str, ...] = ()
    """Shell patterns of paths within `images`, of which one must match; "*" also matches "/"."""
    group: str = ""
    """A regular expression whose first group, or match, in a path names the person, video or base photo;
    paths without a match are skipped. "folder" for the folder of the image; "" if each image is a group."""
    generator: str = ""
    """What made or changed the faces of fakes."""
    license: str = "not stated"
    origin: str = ""
    """Where `images` comes from, such as an address and commit; its own name if empty."""
    limit: NonNegativeInt = 0
    """Maximum number of chips; 0 for all."""
    per_group: NonNegativeInt = 0
    """Maximum number of chips per group; 0 for all."""
    split: Literal["", "train", "val", "test"] = ""
    """Of all chips; by a hash of the group if empty. Groups that have another split already are skipped."""

    @field_validator("group")
    @classmethod
    def _check_group(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from error
        return pattern

    def group_of(self, path: str) -> str | None:
        """Return the group of a path: a hash of source and name, as a name may be that of a person."""
        name = path
        if self.group == FOLDER:
            name = path.rpartition("/")[0]
        elif self.group:
            found = re.search(self.group, path)
            if not found:
                return None
            name = found[1] if found.re.groups else found[0]
        return name and sha256(f"{self.source}:{name}".encode(errors="surrogateescape")).hexdigest()[:12]


@dataclass(frozen=True)
class SourceResult:
    """What became of a source."""

    spec: SourceSpec
    splits: Counter[str]  # number of chips by split; empty if the source was built before
    dropped: Counter[str]  # number of images without a chip, by reason

    def __str__(self) -> str:
        if not self.splits:
            return "kept as it is"
        splits = ", ".join(f"{self.splits[split]} {split}" for split in SPLITS)
        dropped = "".join(f", {count} {reason}" for reason, count in sorted(self.dropped.items()))
        return f"{self.splits.total()} chips ({splits}){dropped}"


def source_spec(entry: object, where: object) -> SourceSpec:
    """Check the fields of a source; raise `DataError` that begins with `where` it was given."""
    try:
        return SourceSpec.model_validate(entry)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        field = ".".join(map(str, problem["loc"])) or "source"
        raise DataError(f"{where}: {field}: {problem['msg']}, not {problem['input']!r}") from error


def read_recipe(path: Path) -> list[SourceSpec]:
    """Read a YAML list of sources; `images` is relative to the file. Needs PyYAML.

    Raises `DataError` if it cannot be read or a source is invalid.
    """
    import yaml

    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise DataError(f"{path}: cannot be read as YAML: {error}") from error
    if not isinstance(entries, list):
        raise DataError(f"{path}: must be a list of sources, each with source, images and label")
    specs = [source_spec(entry, f"{path}, source {number}") for number, entry in enumerate(entries, 1)]
    return [spec.model_copy(update={"images": path.parent / spec.images}) for spec in specs]


def build(
    specs: Sequence[SourceSpec], out: Path, *, against: Sequence[Path] = (), replace: bool = False
) -> Iterator[SourceResult]:
    """Build the chips of each source in `out` and add them to its manifest; yield what became of each.

    The manifest lists a source once all its chips are written; after an interruption, the same call builds
    the remaining sources. Of near-duplicates with the same label, only the first is kept. A group has one
    split in all manifests.

    Args:
        specs: the sources; each pair of source and label once.
        out: folder of the chips and of `manifest.csv`.
        against: data sets whose images are not to be repeated, as for `read_samples`.
        replace: build sources again that the manifest lists.

    Raises:
        DataError: a folder, data set or output folder cannot be used, or a source has no chip.
    """
    keys = [(spec.source, spec.label) for spec in specs]
    if twice := [key for key, count in Counter(keys).items() if count > 1]:
        raise DataError(f"{' '.join(twice[0])}: listed twice; use one entry with several patterns")
    ensure_writable_dir(out)
    rows = _read_rows(out / MANIFEST)
    if replace:
        rows = [row for row in rows if (row["source"], row["label"]) not in keys]
    duplicates, splits = Duplicates(), dict[str, str]()
    _add_known(against, duplicates, splits)
    for row in rows:
        duplicates.add(row["label"] == "fake", row["phash"])
        splits[row["group"]] = row["split"]
    built = {(row["source"], row["label"]) for row in rows}
    for spec in specs:
        if (spec.source, spec.label) in built:
            yield SourceResult(spec, Counter(), Counter())
            continue
        added, dropped = _build_source(spec, out, duplicates, splits)
        rows += added
        _write_rows(out / MANIFEST, rows)
        _remove_unlisted(out / spec.label / spec.source, added)
        yield SourceResult(spec, Counter(row["split"] for row in added), dropped)


def _build_source(
    spec: SourceSpec, out: Path, duplicates: Duplicates, splits: dict[str, str]
) -> tuple[list[dict[str, str]], Counter[str]]:
    """Write the chips of a source; return their rows and how many images were dropped, by reason."""
    folder = out / spec.label / spec.source
    ensure_writable_dir(folder)
    rows, dropped, per_group = list[dict[str, str]](), Counter[str](), Counter[str]()
    for path, group, chip in _chips(spec, splits, per_group, dropped):
        if isinstance(chip, str):
            dropped[chip] += 1
        elif spec.per_group and per_group[group] >= spec.per_group:
            dropped["beyond the limit per group"] += 1
        elif duplicates.contains(spec.label == "fake", chip):
            dropped["near-duplicate"] += 1
        else:
            duplicates.add(spec.label == "fake", chip.phash)
            per_group[group] += 1
            splits.setdefault(group, spec.split or split_by_hash(group))
            row = _row(spec, path, group, splits[group], chip)
            write_atomic(out / row["path"], chip.jpeg)
            rows.append(row)
            if len(rows) == spec.limit:
                break
    if not rows:
        reasons = ", ".join(f"{count} {reason}" for reason, count in dropped.items()) or "no image matches"
        raise DataError(f"{spec.source} {spec.label}: {spec.images} gives no chip: {reasons}")
    return rows, dropped


def _chips(
    spec: SourceSpec, splits: dict[str, str], per_group: Counter[str], dropped: Counter[str]
) -> Iterator[tuple[str, str, Chip | str]]:
    """Yield path, group and chip, or why there is none, of the images whose group may be used."""
    detector = YuNetDetector(threads=1)

    def usable() -> Iterator[tuple[str, str, Path]]:
        for path, file in _images(spec):
            group = spec.group_of(path)
            if not group:
                dropped["without a group"] += 1
            elif spec.split and splits.get(group, spec.split) != spec.split:
                dropped["of a group with another split"] += 1
            elif spec.per_group and per_group[group] >= spec.per_group:
                dropped["beyond the limit per group"] += 1
            else:
                yield path, group, file

    images = usable()
    with ThreadPoolExecutor(available_cores()) as pool:
        while batch := list(islice(images, _BATCH)):
            chips = pool.map(lambda entry: make_chip(entry[2], detector), batch)
            for (path, group, _), chip in zip(batch, chips, strict=True):
                yield path, group, chip


def _images(spec: SourceSpec) -> list[tuple[str, Path]]:
    """Return the images of a source by their path within it, in an order that depends on these paths only.

    It is the order of their hashes, so that a part of them is a random sample.
    """
    if not spec.images.is_dir():
        raise DataError(f"{spec.images}: not a folder; unpack an archive first")
    found = ((path.relative_to(spec.images).as_posix(), path) for path in media(spec.images))
    chosen = [
        (name, path)
        for name, path in found
        if not is_video(path) and (not spec.include or any(fnmatchcase(name, p) for p in spec.include))
    ]
    return sorted(chosen, key=lambda entry: sha256(os.fsencode(entry[0])).digest())


def _row(spec: SourceSpec, path: str, group: str, split: str, chip: Chip) -> dict[str, str]:
    return {
        "path": f"{spec.label}/{spec.source}/{chip.sha256[:16]}.jpg",
        "label": spec.label,
        "source": spec.source,
        "generator": spec.generator,
        "group": group,
        "split": split,
        "size": str(chip.side),
        "box": " ".join(map(str, chip.box.to_list())),
        "sha256": chip.sha256,
        "phash": chip.phash,
        "license": spec.license,
        "origin": clean(f"{spec.origin or spec.images.name}:{path}", max_length=500),
    }


def _add_known(against: Sequence[Path], duplicates: Duplicates, splits: dict[str, str]) -> None:
    """Add the images and groups of other data sets."""
    for data in against:
        samples = read_samples(data)
        for sample, phash in zip(samples, in_parallel(_hash, samples, f"Reading {data}"), strict=True):
            splits[sample.group] = sample.split
            if phash:
                duplicates.add(sample.fake, phash)


def _hash(sample: Sample) -> str | None:
    try:
        return perceptual_hash(ImageFile(sample_image(sample)).decode())
    except ImageError as error:
        raise DataError(f"{sample.path}: {error}") from error


def _read_rows(manifest: Path) -> list[dict[str, str]]:
    """Return the rows of a manifest that `build` wrote; none if there is no file."""
    if not manifest.exists():
        return []
    try:
        with manifest.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            rows = list(reader)
    except (OSError, ValueError, csv.Error) as error:
        raise DataError(f"{manifest}: cannot be read: {error}") from error
    if tuple(reader.fieldnames or ()) != COLUMNS or any(None in row.values() for row in rows):
        raise DataError(f"{manifest}: was not written by this command; choose another folder")
    return rows


def _write_rows(manifest: Path, rows: Sequence[dict[str, str]]) -> None:
    table = StringIO()
    writer = csv.DictWriter(table, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_atomic(manifest, table.getvalue())


def _remove_unlisted(folder: Path, rows: Sequence[dict[str, str]]) -> None:
    """Delete chips that an interrupted or replaced build has left."""
    listed = {Path(row["path"]).name for row in rows}
    for path in folder.glob("*.jpg"):
        if path.name not in listed:
            with suppress(OSError):
                path.unlink()
