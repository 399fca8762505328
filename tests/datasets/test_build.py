"""Face chips and their manifest from folders."""

import csv
from collections import Counter
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.terminal import veraface
from tests.sample_data import write_csv
from tests.sample_images import encode, portrait
from veraface.datasets import build as module
from veraface.datasets.build import build, source_spec
from veraface.datasets.manifest import check_samples, read_samples
from veraface.datasets.samples import split_by_hash
from veraface.errors import DataError


def photo(number: int, side: int = 200) -> Image.Image:
    """Return the same face before a background that depends on the number, so that hashes differ."""
    blocks = np.random.default_rng(number).choice(np.array([30, 225], np.uint8), (4, 4, 3))
    image = Image.fromarray(blocks).resize((300, 300), Image.Resampling.NEAREST)
    image.paste(portrait().crop((175, 50, 285, 190)), (95, 80))
    return image.resize((side, side), Image.Resampling.LANCZOS)


def jpeg(number: int, side: int = 200, quality: int = 90) -> bytes:
    return encode(photo(number, side), "JPEG", quality=quality)


def make_folder(folder: Path, names: dict[str, int]) -> Path:
    """Write the photo of a number under each name."""
    for name, number in names.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(jpeg(number))
    return folder


def spec(images: Path, source: str = "web", label: str = "real", **more: object) -> module.SourceSpec:
    return source_spec({"images": images, "source": source, "label": label, **more}, "test")


