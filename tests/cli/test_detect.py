import json
import os
import subprocess
from pathlib import Path

import pytest
from PIL import Image, ImageEnhance

from tests.cli.terminal import COMMAND, veraface
from tests.examples import PROFILE
from tests.provenance import files
from tests.sample_images import portrait
from tests.sample_models import brightness_model
from tests.sample_trustmark import MESSAGES, bits_of, patch_decoder, with_bits


@pytest.fixture
def images(tmp_path: Path) -> Path:
    portrait().save(tmp_path / "face.jpg")
    Image.new("RGB", (200, 100), "teal").save(tmp_path / "empty.png")
    (tmp_path / "broken.jpg").write_bytes((tmp_path / "face.jpg").read_bytes()[:4000])
    return tmp_path


def test_a_table_for_people(images: Path) -> None:
    bright, dark = (ImageEnhance.Brightness(portrait()).enhance(by) for by in (1.7, 0.5))
    bright.save(images / "bright.png")
    dark.save(images / "dark.png")
    model = brightness_model(images)
    done = veraface("detect", "bright.png", "dark.png", "empty.png", "--model", model, cwd=images)
    assert done.returncode == 0
    assert done.stderr == ""
    lines = {line.split()[0]: line for line in done.stdout.splitlines() if line.strip()}
    assert "likely fake" in lines["bright.png"]
    assert "likely real" in lines["dark.png"]
    assert "no face found" in lines["empty.png"]
    assert "not proof" in done.stdout


def test_one_json_object_a_line(images: Path) -> None:
    done = veraface("detect", "face.jpg", "empty.png", "--json", cwd=images)
    face, empty = map(json.loads, done.stdout.splitlines())
    assert done.returncode == 0
    assert face["file"] == "face.jpg"
    assert 0 <= face["p_fake"] <= 1
    assert face["faces"][0]["heatmap"]["grid"]
    assert (empty["verdict"], empty["p_fake"], empty["faces"]) == ("no_face", None, [])


def test_a_bad_file_costs_neither_the_others_nor_the_reason(images: Path) -> None:
    done = veraface(
        "detect", "--model", "fast", "broken.jpg", "nowhere.png", "face.jpg", "--json", cwd=images
    )
    broken, missing, face = map(json.loads, done.stdout.splitlines())
    assert done.returncode == 1
    assert broken["error"]["code"] == "unreadable_image"
    assert missing["error"]["code"] == "unreadable_image"
    assert "verdict" in face
    assert "broken.jpg: " in done.stderr
    assert "nowhere.png: no such file" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_bad_file_leaves_the_table_of_the_others(images: Path) -> None:
    done = veraface("detect", "--model", "fast", "broken.jpg", "face.jpg", cwd=images)
    assert done.returncode == 1
    assert "face.jpg" in done.stdout
    assert "broken.jpg" not in done.stdout


def test_standard_input_is_read_as_a_file(images: Path) -> None:
    done = veraface("detect", "--model", "fast", "-", "--json", data=(images / "face.jpg").read_bytes())
    from_file = veraface("detect", "--model", "fast", images / "face.jpg", "--json")
    assert json.loads(done.stdout)["p_fake"] == json.loads(from_file.stdout)["p_fake"]


def test_an_endless_stream_is_too_large_and_not_read_to_its_end() -> None:
    with Path("/dev/zero").open("rb") as endless:
        command = [*COMMAND, "detect", "-", "--model", "fast"]
        done = subprocess.run(
            command, stdin=endless, capture_output=True, text=True, timeout=300, check=False
        )
    assert done.returncode == 1
    assert "-: the file is larger than the limit" in done.stderr


def test_the_overlay_shows_the_image_with_marks_on_the_face(images: Path) -> None:
    done = veraface("detect", "--model", "fast", "face.jpg", "--heatmap", "out.png", cwd=images)
    assert done.returncode == 0, done.stderr
    overlay = Image.open(images / "out.png")
    assert overlay.size == portrait().size
    changed = [
        sum(abs(a - b) for a, b in zip(overlay.getpixel(at), portrait().getpixel(at), strict=True))
        for at in [(5, 500), (500, 5)]
    ]
    assert max(changed) < 60  # far from the face only JPEG differs
    assert overlay.convert("RGB").tobytes() != Image.open(images / "face.jpg").tobytes()
    assert sorted(p.name for p in images.iterdir()) == ["broken.jpg", "empty.png", "face.jpg", "out.png"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["a.jpg", "b.jpg", "--heatmap", "o.png"],
        ["a.jpg", "--heatmap", "o.jpg"],
        ["empty.png", "--heatmap", "./empty.png"],
    ],
)
def test_an_overlay_that_cannot_be_is_refused_before_any_work(images: Path, arguments: list[str]) -> None:
    before = {path.name: path.read_bytes() for path in images.iterdir()}
    done = veraface("detect", *arguments, cwd=images)
    assert done.returncode == 2
    assert "--heatmap" in done.stderr
    assert "takes exactly one IMAGE" in done.stderr or "would overwrite" in done.stderr
    assert {path.name: path.read_bytes() for path in images.iterdir()} == before


