import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.cli.terminal import COMMAND, ENVIRONMENT, veraface
from tests.sample_videos import make_audio, make_plain, make_portrait, write_video


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("videos")
    make_portrait(folder / "face.mp4", 6)
    make_plain(folder / "plain.mkv", 3)
    make_audio(folder / "sound.mp4")
    (folder / "folder.mp4").mkdir()
    (folder / "list.m3u8").write_text(f"#EXTM3U\n#EXTINF:1,\nfile://{folder / 'face.mp4'}\n#EXT-X-ENDLIST\n")
    return folder


def test_a_table_for_people(videos: Path) -> None:
    done = veraface(
        "video", "--model", "fast", "face.mp4", "plain.mkv", "sound.mp4", "--frames", 4, cwd=videos
    )
    assert done.returncode == 1
    lines = {line.split()[0]: line for line in done.stdout.splitlines() if line.strip()}
    assert "likely real" in lines["face.mp4"]
    assert "no face found" in lines["plain.mkv"]
    assert re.search(r"face 1, 0\.\d to 0\.\d s, clearest at 0\.\d s", done.stdout)
    assert "not proof" in done.stdout
    assert (
        done.stderr == "veraface: sound.mp4: the video has no images: only sound or data, or it is cut off\n"
    )


def test_one_json_object_a_line_and_bad_videos_cost_nothing(videos: Path) -> None:
    done = veraface(
        "video",
        "--model",
        "fast",
        "list.m3u8",
        "nowhere.mp4",
        "face.mp4",
        "--json",
        "--every",
        0.25,
        cwd=videos,
    )
    hostile, missing, face = map(json.loads, done.stdout.splitlines())
    assert done.returncode == 1
    assert hostile["error"]["code"] == "unsupported_video"
    assert missing["error"] == {"code": "unreadable_video", "message": "no such file"}
    assert [point["time"] for point in face["timeline"]] == [0, 0.25, 0.5]
    assert 0 <= face["p_fake"] <= 1
    assert "Traceback" not in done.stderr


def test_timeline_plot_and_copy(videos: Path, tmp_path: Path) -> None:
    names = {"--timeline": "t.json", "--plot": "t.png", "--out": "o.mp4"}
    options = [part for name, file in names.items() for part in (name, tmp_path / file)]
    done = veraface("video", "face.mp4", "--model", "fast", "--frames", 4, *options, cwd=videos)
    assert (done.returncode, done.stderr) == (0, "")
    data = json.loads((tmp_path / "t.json").read_text())
    assert (data["video"], data["verdict"], len(data["timeline"])) == ("face.mp4", "real", 4)
    assert data["clip"] == data["video"]
    with Image.open(tmp_path / "t.png") as image:
        assert image.size == (1200, 520)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["o.mp4", "t.json", "t.png"]


def after(setup: str, *arguments: object, cwd: Path) -> subprocess.CompletedProcess:
    """The command, in a process that runs something else first."""
    return subprocess.run(
        [COMMAND[0], "-c", f"{setup}\nfrom veraface.cli import main; main()", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=300,
        env=ENVIRONMENT,
        check=False,
    )


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_an_unwritable_file_costs_no_verdict(videos: Path, tmp_path: Path, form: list[str]) -> None:
    # Python would also cut off the bytecode that it caches, and other tests would read it.
    full = (
        "import matplotlib.font_manager; import resource, sys; sys.dont_write_bytecode = True; "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))"
    )
    outputs = {"--timeline": "t.json", "--picture": "t.png", "--out": "o.mp4"}
    options = [part for name, file in outputs.items() for part in (name, tmp_path / file)]
    done = after(full, "video", "face.mp4", "--frames", 3, *form, *options, cwd=videos)
    assert done.returncode == 1
    assert "real" in done.stdout
    lines = [f"veraface: {tmp_path / file}: cannot be written: File too large" for file in outputs.values()]
    assert done.stderr.splitlines() == lines
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds it")
def test_a_video_that_takes_too_much_memory_is_refused(tmp_path: Path) -> None:
    write_video(tmp_path / "large.mp4", [Image.new("RGB", (4000, 3000), "grey")] * 3)
    small = "from veraface.video import container; container.MAX_MEMORY = 40 * 2**20"
    done = after(small, "video", "large.mp4", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr == (
        "veraface: large.mp4: the video takes more memory than available; make its frames smaller\n"
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--every", "0"], "above 0"),
        (["--frames", "0"], "--frames"),
        (["--out", "a.gif"], ".mp4, .mov or .mkv"),
        (["--out", "face.mp4"], "overwrite the video itself"),
        (["--plot", "a.jpg"], ".png"),
        (["--picture", "a.jpg"], ".png"),
        (
            ["plain.mkv", "--timeline", "a.json"],
            "takes exactly one VIDEO, and an output name ending in .json",
        ),
        (["--out", "folder.mp4"], "is a folder"),
        (["--timeline", "nowhere/a.json"], "the folder nowhere does not exist"),
    ],
)
def test_options_that_make_no_sense(videos: Path, options: list[str], words: str) -> None:
    before = (videos / "face.mp4").read_bytes()
    done = veraface("video", "face.mp4", *options, cwd=videos)
    assert done.returncode == 2
    assert words in done.stderr
    assert (videos / "face.mp4").read_bytes() == before


def test_a_missing_extra_is_named(videos: Path, tmp_path: Path) -> None:
    (tmp_path / "av.py").write_text("raise ModuleNotFoundError('No module named av', name='av')")
    done = subprocess.run(
        [*COMMAND, "video", "face.mp4"],
        cwd=videos,
        capture_output=True,
        text=True,
        check=False,
        env={**ENVIRONMENT, "PYTHONPATH": os.pathsep.join((str(tmp_path), os.environ.get("PYTHONPATH", "")))},
    )
    assert done.returncode == 1
    assert "pip install 'veraface[video]'" in done.stderr
    assert "Traceback" not in done.stderr
