"""Messages between a pool and its workers; a malicious file may control the worker's side."""

import asyncio
import contextlib
import json
import socket
import struct
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veraface.workers import protocol

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


def read(data: bytes) -> protocol.Message:
    async def run() -> protocol.Message:
        reader = asyncio.StreamReader()
        reader.feed_data(data)
        reader.feed_eof()
        return await protocol.read(reader)

    with ThreadPoolExecutor(max_workers=1) as pool:  # Playwright keeps a loop in the main thread
        return pool.submit(asyncio.run, run()).result()


@given(st.dictionaries(st.text(), JSON, max_size=4), st.binary(max_size=100))
def test_read_returns_what_was_packed(header: dict[str, object], body: bytes) -> None:
    assert read(protocol.pack(header, len(body)) + body) == (header, body)


def test_a_message_with_an_image_arrives_complete() -> None:
    one, other = socket.socketpair()
    with one, other:
        image = bytes(range(256)) * 300
        one.sendall(protocol.pack({"heatmap": True}, len(image)) + image)
        assert protocol.receive(other) == ({"heatmap": True}, image)
        one.close()
        with pytest.raises(EOFError):
            protocol.receive(other)


def packed(text: bytes, body: int = 0, declared: int | None = None) -> bytes:
    return struct.pack(">IQ", len(text) if declared is None else declared, body) + text


@pytest.mark.parametrize(
    "data",
    [
        packed(b"no json"),
        packed(b"[1, 2]"),
        packed(b"\xff\xfe"),
        packed(b"[" * 100_000),
        packed(b"{}", body=2**40),
        packed(b"{}", declared=2**32 - 1),
    ],
)
def test_invalid_messages_raise_protocol_errors(data: bytes) -> None:
    with pytest.raises(protocol.ProtocolError):
        read(data)


@given(st.binary(max_size=200))
def test_random_bytes_raise_only_protocol_errors_and_end_of_file(data: bytes) -> None:
    with contextlib.suppress(protocol.ProtocolError, EOFError):
        assert isinstance(read(data)[0], dict)


@pytest.mark.parametrize("data", [b"", packed(b"{}")[:-1], struct.pack(">IQ", 5, 0), packed(b"{}", body=1)])
def test_a_truncated_message_is_the_end_of_file(data: bytes) -> None:
    with pytest.raises(EOFError):
        read(data)


def test_floats_keep_every_digit() -> None:
    header = {"p_fake": 0.029142, "thresholds": [0.16977040492524417, 0.8219251096920528]}
    assert read(protocol.pack(header))[0] == json.loads(json.dumps(header)) == header
