"""Sign an HTML document and verify it later, with Ed25519 keys in files.

The signature is a detached JWS (RFC 7515, appendix F; Ed25519 by RFC 9864) in the last element of the body:

    <script type="application/jose+json">{"protected":…,"signature":…}</script>

It covers every byte of the document before the element was inserted. The protected header holds the public
key as `jwk`. Browsers do not execute a script element of this type.

The keys (RFC 8032) are PEM files, private ones readable by their owner only.
"""

import hashlib
import json
import os
import re
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from joserfc import jws
from joserfc.errors import BadSignatureError, JoseError
from joserfc.jwk import OKPKey
from joserfc.util import urlsafe_b64decode, urlsafe_b64encode

from veraface.errors import DataError, VerafaceError
from veraface.files import settings_folder, write_atomic

MAX_BYTES = 64 * 2**20  # of a signed document
FORMAT = "veraface-report/2"
_ALGORITHM = "Ed25519"
_BEGIN, _END = b'<script type="application/jose+json">', b"</script>\n</body>\n</html>\n"
_TAIL = b"</body>\n</html>\n"
# As page.html shows it, and as it did before it had languages.
_NAMED_KEY = re.compile(rb'(?:<code id="key" dir="ltr">|Ed25519 key <code>)([0-9a-f]{64})</code>')
_OLDER_FORMAT = b"<!-- veraface-report-signature "
_MAX_KEY_BYTES = 64 * 1024  # of a key file

# Encodings, without the sign of x, of the points whose order divides 8. With such a key, a signature can be
# valid for every document (RFC 8032, 5.1.7; Chalkias et al., "Taming the many EdDSAs", 2020).
_SMALL_ORDER = {
    bytes(32),
    bytes((1, *bytes(31))),
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
    *(bytes((low, *b"\xff" * 30, 0x7F)) for low in (0xEC, 0xED, 0xEE)),  # -1, 0 and 1 modulo 2^255 - 19
}


class _Registry(jws.JWSRegistry):
    max_payload_length = 2 * MAX_BYTES  # as base64


_REGISTRY = _Registry(algorithms=[_ALGORITHM])


class ReportError(VerafaceError):
    """The file is not a signed report."""

    code = "bad_report"


@dataclass(frozen=True)
class Verification:
    """The result of verifying a signed document."""

    intact: bool  # whether the document and its signature are as they were when it was signed
    fingerprint: str  # of the key in the document, which signed it if `intact`
    expected_key: bool | None  # whether that is the key that was expected; None if none was


def sign(document: str, key: Ed25519PrivateKey) -> bytes:
    """Return an HTML document, which ends with the tags of `_TAIL`, with its signature."""
    page = document.encode()
    if not page.endswith(_TAIL):
        raise ValueError("not a whole HTML document")
    own = OKPKey.import_key(key)
    header = {"alg": _ALGORITHM, "typ": FORMAT, "jwk": own.as_dict(private=False)}
    signed = jws.serialize_json({"protected": header}, page, own, registry=_REGISTRY)
    return page.removesuffix(_TAIL) + _BEGIN + _canonical(jws.detach_content(signed)) + _END


