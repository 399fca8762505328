"""Send requests from many concurrent clients to a running server.

Requests are encoded once and reused: an HTTP client library would take a large part of the CPU.
"""

import asyncio
import contextlib
import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Sample:
    """One request and its response."""

    at: float  # seconds since the load began
    took: float  # seconds
    status: int  # HTTP status; 0: the connection broke
    retry_after: float  # seconds, from the header Retry-After; 0 without it


def request(url: str, image: bytes, name: str = "image.jpg", field: str = "image") -> bytes:
    """Return the bytes of a multipart upload request."""
    address = urlsplit(url)
    boundary = b"veraface-benchmark"
    body = b"\r\n".join(
        [
            b"--" + boundary,
            f'Content-Disposition: form-data; name="{field}"; filename="{name}"'.encode(),
            b"Content-Type: application/octet-stream",
            b"",
            image,
            b"--" + boundary + b"--",
            b"",
        ]
    )
    head = (
        f"POST {address.path} HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Length: {len(body)}\r\n"
        f"Content-Type: multipart/form-data; boundary={boundary.decode()}\r\n\r\n"
    )
    return head.encode() + body


async def load(
    url: str,
    requests: Sequence[bytes],
    clients: int,
    *,
    seconds: float = float("inf"),
    count: int | None = None,
    wait: bool = False,
    rate: float | None = None,
) -> list[Sample]:
    """Send requests in a cycle, one at a time per client, until the time or the number is reached.

    Args:
        url: URL of the server.
        requests: Encoded requests, sent in a cycle.
        clients: Number of concurrent clients.
        seconds: Duration of the load.
        count: Total number of requests; None: until the time is over.
        wait: Whether rejected clients wait for the time in Retry-After.
        rate: Requests per second, as far as clients are free; None: as many as possible.
    """
    address = urlsplit(url)
    started = time.perf_counter()
    samples: list[Sample] = []
    bodies: Iterator[bytes] = itertools.cycle(requests)
    tickets = iter(range(count)) if count is not None else itertools.count()

    async def client() -> None:
        connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        while time.perf_counter() - started < seconds and (ticket := next(tickets, None)) is not None:
            if rate:
                await asyncio.sleep(started + ticket / rate - time.perf_counter())
            began = time.perf_counter()
            try:
                connection = connection or await asyncio.open_connection(address.hostname, address.port)
                status, retry_after, keep = await _round_trip(*connection, next(bodies))
            except (OSError, EOFError):
                status, retry_after, keep = 0, 0.0, False
            samples.append(Sample(began - started, time.perf_counter() - began, status, retry_after))
            if not keep and connection:
                connection[1].close()
                connection = None
            if wait and retry_after:
                await asyncio.sleep(retry_after)
        if connection:
            connection[1].close()
            with contextlib.suppress(OSError):
                await connection[1].wait_closed()

    await asyncio.gather(*(client() for _ in range(clients)))
    return samples


async def _round_trip(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sent: bytes
) -> tuple[int, float, bool]:
    """Send a request; return status, Retry-After, and whether the connection stays open."""
    writer.write(sent)
    await writer.drain()
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    fields = dict(line.lower().split(": ", 1) for line in head[1:] if line)
    await reader.readexactly(int(fields.get("content-length", 0)))
    return int(head[0].split()[1]), float(fields.get("retry-after", 0)), fields.get("connection") != "close"
