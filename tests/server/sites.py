"""A web server that tests fetch images from, and a substitute for DNS."""

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from typing import Any

from veraface.server.remote_images import Address, is_public

MAX_BYTES = 500_000
HERE = ip_address("127.0.0.1")


class Resolver:
    """A substitute for DNS: each query of a name returns its next answer, and then always the last."""

    def __init__(self, **names: list[list[str]]) -> None:
        self.answers = {name.replace("_", "."): answers for name, answers in names.items()}
        self.asked: list[str] = []

    async def __call__(self, host: str) -> list[str]:
        answers = self.answers.get(host)
        if answers is None:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        self.asked.append(host)
        return answers[min(self.asked.count(host), len(answers)) - 1]


class Site(BaseHTTPRequestHandler):
    """A web server with well-behaved and hostile pages."""

    pages: dict[str, bytes] = {}
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:  # noqa: N802  # the name that http.server calls
        self.server.seen.append(dict(self.headers) | {"path": self.path})
        page = self.path.strip("/").split("/")[0].partition("?")[0]
        with contextlib.suppress(OSError):  # the client may hang up
            getattr(self, f"page_{page}", self.page_missing)()

    def answer(self, body: bytes, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def page_face(self) -> None:
        self.answer(self.pages["face"], Set_Cookie="tracked=1; Path=/")

    def page_missing(self) -> None:
        self.answer(b"nothing here", 404)

    def page_to(self) -> None:
        self.answer(b"", 302, Location=self.path.removeprefix("/to/"), Set_Cookie="tracked=1; Path=/")

    def page_nowhere(self) -> None:
        self.answer(b"", 302)

    def page_hop(self) -> None:
        left = int(self.path.rsplit("/", 1)[-1])
        self.answer(b"", 307, Location=f"/hop/{left - 1}" if left > 1 else "/face")

    def page_declared(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "900000000")
        self.end_headers()
        self.wait_for_the_client_to_leave()  # one that waits for the body meets its own deadline

    def wait_for_the_client_to_leave(self) -> None:
        """Send nothing until the client closes the connection."""
        self.connection.settimeout(120)
        with contextlib.suppress(OSError):
            self.connection.recv(1)

    def page_endless(self) -> None:
        self.close_connection = True
        self.send_response(200)
        self.end_headers()
        with contextlib.suppress(ConnectionError):
            for _ in range(2000):
                self.wfile.write(b"x" * 10_000)
                self.server.sent += 10_000
        self.server.ended.set()

    def page_dripping(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        for _ in range(1000):
            self.wfile.write(b"x")
            time.sleep(0.05)

    def page_silent(self) -> None:
        self.close_connection = True
        self.wait_for_the_client_to_leave()

    def page_packed(self) -> None:
        self.answer(b"\x1f\x8b" + b"\0" * 100, Content_Encoding="gzip")

    def page_number(self) -> None:
        self.answer(b"", Content_Length="9" * 6000)

    def page_cut(self) -> None:
        self.close_connection = True
        self.answer(b"only this", Content_Length="1000")

    def page_typed(self) -> None:
        kind = self.path.removeprefix("/typed/")
        self.answer(self.pages["face"], **({"Content_Type": kind} if kind else {}))

    def page_raw(self) -> None:
        """The bytes that the link contains in hexadecimal."""
        self.close_connection = True
        self.wfile.write(bytes.fromhex(self.path.removeprefix("/raw/")))

    def page_more(self) -> None:
        self.answer(self.pages["face"] + b"smuggled", Content_Length=str(len(self.pages["face"])))

    def page_hints(self) -> None:
        for _ in range(1000):
            self.wfile.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
            time.sleep(0.02)

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def serving(tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> Iterator[Any]:
    server: Any = ThreadingHTTPServer((host, 0), Site)
    server.seen, server.sent, server.daemon_threads = [], 0, True
    server.ended = threading.Event()  # set when an endless response has ended
    server.handle_error = lambda *_: None
    server.port = server.server_address[1]
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def here_is_public(address: Address) -> bool:
    """Treat the test's own server as public; check every other address as usual."""
    return address == HERE or is_public(address)
