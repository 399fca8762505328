"""A second address of a server that can be closed and opened, as if the server stopped and started again."""

import contextlib
import socket
import socketserver
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit


def _pump(source: socket.socket, sink: socket.socket) -> None:
    """Copy bytes until either end is closed; then close both."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    for end in (source, sink):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


class _Relay(socketserver.BaseRequestHandler):
    server: "_Door"

    def handle(self) -> None:
        with socket.create_connection(self.server.target) as inside:
            self.server.connections.append(self.request)
            back = threading.Thread(target=_pump, args=(inside, self.request))
            back.start()
            _pump(self.request, inside)
            back.join()


class _Door(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, target: tuple[str, int], port: int) -> None:
        self.target = target
        self.connections: list[socket.socket] = []
        super().__init__(("127.0.0.1", port), _Relay)


@contextlib.contextmanager
def open_door(url: str, port: int = 0) -> Iterator[int]:
    """Lead a port to the server at `url` and give the port; afterwards it refuses and ends connections."""
    address = urlsplit(url)
    assert address.hostname
    assert address.port
    with _Door((address.hostname, address.port), port) as door:
        threading.Thread(target=door.serve_forever, daemon=True).start()
        try:
            yield int(door.server_address[1])
        finally:
            door.shutdown()
    for connection in door.connections:
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