def verify(file: bytes, key: Ed25519PublicKey | None = None) -> Verification:
    """Verify a signed document, and that `key` signed it.

    None accepts the key in the document, which proves only that nothing changed since its owner signed it.
    Raises ReportError if there is no signature to verify, or the document names another key as its signer.
    """
    page, signature = _split(file)
    try:
        header = json.loads(urlsafe_b64decode(signature["protected"].encode()))
        own = OKPKey.import_key({name: header["jwk"][name] for name in ("kty", "crv", "x")}).public_key
        if header["typ"] != FORMAT or not isinstance(own, Ed25519PublicKey):
            raise ReportError(f"the report is not of the form {FORMAT}; a newer version may read it")
    except (JoseError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ReportError("the report's signature is damaged") from error
    if is_weak(own):
        raise ReportError("is signed by a key of small order, with which anybody can sign")
    attached: jws.FlattenedJSONSerialization = {
        "payload": urlsafe_b64encode(page).decode(),
        "protected": signature["protected"],
        "signature": signature["signature"],
    }
    try:
        jws.deserialize_json(attached, OKPKey.import_key(own), registry=_REGISTRY)
        intact = True
    except BadSignatureError:
        intact = False
    except (JoseError, ValueError) as error:
        raise ReportError("the report's signature is damaged") from error
    signer = fingerprint(own)
    named = set(_NAMED_KEY.findall(page))
    if intact and named - {signer.encode()}:
        raise ReportError(f"names another key than {signer}, which signed it")
    return Verification(intact, signer, None if key is None else fingerprint(key) == signer)


def _split(file: bytes) -> tuple[bytes, dict[str, str]]:
    """Return the document without its signature, and the signature."""
    if _OLDER_FORMAT in file[file.rfind(b"\n", 0, -1) + 1 :]:
        raise ReportError("is signed in an older format; verify it with the version that its footer names")
    start = file.rfind(_BEGIN)
    if start < 0:
        raise ReportError("not a signed Veraface report, or its end with the signature is missing")
    if not file.endswith(_END):
        raise ReportError("its end is cut off, or something follows the signature")
    written = file[start + len(_BEGIN) : -len(_END)]
    try:
        signature = json.loads(written)
        decoded = urlsafe_b64decode(signature["signature"].encode())
        # One accepted form only, so that no bit of the signature can change without notice.
        canonical = {"protected": signature["protected"], "signature": urlsafe_b64encode(decoded).decode()}
        if _canonical(canonical) != written:
            raise ValueError("not in the form that sign() writes")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ReportError("the report's signature is damaged") from error
    return file[:start] + _TAIL, signature


def _canonical(signature: dict[str, str]) -> bytes:
    return json.dumps(signature, sort_keys=True, separators=(",", ":")).encode()


def default_key_path() -> Path:
    """Return the path of this user's key in the user's folder for settings."""
    return settings_folder() / "report-key.pem"


def own_key(path: Path) -> Ed25519PrivateKey:
    """Return the private key in a file; create it, readable by its owner only, if there is none.

    The public key is written beside it, as `.pub.pem`, if that is possible. Raises VerafaceError.
    """
    try:
        missing = not path.exists()
    except PermissionError:  # something is there
        missing = False
    key = _create(path) if missing else read_private_key(path)
    public, content = path.with_suffix(".pub.pem"), public_pem(key.public_key())
    with suppress(OSError, DataError):  # such as in a folder that is mounted read-only
        if not public.is_file() or public.read_bytes() != content:
            write_atomic(public, content)
    return key


def new_key() -> Ed25519PrivateKey:
    """Return a key that is in no file."""
    return Ed25519PrivateKey.generate()


def _create(path: Path) -> Ed25519PrivateKey:
    key = new_key()
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secret)
        os.link(partial, path)  # fails if another process was first; its key is used then
    except FileExistsError:
        return read_private_key(path)
    except OSError as error:
        raise VerafaceError(f"{path}: the key for reports cannot be created: {error.strerror}") from error
    finally:
        with suppress(OSError):
            partial.unlink()
    return key


def read_private_key(path: Path) -> Ed25519PrivateKey:
    """Read a private key from a PEM file (PKCS 8) that other users may not read; raise VerafaceError."""
    try:
        key = serialization.load_pem_private_key(_read_key_file(path), password=None)
    except TypeError as error:
        raise VerafaceError(f"{path}: the key is encrypted; use one without a password") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise VerafaceError(f"{path}: not a private key in PEM form") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise VerafaceError(f"{path}: not an Ed25519 key; create one: openssl genpkey -algorithm ed25519")
    if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise VerafaceError(f"{path}: other users may read this private key; run: chmod 600 {path}")
    return key


def read_public_key(path: Path) -> Ed25519PublicKey:
    """Read a public key from a PEM file, which may hold the private key instead; raise VerafaceError."""
    content = _read_key_file(path)
    if b"PRIVATE KEY" in content:
        return read_private_key(path).public_key()
    try:
        key = serialization.load_pem_public_key(content)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise VerafaceError(f"{path}: not a public key in PEM form") from error
    if not isinstance(key, Ed25519PublicKey):
        raise VerafaceError(f"{path}: not an Ed25519 key")
    return key


def public_pem(key: Ed25519PublicKey) -> bytes:
    """Return a public key in PEM form."""
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def is_weak(key: Ed25519PublicKey) -> bool:
    """Return whether anybody can sign for this public key, because its point has a small order."""
    raw = key.public_bytes_raw()
    return raw[:31] + bytes((raw[31] & 0x7F,)) in _SMALL_ORDER


def fingerprint(key: Ed25519PublicKey) -> str:
    """Return the SHA-256 of the 32 bytes of a public key, in hexadecimal."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()


def _read_key_file(path: Path) -> bytes:
    if not path.is_file():
        raise VerafaceError(f"{path}: no such key file")
    try:
        with path.open("rb") as file:
            return file.read(_MAX_KEY_BYTES)
    except OSError as error:
        raise VerafaceError(f"{path}: cannot be read: {error.strerror}") from error