def test_several_files_print_only_notable_claims(images: Path) -> None:
    name = "a long name that no line of eighty characters would hold, as those of cameras and clouds are.jpg"
    exif = Image.Exif()
    exif[0x0131] = "Adobe Photoshop 25.0"
    portrait().save(images / name, exif=exif)
    done = veraface("detect", "--model", "fast", "face.jpg", name, cwd=images, environment={"COLUMNS": ""})
    assert "Claims in face.jpg" not in done.stdout
    assert f"Claims in {name}" in done.stdout
    assert len([line for line in done.stdout.splitlines() if line.strip().startswith(name)]) == 1
    assert "Claims in face.jpg" in veraface("detect", "--model", "fast", "face.jpg", cwd=images).stdout


def test_an_overlay_that_cannot_be_written_is_named(images: Path) -> None:
    done = veraface("detect", "--model", "fast", "face.jpg", "--heatmap", "none/out.png", cwd=images)
    assert done.returncode == 1
    assert "none/out.png: cannot be written" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="file names of this kind exist on POSIX systems only")
def test_a_hostile_file_name_cannot_steer_the_terminal(images: Path) -> None:
    name = "[red]\x1b]0;owned\x07[link=x].jpg"
    (images / "face.jpg").rename(images / name)
    good = veraface("detect", "--model", "fast", name, cwd=images)
    bad = veraface("detect", "--model", "fast", name + "x", cwd=images)
    assert "[red]" in good.stdout
    assert "\x1b" not in good.stdout + bad.stderr
    assert "\x07" not in good.stdout + bad.stderr


def test_a_missing_model_is_named() -> None:
    done = veraface("detect", "a.jpg", "--model", "none.onnx")
    assert done.returncode == 1
    assert "none.onnx: no such model" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.generative
def test_every_photo_of_the_data_set_is_analyzed(photos: list[Path]) -> None:
    if PROFILE != "deep":
        photos = photos[::2]
    done = veraface("detect", *photos, "--json")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stderr
    assert len(answers) == len(photos)
    assert {a["verdict"] for a in answers} <= {"fake", "real", "uncertain", "no_face"}
    assert sum(a["verdict"] == "no_face" for a in answers) <= len(photos) // 20
    called_fake = {
        label: [a["verdict"] == "fake" for a in answers if Path(a["file"]).parent.name == label]
        for label in ("real", "fake")
    }
    shares = {label: sum(calls) / len(calls) for label, calls in called_fake.items()}
    assert shares["real"] <= 0.05 < 0.4 < shares["fake"]


def test_claims_are_printed_below_the_table(images: Path) -> None:
    evil = "[red]a\x1b[31mcat[/red]\nSteps: 20, Sampler: Euler"
    (images / "made.png").write_bytes(files.png(("parameters", evil)))
    done = veraface("detect", "--model", "fast", "made.png", cwd=images, environment={"COLUMNS": ""})
    assert done.returncode == 0
    claims = done.stdout[done.stdout.index("Claims in") :].splitlines()
    assert [line for line in claims if line != line.rstrip()] == []
    assert "Claims in made.png (not part of the verdict, and easy to forge):" in done.stdout
    assert "generator: Stable Diffusion WebUI" in done.stdout
    assert "prompt: [red]a [31mcat[/red]" in done.stdout
    assert "Content Credentials: " in done.stdout
    assert "\x1b" not in done.stdout
    off = veraface("detect", "--model", "fast", "made.png", "--provenance", "off", cwd=images)
    assert "Claims in" not in off.stdout
    quiet = veraface("detect", "--model", "fast", "made.png", "--json", "--provenance", "off", cwd=images)
    assert "provenance" not in json.loads(quiet.stdout)


def test_bad_trust_anchors_are_named(images: Path) -> None:
    done = veraface("detect", "face.jpg", "--trust-anchors", "nowhere.pem", cwd=images)
    assert done.returncode == 1
    assert "nowhere.pem" in done.stderr


def test_trustmark_is_read_with_a_decoder_of_the_user(images: Path) -> None:
    payload, word = MESSAGES["BCH_5"]
    with_bits(portrait(), bits_of(word)).save(images / "marked.png")
    decoder = patch_decoder(images)
    shown = veraface("detect", "marked.png", "--model", "fast", "--trustmark", decoder, cwd=images)
    assert shown.returncode == 0
    assert (
        f"TrustMark Q, which cameras, editors and generators write; its identifier is {payload}"
        in " ".join(shown.stdout.split())
    )
    by_setting = veraface(
        "detect",
        "marked.png",
        "--model",
        "fast",
        "--json",
        cwd=images,
        environment={"VERAFACE_TRUSTMARK": str(images)},
    )
    answer = json.loads(by_setting.stdout)
    (mark,) = answer["provenance"]["watermarks"]
    assert (mark["payload"], mark["scheme"]) == (payload, "BCH_5")
    assert answer["provenance"]["trustmark_decoders"] == [mark["decoder"]]
    assert {"trustmark"} <= {finding["code"] for finding in answer["findings"]}
    out = images / "report.html"
    written = veraface(
        "report", "marked.png", "--model", "fast", "--trustmark", decoder, "--out", out, cwd=images
    )
    assert written.returncode == 0, written.stderr
    assert payload in out.read_text()


def test_a_missing_trustmark_decoder_is_named(images: Path) -> None:
    done = veraface("detect", "face.jpg", "--model", "fast", "--trustmark", "decoder_Q.onnx", cwd=images)
    assert done.returncode != 0
    assert "decoder_Q.onnx: cannot be read" in done.stderr
    assert "does not download" in done.stderr
    assert "Traceback" not in done.stderr
