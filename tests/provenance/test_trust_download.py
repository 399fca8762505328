"""`veraface trust update` from an https address: a server of the tests, with a certificate that they make."""

import datetime
import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.cli.terminal import veraface
from tests.provenance.credentials import authority
from veraface.provenance.trust import MAX_BYTES


def self_signed(address: str, folder: Path, *, days: int = 30) -> Path:
    """Write a certificate for an IP address, valid for so many days from now, and its key to one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test server")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=60))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / f"{address}-{days}.pem"
    path.write_bytes(certificate.public_bytes(pem) + private)
    return path


class Site(BaseHTTPRequestHandler):
    """Answers with a list, and with whatever else a server may send."""

    def do_GET(self) -> None:  # noqa: N802 - the name that http.server calls
        pages = {
            "/list.pem": authority().root.encode(),
            "/page.pem": b"<html>sign in</html>",
            "/empty.pem": b"",
        }
        pages["/large.pem"] = b"x" * (MAX_BYTES + 10)
        if self.path in pages:
            self.answer(pages[self.path])
        elif self.path == "/cut.pem":
            self.answer((authority("One").root + authority("Two").root).encode(), missing=400)
        elif self.path == "/moved.pem":
            self.redirect("/list.pem")
        elif self.path == "/loop.pem":
            self.redirect("/loop.pem")
        elif self.path == "/downgraded.pem":
            self.redirect("http://127.0.0.1:9/list.pem")
        elif self.path == "/local.pem":
            self.redirect("file:///etc/hostname")
        elif self.path == "/garbage.pem":
            self.wfile.write(b"no HTTP at all\r\n\r\n")
        else:
            self.send_error(404)

    def answer(self, body: bytes, *, missing: int = 0) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) - missing])

    def redirect(self, target: str) -> None:
        self.send_response(302)
        self.send_header("Location", target)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class QuietServer(ThreadingHTTPServer):
    """Prints no traceback for a client that refuses its certificate."""

    def handle_error(self, *_: object) -> None:
        pass


class Served:
    """A running server, and the command with its certificate trusted as the system's certificates are."""

    def __init__(self, port: int, trusted: Path, config: Path) -> None:
        self.url = f"https://127.0.0.1:{port}"
        self._environment = {"SSL_CERT_FILE": str(trusted), "XDG_CONFIG_HOME": str(config)}

    def update(self, page: str, *options: str, trusted: Path | None = None) -> CompletedProcess[str]:
        other = {} if trusted is None else {"SSL_CERT_FILE": str(trusted)}
        return veraface(
            *("trust", "update", "interim", f"{self.url}/{page}", "--date", "2026-11-29", *options),
            environment=self._environment | other,
        )

    def origin(self) -> str:
        """Return whether the interim list is `shipped` or `updated`."""
        listed = veraface("trust", "list", "--json", environment=self._environment)
        return str({item["name"]: item["origin"] for item in json.loads(listed.stdout)}["interim"])


def serve(certificate: Path) -> ThreadingHTTPServer:
    server = QuietServer(("127.0.0.1", 0), Site)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return server


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Served]:
    certificate = self_signed("127.0.0.1", tmp_path)
    server = serve(certificate)
    yield Served(server.server_port, certificate, tmp_path / "config")
    server.shutdown()
    server.server_close()


def test_a_list_is_fetched_and_used(site: Served) -> None:
    done = site.update("list.pem")
    assert done.returncode == 0, done.stderr
    assert "interim: 1 authorities and 0 single signers, as of 2026-11-29" in done.stdout
    assert site.origin() == "updated"


def test_a_redirection_over_https_is_followed(site: Served) -> None:
    done = site.update("moved.pem")
    assert done.returncode == 0, done.stderr
    assert site.origin() == "updated"


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("downgraded.pem", "redirects to an address without https: http://127.0.0.1:9/list.pem"),
        ("local.pem", "cannot be read: HTTP Error 302"),
        ("loop.pem", "cannot be read: HTTP Error 302"),
        ("none.pem", "cannot be read: HTTP Error 404: Not Found"),
        ("large.pem", "larger than any trust list"),
        ("page.pem", "contains no certificate"),
        ("empty.pem", "contains no certificate"),
        ("cut.pem", "ended 400 bytes before its end"),
        ("garbage.pem", "cannot be read: "),
    ],
)
def test_other_answers_change_nothing(site: Served, page: str, words: str) -> None:
    done = site.update(page)
    assert done.returncode != 0
    assert words in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert site.origin() == "shipped"


def test_a_list_with_another_hash_changes_nothing(site: Served) -> None:
    done = site.update("list.pem", "--sha256", "00" * 32)
    assert "not the expected" in done.stderr
    assert site.origin() == "shipped"


def test_a_certificate_that_nobody_vouches_for_is_refused(site: Served, tmp_path: Path) -> None:
    done = site.update("list.pem", trusted=self_signed("127.0.0.2", tmp_path))
    assert done.returncode != 0
    assert "cannot be read: its certificate is not trusted: self-signed certificate" in " ".join(
        done.stderr.split()
    )
    assert site.origin() == "shipped"


@pytest.mark.parametrize(
    ("address", "days", "words"),
    [("127.0.0.2", 30, "certificate is not valid for '127.0.0.1'"), ("127.0.0.1", -2, "has expired")],
)
def test_the_certificate_of_another_server_and_an_old_one_are_refused(
    tmp_path: Path, address: str, days: int, words: str
) -> None:
    certificate = self_signed(address, tmp_path, days=days)
    server = serve(certificate)
    try:
        done = Served(server.server_port, certificate, tmp_path / "config").update("list.pem")
    finally:
        server.shutdown()
        server.server_close()
    assert done.returncode != 0
    assert words in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    "address", ["https://127.0.0.1:9/list.pem", "https://127.0.0.1:port/x", "https:///x"]
)
def test_addresses_without_a_server_are_explained(tmp_path: Path, address: str) -> None:
    done = veraface("trust", "update", "interim", address, environment={"XDG_CONFIG_HOME": str(tmp_path)})
    assert done.returncode != 0
    assert f"{address}: cannot be read: " in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_an_address_without_https_is_no_file(tmp_path: Path) -> None:
    done = veraface(
        "trust",
        "update",
        "interim",
        "HTTP://127.0.0.1/x.pem",
        environment={"XDG_CONFIG_HOME": str(tmp_path)},
    )
    assert "must be an https address" in " ".join(done.stderr.split())
