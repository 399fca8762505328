"""Pictures behind links: only what is public is ever asked, and every failure has its code."""

import contextlib
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from tests.server.judges import InProcess

from veraface.detector import Detector
from veraface.server import Settings, SettingsError, create_app, load_settings
from veraface.server.faults import ApiError
from veraface.server.links import Address, Links, is_public, is_this_machine
from veraface.server.uploads import Upload

MAX_BYTES = 500_000
HERE = ip_address("127.0.0.1")


class Resolver:
    """Stands for DNS: each question about a name takes its next answer, the last one stays."""

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
    """A server on the web, with what one may meet there."""

    pages: dict[str, bytes] = {}
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:  # noqa: N802
        self.server.seen.append(dict(self.headers) | {"path": self.path})  # type: ignore[attr-defined]
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
        time.sleep(2)  # a client that waits for the body notices

    def page_endless(self) -> None:
        self.close_connection = True
        self.send_response(200)
        self.end_headers()
        for _ in range(2000):
            self.wfile.write(b"x" * 10_000)
            self.server.sent += 10_000  # type: ignore[attr-defined]

    def page_dripping(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        for _ in range(1000):
            self.wfile.write(b"x")
            time.sleep(0.05)

    def page_silent(self) -> None:
        time.sleep(4)

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
        """Whatever bytes the link itself holds, in hexadecimal."""
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


@pytest.fixture
def site(face: bytes) -> Iterator[Any]:
    Site.pages = {"face": face}
    with serving() as server:
        yield server


def here_is_public(address: Address) -> bool:
    """Lets the tests' own server stand for the web; every other address is judged as ever."""
    return address == HERE or is_public(address)


Fetch = Callable[..., Upload]


@pytest.fixture
def fetch(run_async: Callable[..., Any]) -> Fetch:
    """Fetches a link; `faces.example` is the tests' own server."""

    def fetch_(link: str, resolver: Resolver | None = None, timeout_s: float = 5, **seams: Any) -> Upload:
        resolver = resolver or Resolver(faces_example=[["127.0.0.1"]], inner_example=[["10.0.0.5"]])
        seams = {"allow": here_is_public, **seams}

        async def run() -> Upload:
            return await Links(MAX_BYTES, timeout_s, resolve=resolver, **seams).fetch(link)

        return run_async(run)

    return fetch_


def fails(status: int, code: str, fetch: Callable[[], Any]) -> ApiError:
    with pytest.raises(ApiError) as caught:
        fetch()
    assert (caught.value.status, caught.value.code) == (status, code), caught.value
    return caught.value


PUBLIC = ["8.8.8.8", "1.1.1.1", "93.184.216.34", "2001:4860:4860::8888", "2606:4700::1111", "2a00:1450::1"]
NOT_PUBLIC = """
0.0.0.0 0.1.2.3 127.0.0.1 127.255.0.1 10.0.0.1 172.16.0.1 172.31.9.9 192.168.1.1
169.254.169.254 100.64.0.1 100.100.100.200 192.0.0.8 192.0.0.9 192.0.0.192 168.63.129.16
192.0.2.1 198.51.100.7 203.0.113.7 198.18.0.1 192.88.99.1
224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255
:: ::1 ::7f00:1 fe80::1 fe80::1%eth0 fec0::1 fc00::1 fd00:ec2::254 ff02::1 ff0e::1
::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:8.8.8.8 ::ffff:0:7f00:1
64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b:1::a00:1 2002:7f00:1:: 2002:a9fe:a9fe::1
2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:db8::1 2001:20::1 2001:2::1 3fff::1 5f00::1 100::1 4000::1
"""
NOT_PUBLIC_HOSTS = """
127.0.0.1 127.0.0.1:80 10.0.0.1:65535 169.254.169.254 [::1] [::]:8080 [0:0:0:0:0:0:0:1]
[::ffff:127.0.0.1] [::ffff:7f00:1] [64:ff9b::7f00:1] [2002:7f00:1::] [fd00::1]
2130706433 0x7f000001 0X7F.1 127.1 127.0.1 0 0x 127.0.0.1. 017700000001 0x7f.0.0.0x1
134744072 evil.example.0x7f 127。0。0.1 localhost localhost. ip6-localhost LOCALHOST
"""
NO_LINKS = r"""
face.jpg /face //a.example/ a.example/face.jpg http: http:// http:///face http:face https://?x
file:///etc/passwd ftp://a.example/ gopher://a.example:70/_x dict://a.example/
data:image/png;base64,aaaa javascript:alert(1) unix:///run/docker.sock
http://user@a.example/ http://user:word@a.example/ http://:@a.example/ http://a:b@c@a.example/
http://a.example@10.0.0.1/ http://a.example:word@10.0.0.1:80/ http://a.example\@10.0.0.1/
http://a.example:0/ http://a.example:65536/ http://a.example:99999/ http://a.example:b/ http://a.example:-1/
http://[::1 http://[fe80::1%25eth0]/ http://[2606:4700::1%251]/ http://[a.example]/ http://[v1.a]/
http://127.0.0.256/ http://0177.0.0.1/ http://127%2e0%2e0%2e1/ http://１２７.0.0.1/ http://ⓛocalhost/
http://a..example/ http://.example/ http://a.example../
"""
MORE_NO_LINKS = [
    *("http://a .example/", "http://a.example/\r\nX: y", "http://a.example\n.org/", "http://a\0/"),
    *(f"http://{'a' * 64}.example/", f"http://{'a.' * 127}example/", "http://a.example/" + "x" * 5000),
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize("address", NOT_PUBLIC.split())
def test_no_name_may_stand_for_an_address_that_is_not_public(fetch: Fetch, address: str) -> None:
    assert not is_public(ip_address(address))
    answers = [[address], ["8.8.8.8", address], [address, "2606:4700::1111"]]
    resolver = Resolver(evil_example=answers)
    for _ in answers:
        told = fails(400, "link_refused", lambda: fetch("http://evil.example/", resolver, allow=is_public))
        assert address not in told.message.split()


def test_this_machine_knows_its_own_addresses() -> None:
    assert is_this_machine(HERE)
    assert not is_this_machine(ip_address("203.0.113.7"))
    assert not is_this_machine(ip_address("2001:db8::7"))


@pytest.mark.parametrize("host", NOT_PUBLIC_HOSTS.split())
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_hosts_that_are_not_public(fetch: Fetch, scheme: str, host: str) -> None:
    """No numeric form reaches a resolver, which might understand it; names are judged by their addresses."""
    resolver = Resolver()
    resolver.answers = dict.fromkeys(("localhost", "localhost.", "ip6-localhost"), [["127.0.0.1", "::1"]])
    link = f"{scheme}://{host}/latest/meta-data"
    fails(400, "link_refused", lambda: fetch(link, resolver, allow=is_public))


@pytest.mark.parametrize("link", [*NO_LINKS.split(), *MORE_NO_LINKS])
def test_what_is_no_link_to_a_picture(fetch: Fetch, link: str) -> None:
    resolver = Resolver()
    fails(400, "bad_link", lambda: fetch(link, resolver))
    assert resolver.asked == []


def test_a_picture_is_fetched(fetch: Fetch, site: Any, face: bytes) -> None:
    resolver = Resolver(faces_example=[["127.0.0.1"]])
    upload = fetch(f"http://faces.example:{site.port}/face/My%20Face.jpg?size=2#top", resolver)
    assert upload == Upload(face, "My Face.jpg")
    (seen,) = site.seen
    assert seen["path"] == "/face/My%20Face.jpg?size=2"
    assert seen["Host"] == f"faces.example:{site.port}"
    assert seen["Accept-Encoding"] == "identity"
    assert seen["User-Agent"].startswith("Veraface/")
    assert not {"Cookie", "Authorization", "Referer"} & set(seen)
    assert resolver.asked == ["faces.example"]


NAMES = {
    "": "face",
    "/": "",
    "/..%2f..%2fetc/passwd": "passwd",
    "/a%00b%0A.jpg": "ab.jpg",
    "/C:%5Cme.jpg": "me.jpg",
}


@pytest.mark.parametrize(("path", "name"), NAMES.items())
def test_the_file_name_is_made_plain(fetch: Fetch, site: Any, path: str, name: str) -> None:
    assert fetch(f"http://faces.example:{site.port}/face{path}").filename == name


def test_a_name_that_changes_its_address_gains_nothing(fetch: Fetch, site: Any, face: bytes) -> None:
    """Only the address that was checked is connected to, and the name is not asked for again."""
    resolver = Resolver(faces_example=[["127.0.0.1"], ["127.0.0.2"], ["10.0.0.5"]])
    link = f"http://faces.example:{site.port}/face"
    assert fetch(link, resolver).content == face
    assert resolver.asked == ["faces.example"]
    fails(400, "link_refused", lambda: fetch(link, resolver))  # a new request is a new check


def test_a_redirect_to_the_same_name_is_checked_again(fetch: Fetch, site: Any) -> None:
    resolver = Resolver(faces_example=[["127.0.0.1"], ["10.0.0.5"]])
    fails(400, "link_refused", lambda: fetch(f"http://faces.example:{site.port}/hop/2", resolver))
    assert len(site.seen) == 1


@pytest.mark.parametrize(
    ("target", "status", "code"),
    [
        ("http://inner.example/", 400, "link_refused"),
        ("https://inner.example:8443/", 400, "link_refused"),
        ("http://10.0.0.5/", 400, "link_refused"),
        ("//169.254.169.254/latest/meta-data", 400, "link_refused"),
        ("http://[::1]/", 400, "link_refused"),
        ("http://2130706433/", 400, "link_refused"),
        ("http://0/", 400, "link_refused"),
        ("http://0x7f.1/", 400, "link_refused"),
        ("http://[::ffff:7f00:1]/", 400, "link_refused"),
        ("http://[64:ff9b::a9fe:a9fe]/", 400, "link_refused"),
        ("http://127%E3%80%820%E3%80%820%E3%80%821/", 400, "bad_link"),
        ("http://0177.0.0.1/", 400, "bad_link"),
        ("file:///etc/passwd", 400, "bad_link"),
        ("gopher://faces.example/", 400, "bad_link"),
        ("http://user:word@faces.example/", 400, "bad_link"),
        ("http://[::1", 400, "bad_link"),
        ("//" + "a." * 300 + "example", 400, "bad_link"),
        ("http://nowhere.example/", 502, "link_unreachable"),
    ],
)
def test_where_a_redirect_may_not_lead(fetch: Fetch, site: Any, target: str, status: int, code: str) -> None:
    fails(status, code, lambda: fetch(f"http://faces.example:{site.port}/to/{target}"))
    assert len(site.seen) == 1


def test_redirects_are_followed_three_times(fetch: Fetch, site: Any, face: bytes) -> None:
    assert fetch(f"http://faces.example:{site.port}/hop/3").content == face
    assert len(site.seen) == 4
    assert not any("Cookie" in seen or "Referer" in seen for seen in site.seen)
    fails(502, "link_unreachable", lambda: fetch(f"http://faces.example:{site.port}/hop/4"))
    fails(502, "link_unreachable", lambda: fetch(f"http://faces.example:{site.port}/nowhere"))


def test_the_next_address_is_taken_where_one_does_not_answer(fetch: Fetch, site: Any, face: bytes) -> None:
    resolver = Resolver(faces_example=[["127.0.0.9", "127.0.0.1"]])  # nobody listens on the first
    seams = {"allow": lambda address: address.is_loopback}
    assert fetch(f"http://faces.example:{site.port}/face", resolver, **seams).content == face


@pytest.mark.parametrize("path", ["missing", "packed", "cut", "number"])
def test_what_cannot_be_had(fetch: Fetch, site: Any, path: str) -> None:
    fails(502, "link_unreachable", lambda: fetch(f"http://faces.example:{site.port}/{path}"))


HEAD = "HTTP/1.1 200 OK\r\n"
LIES = {
    "a length below zero": HEAD + "Content-Length: -5\r\n\r\nxxxxx",
    "a length that is no number": HEAD + "Content-Length: many\r\n\r\nxxxxx",
    "two lengths": HEAD + "Content-Length: 3\r\nContent-Length: 5\r\n\r\nxxxxx",
    "a chunk that does not come": HEAD + "Transfer-Encoding: chunked\r\n\r\nfffff\r\nxxxxx",
    "a chunk without an end to its length": HEAD + "Transfer-Encoding: chunked\r\n\r\n" + "f" * 500,
    "an encoding nobody knows": HEAD + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "no end of headers": HEAD + "X: y\r\n" * 200,
    "a header that breaks its line": HEAD + "X\r\n y\r\n\r\n",
    "no status": "HTTP/1.1 abc OK\r\n\r\n",
    "a switch of protocols": "HTTP/1.1 101 Switching\r\nUpgrade: raw\r\nConnection: Upgrade\r\n\r\nxxxxx",
}


@pytest.mark.parametrize("name", LIES)
def test_servers_that_break_the_rules(fetch: Fetch, site: Any, name: str) -> None:
    link = f"http://faces.example:{site.port}/raw/{LIES[name].encode().hex()}"
    fails(502, "link_unreachable", lambda: fetch(link))


def test_no_more_is_taken_than_was_declared(fetch: Fetch, site: Any, face: bytes) -> None:
    taken = face
    with contextlib.suppress(ApiError):  # where the rest is there already, as the connection is closed
        taken = fetch(f"http://faces.example:{site.port}/more").content
    assert taken == face


def test_headers_without_end_meet_the_deadline(fetch: Fetch, site: Any) -> None:
    link = f"http://faces.example:{site.port}/hints"
    fails(504, "link_timeout", lambda: fetch(link, timeout_s=0.5))


@pytest.mark.parametrize(
    "kind", ["", "image/jpeg", "IMAGE/PNG; q=1", "application/octet-stream", "image/x-odd"]
)
def test_types_that_may_be_pictures_are_fetched(fetch: Fetch, site: Any, face: bytes, kind: str) -> None:
    assert fetch(f"http://faces.example:{site.port}/typed/{kind}").content == face


@pytest.mark.parametrize("kind", ["text/html", "application/json", "video/mp4", "imagery/png", "none"])
def test_types_that_are_no_pictures_are_not_fetched(fetch: Fetch, site: Any, kind: str) -> None:
    fails(415, "unsupported_image", lambda: fetch(f"http://faces.example:{site.port}/typed/{kind}"))


def test_servers_that_are_not_there(fetch: Fetch) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        fails(502, "link_unreachable", lambda: fetch(f"http://faces.example:{port}/"))
    fails(502, "link_unreachable", lambda: fetch("http://nowhere.example/"))
    fails(502, "link_unreachable", lambda: fetch("http://empty.example/", Resolver(empty_example=[[]])))


def test_a_server_that_speaks_something_else(fetch: Fetch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"220 mail.example ESMTP\r\n")
                connection.recv(4096)

        threading.Thread(target=greet, daemon=True).start()
        port = listener.getsockname()[1]
        fails(502, "link_unreachable", lambda: fetch(f"http://faces.example:{port}/"))


def test_too_large_a_file_is_refused_by_what_it_declares(fetch: Fetch, site: Any) -> None:
    started = time.monotonic()
    fails(413, "image_too_large", lambda: fetch(f"http://faces.example:{site.port}/declared"))
    assert time.monotonic() - started < 1.5


def test_too_large_a_file_is_refused_while_it_streams(fetch: Fetch, site: Any) -> None:
    fails(413, "image_too_large", lambda: fetch(f"http://faces.example:{site.port}/endless"))
    time.sleep(0.2)
    assert site.sent < 20_000_000


@pytest.mark.parametrize("path", ["dripping", "silent"])
def test_slow_servers_meet_the_deadline(fetch: Fetch, site: Any, path: str) -> None:
    started = time.monotonic()
    fails(504, "link_timeout", lambda: fetch(f"http://faces.example:{site.port}/{path}", timeout_s=0.5))
    assert time.monotonic() - started < 1.5


def test_slow_names_meet_the_deadline(fetch: Fetch) -> None:
    async def never(host: str) -> list[str]:
        await anyio.sleep(60)
        return []

    fails(504, "link_timeout", lambda: fetch("http://faces.example/", never, timeout_s=0.2))  # type: ignore[arg-type]


def test_slow_handshakes_meet_the_deadline(fetch: Fetch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:  # takes connections, says nothing
        link = f"https://faces.example:{listener.getsockname()[1]}/"
        fails(504, "link_timeout", lambda: fetch(link, timeout_s=0.3))


def test_the_environment_changes_nothing(
    fetch: Fetch, site: Any, face: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    netrc = tmp_path / "netrc"
    netrc.write_text("machine faces.example login me password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    assert fetch(f"http://faces.example:{site.port}/face").content == face
    assert "Authorization" not in site.seen[0]


def test_certificates_are_verified_for_the_name_and_not_the_address(
    fetch: Fetch, face: bytes, tmp_path: Path
) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs the openssl command to make a certificate")
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    options = (
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=faces.example"
    )
    names = ["-addext", "subjectAltName=DNS:faces.example", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([openssl, *options.split(), *names], check=True, capture_output=True)
    Site.pages = {"face": face}
    of_server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    of_server.load_cert_chain(certificate, key)
    asked_for: list[str | None] = []
    of_server.sni_callback = lambda _, name, __: asked_for.append(name)
    trusting = ssl.create_default_context(cafile=str(certificate))
    resolver = Resolver(faces_example=[["127.0.0.1"]], other_example=[["127.0.0.1"]])
    with serving(of_server) as site:
        good = f"https://faces.example:{site.port}/face"
        assert fetch(good, resolver, tls=trusting).content == face
        assert asked_for == ["faces.example"]
        dotted = good.replace("faces.example", "faces.example.")
        resolver.answers["faces.example."] = [["127.0.0.1"]]
        assert fetch(dotted, resolver, tls=trusting).content == face
        other = f"https://other.example:{site.port}/face"
        by_address = f"https://127.0.0.1:{site.port}/face"
        fails(502, "link_unreachable", lambda: fetch(good, resolver))  # nobody known signed it
        fails(502, "link_unreachable", lambda: fetch(other, resolver, tls=trusting))
        fails(502, "link_unreachable", lambda: fetch(by_address, resolver, tls=trusting))
        # A name may not use the connection that was verified for another at the same address.
        redirected = f"https://faces.example:{site.port}/to/{other}"
        fails(502, "link_unreachable", lambda: fetch(redirected, resolver, tls=trusting))
        assert [seen["path"] for seen in site.seen] == ["/face", "/face", f"/to/{other}"]


def test_a_link_is_never_logged(
    fetch: Fetch, site: Any, face: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("DEBUG"):
        fetch(f"http://faces.example:{site.port}/face/Canary.jpg?Canary")
        fetch(f"http://faces.example:{site.port}/to/http://faces.example:{site.port}/face/Canary.jpg")
        fails(502, "link_unreachable", lambda: fetch(f"http://faces.example:{site.port}/Canary"))
    assert "Canary" not in caplog.text
    assert "faces.example" not in caplog.text


# The whole application


@pytest.fixture
def ask(run_async: Callable[..., Any], site: Any) -> Callable[..., httpx.Response]:
    """Posts to an application that takes links, for which the tests' server stands for the web."""
    detector = Detector()

    def ask_(**request: Any) -> httpx.Response:
        resolver = Resolver(faces_example=[["127.0.0.1"]], inner_example=[["10.0.0.5"]])
        settings = Settings(fetch_links=True, max_upload_bytes=MAX_BYTES)

        async def run() -> httpx.Response:
            links = Links(MAX_BYTES, 5, resolve=resolver, allow=here_is_public)
            app = create_app(settings, judge=InProcess(detector), fetch_link=links.fetch)
            await app.state.inference.start()
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
                return await client.post("/api/predict", **request)

        return run_async(run)

    return ask_


Ask = Callable[..., httpx.Response]


def form(*fields: tuple[str, str]) -> dict[str, Any]:
    return {"files": [(name, (None, value)) for name, value in fields]}


def check_error(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    answer = response.json()
    assert answer["success"] is False
    assert answer["error"]["code"] == code
    return answer


def test_a_linked_picture_is_judged_as_an_uploaded_one(ask: Ask, site: Any, face: bytes) -> None:
    linked = ask(**form(("url", f" http://faces.example:{site.port}/face/portrait.jpg\n")))
    assert linked.status_code == 200, linked.text
    uploaded = ask(files={"image": ("portrait.jpg", face)}, params={"heatmap": "false"})
    assert {**linked.json(), "timing_ms": None} == {**uploaded.json(), "timing_ms": None}
    assert linked.json()["prediction"]["filename"] == "portrait.jpg"


def test_failures_through_the_application(ask: Ask, site: Any, face: bytes) -> None:
    web = f"http://faces.example:{site.port}"
    check_error(ask(**form(("url", "ftp://faces.example/"))), 400, "bad_link")
    check_error(ask(**form(("url", "http://faces.example/" + "x" * 9000))), 400, "bad_link")
    answer = check_error(ask(**form(("url", "http://inner.example/"))), 400, "link_refused")
    assert "10.0.0.5" not in str(answer)
    check_error(ask(**form(("url", f"{web}/missing"))), 502, "link_unreachable")
    check_error(ask(**form(("url", f"{web}/declared"))), 413, "image_too_large")
    both = {"image": ("a.jpg", face), "url": (None, f"{web}/face")}
    check_error(ask(files=both), 400, "two_pictures")
    answer = check_error(ask(**form(("note", "no picture"))), 400, "missing_image")
    assert "'image'" in answer["error"]["message"]
    assert "'url'" in answer["error"]["message"]
    # A plain HTML form sends its empty text field along.
    assert ask(files={"image": ("a.jpg", face), "url": (None, " ")}).status_code == 200


def test_links_are_off_by_default(server: Any, client: httpx.Client, face: bytes) -> None:
    assert Settings().fetch_links is False
    answer = check_error(
        client.post("/api/predict", **form(("url", "http://127.0.0.1/"))), 400, "links_not_enabled"
    )
    assert "VERAFACE_FETCH_LINKS=true" in answer["error"]["message"]
    check_error(client.post("/api/predict", **form(("url", ""))), 400, "missing_image")
    both = {"image": ("a.jpg", face), "url": (None, "http://127.0.0.1/")}
    check_error(client.post("/api/predict", files=both), 400, "two_pictures")
    assert client.get("/api/model-status").json()["limits"]["links"] is False


def test_a_server_that_takes_links(start_server: Callable[..., Any], site: Any) -> None:
    """As it runs for people: it cannot write to any file, and asks nothing on its own machine."""
    with (
        start_server(VERAFACE_FETCH_LINKS="true", VERAFACE_LOG_LEVEL="debug") as server,
        httpx.Client(base_url=server.url, timeout=30) as client,
    ):
        assert client.get("/api/model-status").json()["limits"]["links"] is True
        for host in ("localhost", "127.0.0.1", "[::1]", "2130706433", "Canary@localhost"):
            link = f"http://{host}:{site.port}/Canary.jpg"
            code = "bad_link" if "@" in host else "link_refused"
            check_error(client.post("/api/predict", **form(("url", link))), 400, code)
        operation = client.get("/openapi.json").json()["paths"]["/api/predict"]["post"]
        client.get("/last-line-of-this-test")
        log = server.wait_for_log("(no such page) 404")
    assert site.seen == []
    assert "POST /api/predict 400" in log
    assert "Canary" not in log
    schema = operation["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert schema["properties"]["url"]["format"] == "uri"
    assert schema["properties"]["image"]["format"] == "binary"
    assert {"400", "413", "502", "504"} <= set(operation["responses"])


def test_links_without_their_extra_are_refused_before_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "httpx", None)  # as if it were not installed
    assert load_settings(fetch_links=False).fetch_links is False
    monkeypatch.setenv("VERAFACE_FETCH_LINKS", "true")
    with pytest.raises(SettingsError, match="VERAFACE_FETCH_LINKS") as caught:
        load_settings()
    assert 'pip install "veraface[links]"' in str(caught.value)


START = """
import sys
sys.modules["httpx"] = None
from veraface.server.__main__ import main
sys.exit(main())
"""


def test_the_server_does_not_start_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERAFACE_FETCH_LINKS", "true")
    finished = subprocess.run([sys.executable, "-c", START], capture_output=True, text=True, timeout=60)
    assert finished.returncode == 2
    assert 'pip install "veraface[links]"' in finished.stderr
    assert "Traceback" not in finished.stderr


@pytest.mark.parametrize("value", ["0", "-1", "61", "soon", "nan"])
def test_a_time_limit_that_makes_no_sense(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("VERAFACE_LINK_TIMEOUT_S", value)
    with pytest.raises(SettingsError, match="VERAFACE_LINK_TIMEOUT_S"):
        load_settings()


def test_without_links_the_server_needs_nothing_of_them() -> None:
    code = "import sys; sys.modules['httpx'] = None; from veraface.server import create_app; create_app()"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
