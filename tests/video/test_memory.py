"""The temporary memory limit of a video."""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.sample_videos import write_video

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds it")

BOUNDED = """
import resource, sys
from veraface.errors import VideoTooLargeError
from veraface.video import container
from veraface.video.reader import open_video

def taken(what):
    try:
        with container.bounded_memory():
            what()
    except VideoTooLargeError as error:
        return str(error)
    return "not refused"

def decode():
    with open_video(sys.argv[1]) as video:
        list(video.decode(video.frames))

def strange():
    raise RuntimeError("std::bad_alloc")

before = resource.getrlimit(resource.RLIMIT_DATA)
print(taken(decode))
container.MAX_MEMORY = 40 * 2**20
print(taken(lambda: bytearray(100 * 2**20)))
print(taken(decode))
print(taken(strange))
print(resource.getrlimit(resource.RLIMIT_DATA) == before)
"""


def test_memory_limit_ends_with_the_video(tmp_path: Path) -> None:
    large = Image.new("RGB", (4000, 3000), "grey")
    path = write_video(tmp_path / "a.mp4", [large] * 3)
    done = subprocess.run([sys.executable, "-c", BOUNDED, path], capture_output=True, text=True, check=False)
    words = "the video takes more memory than available; make its frames smaller"
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["not refused", words, words, words, "True"]
