"""Lists the images of a scan in a process of its own, with a bound on its memory.

Archives and tables are unpacked while they are listed, and lists of names may lead anywhere: what goes wrong
with one of them, or takes too long when the scan is stopped, must not take the scan with it.
"""

import os
import signal
import socket
import subprocess  # nosec B404  # for our own module alone
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from itertools import islice
from types import TracebackType
from typing import Any

from veraface.errors import DataError, VerafaceError
from veraface.scan.filters import Filter
from veraface.scan.item import MAX_BYTES, MAX_MEMORY, Item, shown
from veraface.scan.sources import check_sources, list_source, rest_of
from veraface.workers import protocol as frames


class Listing:
    """The images of a scan, in order; lists them in another process, which ends with it.

    Args:
        sources: As `list_items` takes them.
        choice: Which are wanted.

    Raises:
        DataError: A source on this machine is not there.
    """

    def __init__(self, sources: Sequence[str], choice: Filter) -> None:
        check_sources(sources)
        self._sources = list(sources)
        self._choice = choice
        self._lock = threading.Lock()  # it is ended from another thread than the one that lists
        self._ended = False
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Listing":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._ended = True
            self._stop()

    def __iter__(self) -> Iterator[Item]:
        """As `list_items`; of several sources, one that cannot be listed is an item that says so.

        Raises:
            DataError: The only source cannot be listed.
        """
        return islice(self._items(), self._choice.limit)

    def _items(self) -> Iterator[Item]:
        at = 0
        while at < len(self._sources):
            connection = self._start(at)
            if connection is None:
                return
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
                        item = Item(**header["item"])
                        yield replace(item, content=content) if header["whole"] else item
                    elif "error" in header:
                        yield self._failed(at, header)
            if self._ended:
                return
            yield rest_of(self._sources[at], "listing it takes too much memory, or crashes what lists it")
            at += 1

    def _failed(self, at: int, header: dict[str, Any]) -> Item:
        if len(self._sources) == 1:
            raise _ERRORS[header["kind"]](header["error"])
        source = self._sources[at]
        return Item(shown(source), source, trouble=header["error"])

    def _start(self, at: int) -> socket.socket | None:
        """The connection to a new process; None if all is over."""
        ours, theirs = socket.socketpair()
        with theirs, self._lock:
            if self._ended:
                ours.close()
                return None
            self._stop()
            reads = "-" in self._sources
            self._process = subprocess.Popen(  # nosec B603  # nothing of it is from outside
                # -P: or Python would import what lies in the folder that is to be judged.
                [sys.executable, "-P", "-m", "veraface.scan.listing", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=None if reads else subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=not reads,  # out of reach of Ctrl-C; a terminal is read by its own session
            )
        choice = asdict(replace(self._choice, limit=None))
        with suppress(OSError):  # gone already: the first answer says so
            frames.send(ours, {"sources": self._sources, "from": at, "choice": choice})
        return ours

    def _stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


_ERRORS: dict[str, type[VerafaceError]] = {"DataError": DataError, "VerafaceError": VerafaceError}


def main(connection: socket.socket) -> None:
    """Answers the one question that comes over the socket: an item a frame, then the end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who asked ends us
    order, _ = frames.receive(connection)
    choice = Filter(**{**order["choice"], "include": tuple(order["choice"]["include"])})
    _bound_memory()
    threading.Thread(target=_end_with, args=(connection,), daemon=True).start()
    with suppress(OSError):  # nobody listens any more
        for at, source in list(enumerate(order["sources"]))[order["from"] :]:
            frames.send(connection, {"at": at})
            try:
                for item in list_source(source, choice, MAX_BYTES):
                    _send(connection, at, item)
            except VerafaceError as error:
                kind = "DataError" if isinstance(error, DataError) else "VerafaceError"
                frames.send(connection, {"at": at, "error": str(error), "kind": kind})
        frames.send(connection, {"end": True})


def _end_with(connection: socket.socket) -> None:
    """Ends when who asked does, though something be waited for."""
    with suppress(OSError):
        connection.recv(1)  # nothing more is sent
    os._exit(0)


def _send(connection: socket.socket, at: int, item: Item) -> None:
    facts = {name: value for name, value in vars(item).items() if name != "content"}
    header: dict[str, Any] = {"at": at, "item": facts, "whole": item.content is not None}
    content = item.content or b""
    connection.sendall(frames.pack(header, len(content)))
    connection.sendall(content)


def _bound_memory() -> None:
    with suppress(ImportError, ValueError, OSError):  # not on every system
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (MAX_MEMORY, MAX_MEMORY))


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
