"""Images behind links: only public addresses are requested, and every failure has its code."""

import contextlib
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.server.sites import HERE, MAX_BYTES, Resolver, Site, here_is_public, serving
from veraface.server.errors import ApiError
from veraface.server.remote_images import PublicTransport, RemoteImageFetcher, is_public, is_this_machine
from veraface.server.uploads import Upload

Fetch = Callable[..., Upload]


@pytest.fixture
def fetch(run_async: Callable[..., Any]) -> Fetch:
    """Fetches a link; `faces.example` is the test's own server."""

    def fetch_(link: str, resolver: Resolver | None = None, timeout_s: float = 60, **seams: Any) -> Upload:
        resolver = resolver or Resolver(faces_example=[["127.0.0.1"]], inner_example=[["10.0.0.5"]])
        seams = {"allow": here_is_public, **seams}

        async def run() -> Upload:
            transport = PublicTransport(timeout_s / 3, resolve=resolver, **seams)
            return await RemoteImageFetcher(MAX_BYTES, timeout_s, transport).fetch(link)

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
def test_names_with_an_address_that_is_not_public_are_refused(fetch: Fetch, address: str) -> None:
    assert not is_public(ip_address(address))
    answers = [[address], ["8.8.8.8", address], [address, "2606:4700::1111"]]
    resolver = Resolver(evil_example=answers)
    for _ in answers:
        error = fails(400, "link_refused", lambda: fetch("http://evil.example/", resolver, allow=is_public))
        assert address not in str(error).split()


def test_addresses_of_this_machine() -> None:
    assert is_this_machine(HERE)
    assert not is_this_machine(ip_address("203.0.113.7"))
    assert not is_this_machine(ip_address("2001:db8::7"))


@pytest.mark.parametrize("host", NOT_PUBLIC_HOSTS.split())
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_hosts_that_are_not_public(fetch: Fetch, scheme: str, host: str) -> None:
    """No numeric form reaches a resolver; names are checked by their addresses."""
    resolver = Resolver()
    resolver.answers = dict.fromkeys(("localhost", "localhost.", "ip6-localhost"), [["127.0.0.1", "::1"]])
    link = f"{scheme}://{host}/latest/meta-data"
    fails(400, "link_refused", lambda: fetch(link, resolver, allow=is_public))


@pytest.mark.parametrize("link", [*NO_LINKS.split(), *MORE_NO_LINKS])
def test_invalid_links(fetch: Fetch, link: str) -> None:
    resolver = Resolver()
    fails(400, "bad_link", lambda: fetch(link, resolver))
    assert resolver.asked == []


def test_an_image_is_fetched(fetch: Fetch, site: Any, face: bytes) -> None:
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
def test_the_file_name_is_made_safe(fetch: Fetch, site: Any, path: str, name: str) -> None:
    assert fetch(f"http://faces.example:{site.port}/face{path}").filename == name


def test_dns_rebinding_has_no_effect(fetch: Fetch, site: Any, face: bytes) -> None:
    """Only the address that was checked is connected to, and the name is not resolved again."""
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
def test_redirects_that_are_not_followed(
    fetch: Fetch, site: Any, target: str, status: int, code: str
) -> None:
    fails(status, code, lambda: fetch(f"http://faces.example:{site.port}/to/{target}"))
    assert len(site.seen) == 1


def test_redirects_are_followed_three_times(fetch: Fetch, site: Any, face: bytes) -> None:
    assert fetch(f"http://faces.example:{site.port}/hop/3").content == face
    assert len(site.seen) == 4
    assert not any("Cookie" in seen or "Referer" in seen for seen in site.seen)
    fails(502, "link_unreachable", lambda: fetch(f"http://faces.example:{site.port}/hop/4"))
    fails(502, "link_unreachable", lambda: fetch(f"http://faces.example:{site.port}/nowhere"))


def test_the_next_address_is_used_if_one_does_not_answer(fetch: Fetch, site: Any, face: bytes) -> None:
    resolver = Resolver(faces_example=[["127.0.0.9", "127.0.0.1"]])  # nobody listens on the first
    seams = {"allow": lambda address: address.is_loopback}
    assert fetch(f"http://faces.example:{site.port}/face", resolver, **seams).content == face


@pytest.mark.parametrize("path", ["missing", "packed", "cut", "number"])
def test_responses_without_an_image(fetch: Fetch, site: Any, path: str) -> None:
    fails(502, "link_unreachable", lambda: fetch(f"http://faces.example:{site.port}/{path}"))


HEAD = "HTTP/1.1 200 OK\r\n"
VIOLATIONS = {
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


@pytest.mark.parametrize("name", VIOLATIONS)
def test_servers_that_violate_http(fetch: Fetch, site: Any, name: str) -> None:
    link = f"http://faces.example:{site.port}/raw/{VIOLATIONS[name].encode().hex()}"
    fails(502, "link_unreachable", lambda: fetch(link))


def test_no_more_than_the_declared_length_is_read(fetch: Fetch, site: Any, face: bytes) -> None:
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
def test_types_that_may_be_images_are_fetched(fetch: Fetch, site: Any, face: bytes, kind: str) -> None:
    assert fetch(f"http://faces.example:{site.port}/typed/{kind}").content == face


@pytest.mark.parametrize("kind", ["text/html", "application/json", "video/mp4", "imagery/png", "none"])
def test_types_that_are_no_images_are_not_fetched(fetch: Fetch, site: Any, kind: str) -> None:
    fails(415, "unsupported_image", lambda: fetch(f"http://faces.example:{site.port}/typed/{kind}"))


def test_unreachable_servers(fetch: Fetch) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        fails(502, "link_unreachable", lambda: fetch(f"http://faces.example:{port}/"))
    fails(502, "link_unreachable", lambda: fetch("http://nowhere.example/"))
    fails(502, "link_unreachable", lambda: fetch("http://empty.example/", Resolver(empty_example=[[]])))


def test_a_server_of_another_protocol(fetch: Fetch) -> None:
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
    fails(413, "image_too_large", lambda: fetch(f"http://faces.example:{site.port}/declared"))


def test_too_large_a_file_is_refused_while_it_streams(fetch: Fetch, site: Any) -> None:
    fails(413, "image_too_large", lambda: fetch(f"http://faces.example:{site.port}/endless"))
    assert site.ended.wait(300)
    assert site.sent < 20_000_000


@pytest.mark.parametrize("path", ["dripping", "silent"])
def test_slow_servers_meet_the_deadline(fetch: Fetch, site: Any, path: str) -> None:
    started = time.monotonic()
    fails(504, "link_timeout", lambda: fetch(f"http://faces.example:{site.port}/{path}", timeout_s=0.5))
    assert time.monotonic() - started < 25  # the first drips for 50 s, the second is silent for 120 s


def test_slow_names_meet_the_deadline(fetch: Fetch) -> None:
    async def never(host: str) -> list[str]:
        await anyio.sleep_forever()
        return []

    fails(504, "link_timeout", lambda: fetch("http://faces.example/", never, timeout_s=0.2))


def test_slow_handshakes_meet_the_deadline(fetch: Fetch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:  # accepts connections and sends nothing
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
        fails(502, "link_unreachable", lambda: fetch(good, resolver))  # not signed by a trusted authority
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
