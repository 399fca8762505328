"""Messages between the server and its workers; the worker's side may have been taken over by an image."""

import asyncio
import contextlib
import json
import socket
import struct
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veraface.workers import protocol as frames

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


def read(data: bytes) -> dict[str, object]:
    async def run() -> dict[str, object]:
        reader = asyncio.StreamReader()
        reader.feed_data(data)
        reader.feed_eof()
        return await frames.read(reader)

    with ThreadPoolExecutor(max_workers=1) as pool:  # Playwright keeps a loop in the main thread
        return pool.submit(asyncio.run, run()).result()


@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_what_is_packed_is_read(header: dict[str, object]) -> None:
    assert read(frames.pack(header)) == header


def test_a_frame_with_a_picture_arrives_whole() -> None:
    one, other = socket.socketpair()
    with one, other:
        image = bytes(range(256)) * 300
        one.sendall(frames.pack({"heatmap": True}, len(image)) + image)
        assert frames.receive(other) == ({"heatmap": True}, image)
        one.close()
        with pytest.raises(EOFError):
            frames.receive(other)


def packed(text: bytes, body: int = 0, declared: int | None = None) -> bytes:
    return struct.pack(">IQ", len(text) if declared is None else declared, body) + text


@pytest.mark.parametrize(
    "data",
    [
        packed(b"no json"),
        packed(b"[1, 2]"),
        packed(b"\xff\xfe"),
        packed(b"[" * 100_000),
        packed(b"{}", body=1),
        packed(b"{}", declared=2**32 - 1),
    ],
)
def test_what_is_no_frame_is_refused(data: bytes) -> None:
    with pytest.raises(frames.FrameError):
        read(data)


@given(st.binary(max_size=200))
def test_nothing_but_a_frame_error_or_the_end_comes_of_anything(data: bytes) -> None:
    with contextlib.suppress(frames.FrameError, EOFError):
        assert isinstance(read(data), dict)


@pytest.mark.parametrize("data", [b"", packed(b"{}")[:-1], struct.pack(">IQ", 5, 0)])
def test_a_frame_that_is_cut_off_is_the_end(data: bytes) -> None:
    with pytest.raises(EOFError):
        read(data)


def test_floats_keep_every_digit() -> None:
    header = {"p_fake": 0.029142, "thresholds": [0.16977040492524417, 0.8219251096920528]}
    assert read(frames.pack(header)) == json.loads(json.dumps(header)) == header
