"""List the images of a scan in a separate process with a memory limit.

Archives and tables are decompressed while they are listed, and paths in lists may refer to anything. A crash,
an archive bomb or a source that never ends must not end or block the scan.
"""

import os
import signal
import socket
import subprocess  # nosec B404  # runs this module only
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from itertools import islice

from veraface.errors import DataError, VerafaceError
from veraface.imaging.limits import MAX_BYTES
from veraface.scan.item import MAX_MEMORY, Filter, Item, display_path
from veraface.scan.selection import Selection
from veraface.scan.sources import check_sources, list_source, unlisted_rest
from veraface.workers import protocol

_ERRORS: dict[str, type[VerafaceError]] = {"DataError": DataError, "VerafaceError": VerafaceError}


class Listing:
    """The images of `list_images`, listed by a process that is killed on leaving the `with` block.

    Attributes:
        left_out: number of files that the filter left out, by reason; of the sources listed to their end.
    """

    def __init__(self, sources: Sequence[str], filters: Filter) -> None:
        check_sources(sources)
        self._sources = list(sources)
        self._filters = filters
        self.left_out = Counter[str]()
        self._lock = threading.Lock()  # the thread that iterates is not the one that leaves the block
        self._ended = False
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Listing":
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._ended = True
            self._stop()

    def __iter__(self) -> Iterator[Item]:
        """Yield what `list_images` does; if one of several sources fails, an item with its error."""
        return islice(self._items(), self._filters.limit)

    def _items(self) -> Iterator[Item]:
        number = 0  # of the source
        while number < len(self._sources):
            connection = self._start(number)
            if connection is None:
                return
            with connection:
                while True:
                    try:
                        header, content = protocol.receive(connection)
                    except (EOFError, OSError):  # out of memory, or crashed
                        break
                    if "end" in header:
                        return
                    number = header["source"]
                    if "item" in header:
                        yield Item.unpacked(header["item"], content)
                    elif "left_out" in header:
                        self.left_out.update(header["left_out"])
                    elif "error" in header:
                        if len(self._sources) == 1:
                            raise _ERRORS[header["kind"]](header["error"])
                        source = self._sources[number]
                        yield Item(display_path(source), source, error=header["error"])
            if self._ended:
                return
            yield unlisted_rest(self._sources[number], "listing it takes too much memory or crashes")
            number += 1

    def _start(self, number: int) -> socket.socket | None:
        """Start a process that lists from a source on; return its socket, or None once the listing ended."""
        ours, theirs = socket.socketpair()
        with theirs, self._lock:
            if self._ended:
                ours.close()
                return None
            self._stop()
            reads_stdin = "-" in self._sources
            self._process = subprocess.Popen(  # nosec B603  # no argument is from outside
                # -P: or Python would import modules from the current folder, which may be the one to scan.
                [sys.executable, "-P", "-m", "veraface.scan.listing", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=None if reads_stdin else subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=not reads_stdin,  # away from Ctrl-C; a terminal is read by its session only
            )
        filters = asdict(replace(self._filters, limit=None))
        with suppress(OSError):  # it has exited already, which the first `receive` reports
            protocol.send(ours, {"sources": self._sources, "first": number, "filters": filters})
        return ours

    def _stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def main(connection: socket.socket) -> None:
    """List the images of the request on a socket: send a message for each item, then the end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent process ends this one
    request, _ = protocol.receive(connection)
    filters = Filter(**{**request["filters"], "include": tuple(request["filters"]["include"])})
    with suppress(ImportError, ValueError, OSError):  # not available on every system
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (MAX_MEMORY, MAX_MEMORY))
    threading.Thread(target=_exit_with_parent, args=(connection,), daemon=True).start()
    with suppress(OSError):  # the parent has closed the socket
        for number, source in list(enumerate(request["sources"]))[request["first"] :]:
            protocol.send(connection, {"source": number})
            selection = Selection(filters)
            try:
                for item in list_source(source, selection, MAX_BYTES):
                    fields, content = item.packed()
                    protocol.send(connection, {"source": number, "item": fields}, content)
            except VerafaceError as error:
                kind = "DataError" if isinstance(error, DataError) else "VerafaceError"
                protocol.send(connection, {"source": number, "error": str(error), "kind": kind})
            protocol.send(connection, {"source": number, "left_out": selection.left_out})
        protocol.send(connection, {"end": True})


def _exit_with_parent(connection: socket.socket) -> None:
    """Exit once the parent closes the socket, even while a source blocks."""
    with suppress(OSError):
        connection.recv(1)  # nothing more is sent, so this returns at the end of the connection
    os._exit(0)


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
