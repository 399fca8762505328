"""Lists the pictures of a scan in a process of its own, with a bound on its memory.

Archives and tables are unpacked while they are listed, and lists of names may lead anywhere: what goes wrong
with one of them, or takes too long when the scan is stopped, must not take the scan with it.
"""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from itertools import islice
from types import TracebackType
from typing import Any

from veraface.errors import DataError, VerafaceError
from veraface.scan.choice import Choice
from veraface.scan.items import MOST_BYTES, Item
from veraface.scan.sources import check_sources, list_source, rest_of
from veraface.workers import frames

_MAX_MEMORY = 2 * 2**30  # bytes of addresses; PyArrow and its threads take half of one GiB


class Listing:
    """The pictures of a scan, in order; lists them in another process, which ends with it.

    Args:
        sources: As `list_items` takes them.
        choice: Which are wanted.

    Raises:
        DataError: A source on this machine is not there.
    """

    def __init__(self, sources: Sequence[str], choice: Choice) -> None:
        check_sources(sources)
        self._sources = list(sources)
        self._choice = choice
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Listing":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def __iter__(self) -> Iterator[Item]:
        """As `list_items`; only the very first source can fail as a whole, others are an item that says so.

        Raises:
            DataError: The first source cannot be listed.
        """
        return islice(self._items(), self._choice.limit)

    def _items(self) -> Iterator[Item]:
        at = listed = 0
        while at < len(self._sources):
            connection = self._start(at)
            with connection:
                while True:
                    try:
                        header, content = frames.receive(connection)
                    except (EOFError, OSError):  # it took too much memory, or it crashed
                        break
                    if "end" in header:
                        return
                    at = header["at"]
                    if "item" in header:
                        listed += 1
                        item = Item(**header["item"])
                        yield replace(item, content=content) if header["whole"] else item
                    if "error" in header:
                        if not listed:
                            raise _ERRORS[header["kind"]](header["error"])
                        yield Item(self._sources[at], self._sources[at], trouble=header["error"])
                        listed += 1
            self._end()
            yield rest_of(self._sources[at], "listing it takes too much memory, or crashes what lists it")
            at, listed = at + 1, listed + 1

    def _start(self, at: int) -> socket.socket:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "veraface.scan.listing", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
            )
        choice = asdict(replace(self._choice, limit=None))
        with suppress(OSError):  # gone already: the first answer says so
            frames.send(ours, {"sources": self._sources, "from": at, "choice": choice})
        return ours

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


_ERRORS: dict[str, type[VerafaceError]] = {"DataError": DataError, "VerafaceError": VerafaceError}


def main(connection: socket.socket) -> None:
    """Answers the one question that comes over the socket: an item a frame, then the end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who asked ends us
    order, _ = frames.receive(connection)
    choice = Choice(**{**order["choice"], "include": tuple(order["choice"]["include"])})
    _bound_memory()
    with suppress(OSError):  # nobody listens any more
        for at, source in list(enumerate(order["sources"]))[order["from"] :]:
            frames.send(connection, {"at": at})
            try:
                for item in list_source(source, choice, MOST_BYTES):
                    _send(connection, at, item)
            except VerafaceError as error:
                kind = "DataError" if isinstance(error, DataError) else "VerafaceError"
                frames.send(connection, {"at": at, "error": str(error), "kind": kind})
        frames.send(connection, {"end": True})


def _send(connection: socket.socket, at: int, item: Item) -> None:
    facts = {name: value for name, value in vars(item).items() if name != "content"}
    header: dict[str, Any] = {"at": at, "item": facts, "whole": item.content is not None}
    content = item.content or b""
    connection.sendall(frames.pack(header, len(content)))
    connection.sendall(content)


def _bound_memory() -> None:
    with suppress(ImportError, ValueError, OSError):  # not on every system
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MAX_MEMORY, _MAX_MEMORY))


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
