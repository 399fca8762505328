"""The local engine as a generator of results."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from tests.sample_images import encode, portrait
from tests.scan.sample_folders import empty, folder
from veraface.detector import Detector
from veraface.errors import ModelError
from veraface.scan.engine import LocalEngine
from veraface.scan.item import Item
from veraface.scan.session import Output, scan
from veraface.video.detect import detect_video

COUNT = 200


def items(started: list[int]) -> Iterator[Item]:
    """Yield many images with content, and record how many were requested."""
    for number in range(COUNT):
        started.append(number)
        yield Item(f"{number}.png", "memory", content=empty())


def test_slow_consumer_holds_the_stream_back() -> None:
    started: list[int] = []
    results = LocalEngine(1, "fast").process(items(started), lambda: 1.0)
    for number in range(1, 6):
        assert next(results).record["verdict"] == "no_face"
        assert len(started) <= number + 5  # worker, two read ahead, one listed, one waiting for a slot
    results.close()
    assert len(started) < 20


def test_every_image_has_one_result() -> None:
    results = list(LocalEngine(2, "fast").process(items([]), lambda: 1.0))
    assert {result.item.path for result in results} == {f"{number}.png" for number in range(COUNT)}
    assert len(results) == COUNT


def test_an_animation_has_the_verdict_of_its_frames() -> None:
    frames = [Image.new("RGB", (256, 256)), *(portrait(256).rotate(angle) for angle in range(4))]
    content = encode(frames[0], "GIF", save_all=True, append_images=frames[1:])
    (result,) = LocalEngine(1, "fast").process(iter([Item("a.gif", "memory", content=content)]), lambda: 1.0)
    assert "several_frames" in result.record["reasons"]
    expected = detect_video(content, Detector("fast", threads=1))
    assert result.record["verdict"] == expected.verdict
    assert result.record["p_fake"] == pytest.approx(expected.p_fake, abs=1e-6)
    assert len(result.record["faces"]) == 1


def test_errors_of_the_source_and_the_model_are_raised() -> None:
    def broken() -> Iterator[Item]:
        yield Item("a.png", "memory", content=empty())
        raise OSError("the list cannot be read")

    with pytest.raises(OSError, match="the list cannot be read"):
        list(LocalEngine(1, "fast").process(broken(), lambda: 1.0))
    with pytest.raises(ModelError, match="nowhere"):
        list(LocalEngine(1, Path("nowhere.onnx")).process(items([]), lambda: 1.0))


def test_scan_runs_within_an_event_loop(tmp_path: Path) -> None:
    """As in a notebook."""

    async def cell() -> int:
        source = folder(tmp_path / "p", 2)
        return scan([str(source)], Output(tmp_path / "t.jsonl"), LocalEngine(1, "fast")).analyzed

    # In a thread of its own, since the browser tests may have left a loop running in this one.
    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(lambda: asyncio.run(cell())).result() == 2