def rows(out: Path) -> list[dict[str, str]]:
    with (out / "manifest.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_cuts_out_faces_and_lists_them(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "in", {"anna/1.jpg": 1, "anna/2.jpg": 2, "ben/1.jpg": 3})
    (folder / "ben" / "plain.png").write_bytes(encode(Image.new("RGB", (200, 200), "gray"), "PNG"))
    (folder / "ben" / "cut.jpg").write_bytes(jpeg(4)[:300])
    (folder / "ben" / "small.jpg").write_bytes(jpeg(4, side=60))
    (folder / "carl").mkdir()
    (folder / "carl" / "large.png").write_bytes(encode(photo(5, side=900), "PNG"))
    (folder / "top.jpg").write_bytes(jpeg(6))
    out = tmp_path / "out"
    (result,) = build([spec(folder, group="folder", license="MIT", origin="example.org/a")], out)
    reasons = {"without a face", "unreadable", "with a face that is too small", "without a group"}
    assert result.dropped == dict.fromkeys(reasons, 1)
    found = rows(out)
    assert len(found) == result.splits.total() == 4
    for row in found:
        data = (out / row["path"]).read_bytes()
        chip = Image.open(BytesIO(data))
        assert sha256(data).hexdigest() == row["sha256"]
        assert chip.size == (int(row["size"]),) * 2
        assert set(chip.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
        _, _, width, height = map(float, row["box"].split())
        assert int(row["size"]) == pytest.approx(1.8 * max(width, height), abs=1)
        assert (row["label"], row["source"], row["license"]) == ("real", "web", "MIT")
        assert row["split"] == split_by_hash(row["group"])
    by_origin = {row["origin"]: row for row in found}
    assert by_origin["example.org/a:carl/large.png"]["size"] == "256"
    assert by_origin["example.org/a:anna/1.jpg"]["group"] == by_origin["example.org/a:anna/2.jpg"]["group"]
    assert "anna" not in by_origin["example.org/a:anna/1.jpg"]["group"]
    assert len({row["group"] for row in found}) == 3
    assert len(read_samples(out)) == 4


def test_keeps_one_of_near_duplicates_with_the_same_label(tmp_path: Path) -> None:
    first = make_folder(tmp_path / "first", {"a.jpg": 1, "b.jpg": 2})
    second = make_folder(tmp_path / "second", {"c.jpg": 3})
    (second / "a again.jpg").write_bytes(jpeg(1, side=170, quality=60))
    shifted = Image.new("RGB", (220, 220))
    shifted.paste(photo(2), (14, 9))
    (second / "b shifted.png").write_bytes(encode(shifted, "PNG"))
    out = tmp_path / "out"
    one, two, fakes = build([spec(first), spec(second, "more"), spec(first, label="fake")], out)
    assert one.splits.total() == 2
    assert (two.splits.total(), two.dropped) == (1, {"near-duplicate": 2})
    assert fakes.splits.total() == 2, "a fake may look like the real that it was made from"
    make_folder(second, {"d.jpg": 4})
    (other,) = build([spec(second)], tmp_path / "other", against=[out])
    assert (other.splits.total(), other.dropped) == (1, {"near-duplicate": 3})


def test_a_group_has_one_split_in_all_manifests(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "in", {"p1-a.jpg": 1, "p1-b.jpg": 2, "p2-a.jpg": 3, "x.jpg": 4})
    pattern = "(p[0-9])-"
    (first,) = build([spec(folder, include=["p1-a*"], group=pattern, split="test")], tmp_path / "first")
    assert first.splits == {"test": 1}
    (rest,) = build([spec(folder, group=pattern)], tmp_path / "rest", against=[tmp_path / "first"])
    assert rest.dropped == {"near-duplicate": 1, "without a group": 1}
    by_name = {row["origin"][3:]: row for row in rows(tmp_path / "rest")}
    assert by_name["p1-b.jpg"]["split"] == "test"
    check_samples(read_samples(tmp_path / "rest") + read_samples(tmp_path / "first"), needed=())
    (train,) = build(
        [spec(folder, group=pattern, split="train")], tmp_path / "train", against=[tmp_path / "first"]
    )
    assert train.splits == {"train": 1}
    assert train.dropped == {"of a group with another split": 2, "without a group": 1}


def test_limits_chips_per_source_and_group(tmp_path: Path) -> None:
    names = {f"{person}/{number}.jpg": 10 * person + number for person in (1, 2, 3) for number in (1, 2)}
    folder = make_folder(tmp_path / "in", names)
    (one,) = build([spec(folder, group="folder", per_group=1)], tmp_path / "one")
    assert one.splits.total() == len({row["group"] for row in rows(tmp_path / "one")}) == 3
    (two,) = build([spec(folder, limit=2)], tmp_path / "two")
    assert two.splits.total() == 2
    assert len(list((tmp_path / "two").rglob("*.jpg"))) == 2


def test_continues_after_an_interruption(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_folder(tmp_path / "in", {"a.jpg": 1, "b.jpg": 2, "c.jpg": 3})
    specs = [spec(folder, "first", include=["a*"]), spec(folder, "second", include=["[bc]*"])]
    out = tmp_path / "out"
    writes = 0
    write = module.write_atomic

    def fail(path: Path, content: str | bytes) -> None:
        nonlocal writes
        writes += 1
        if writes == 4:  # a chip and the manifest of the first source, one of two chips of the second
            raise OSError("disk full")
        write(path, content)

    monkeypatch.setattr(module, "write_atomic", fail)
    with pytest.raises(OSError, match="disk full"):
        list(build(specs, out))
    monkeypatch.setattr(module, "write_atomic", write)
    assert [row["source"] for row in rows(out)] == ["first"]
    (out / "real" / "second" / "stale.jpg").write_bytes(b"of another recipe")
    before = rows(out)
    kept, added = build(specs, out)
    assert (kept.splits, str(kept)) == ({}, "kept as it is")
    assert added.splits.total() == 2
    assert rows(out)[:1] == before
    assert sorted(p.relative_to(out).as_posix() for p in out.rglob("*.jpg")) == sorted(
        row["path"] for row in rows(out)
    )
    (replaced,) = build([spec(folder, "second", include=["b*"])], out, replace=True)
    assert replaced.splits.total() == 1
    assert [row["source"] for row in rows(out)] == ["first", "second"]
    assert len(list(out.rglob("*.jpg"))) == 2


def test_the_command_reads_options_and_recipes(tmp_path: Path) -> None:
    make_folder(tmp_path / "in", {"real/a.jpg": 1, "fake/b.jpg": 2, "fake/c.jpg": 3})
    options = ("--source", "web", "--label", "real", "--include", "real/*", "--license", "MIT")
    done = veraface("dataset", "build", "in", "--out", "one", *options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("web real: 1 chips (")
    assert done.stdout.endswith("written to one/manifest.csv\n")
    (tmp_path / "recipe.yaml").write_text(
        "- {source: web, images: in, label: real, include: [real/*]}\n"
        "- {source: web, images: in, label: fake, include: [fake/*], generator: gan, split: test}\n"
    )
    done = veraface(
        "dataset", "build", "--recipe", "recipe.yaml", "--out", "two", "--against", "one", cwd=tmp_path
    )
    assert done.returncode == 1
    assert "web real: in gives no chip: 1 near-duplicate" in done.stderr
    done = veraface("dataset", "build", "--recipe", "recipe.yaml", "--out", "two", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "web fake: 2 chips (0 train, 0 val, 2 test)" in done.stdout
    assert Counter(row["generator"] for row in rows(tmp_path / "two")) == {"gan": 2, "": 1}
    assert veraface("dataset", "build", "--out", "two", cwd=tmp_path).returncode == 2


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{source: a}", "must be a list"),
        ("- {source: a, images: in}", "source 1: label: Field required"),
        ("- {source: ../a, images: in, label: real}", "source 1: source: String should match pattern"),
        ("- {source: a, images: in, label: maybe}", "label: Input should be 'real' or 'fake'"),
        ("- {source: a, images: in, label: real, group: '('}", "not a regular expression"),
        ("- {source: a, images: in, label: real, grup: x}", "grup: Extra inputs are not permitted"),
        ("- {source: a, images: in, label: real, limit: -1}", "limit: Input should be greater than"),
        ("- [", "cannot be read as YAML"),
    ],
)
def test_refuses_invalid_recipes(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "recipe.yaml").write_text(text)
    with pytest.raises(DataError) as error:
        module.read_recipe(tmp_path / "recipe.yaml")
    assert problem in str(error.value)


def test_refuses_origins_and_folders_it_cannot_use(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "in", {"a.jpg": 1})
    for images in (tmp_path / "nowhere", folder / "a.jpg"):
        with pytest.raises(DataError, match="not a folder; unpack an archive first"):
            list(build([spec(images)], tmp_path / "out"))
    with pytest.raises(DataError, match="no image matches"):
        list(build([spec(folder, include=["b*"])], tmp_path / "out"))
    with pytest.raises(DataError, match="listed twice"):
        list(build([spec(folder), spec(folder)], tmp_path / "out"))
    write_csv(tmp_path / "manifest.csv", [])
    with pytest.raises(DataError, match="was not written by this command"):
        list(build([spec(folder)], tmp_path))
