"""The bound on what one video may take of this process."""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.sample_videos import write_clip

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds it")

BOUNDED = """
import resource, sys
from veraface.errors import VideoTooLargeError
from veraface.video import memory
from veraface.video.reader import open_clip

def taken(what):
    try:
        with memory.bounded_memory():
            what()
    except VideoTooLargeError as error:
        return str(error)
    return "not refused"

def decode():
    with open_clip(sys.argv[1]) as clip:
        list(clip.shots(clip.moments))

def strange():
    raise RuntimeError("std::bad_alloc")

before = resource.getrlimit(resource.RLIMIT_DATA)
print(taken(decode))
memory.MAX_BYTES = 40 * 2**20
print(taken(lambda: bytearray(100 * 2**20)))
print(taken(decode))
print(taken(strange))
print(resource.getrlimit(resource.RLIMIT_DATA) == before)
"""


def test_what_takes_more_is_refused_and_the_bound_ends_with_the_clip(tmp_path: Path) -> None:
    large = Image.new("RGB", (4000, 3000), "grey")
    path = write_clip(tmp_path / "a.mp4", [large] * 3)
    done = subprocess.run([sys.executable, "-c", BOUNDED, path], capture_output=True, text=True, check=False)
    words = "the video takes more memory than there is for it; make its frames smaller"
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["not refused", words, words, words, "True"]
