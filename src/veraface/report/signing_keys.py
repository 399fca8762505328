"""The Ed25519 keys (RFC 8032) that reports are signed with: made once, kept by their owner alone."""

import hashlib
import os
import stat
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from veraface.errors import VerafaceError
from veraface.files import write_atomic

_MAX_BYTES = 64 * 1024  # of a key file
# Points whose order divides 8, in all their encodings, without the sign of x: for such a key signatures can
# be made that hold for any text. RFC 8032, 5.1.7 leaves them in; tests/cli/test_report.py computes them.
_SMALL_ORDER = frozenset(
    bytes.fromhex(point)
    for point in (
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    )
)


def default_key_path() -> Path:
    """Where the key of this user lies, or will: in the user's folder for settings."""
    import typer

    return Path(typer.get_app_dir("veraface")) / "report-key.pem"


def own_key(path: Path) -> Ed25519PrivateKey:
    """The key at that place; made now, readable by its owner alone, where there is none.

    The public key is put beside it, to be handed out, and again wherever it is missing.

    Raises:
        VerafaceError: it can be neither read nor made.
    """
    key = _own_or_new(path)
    public, content = path.with_suffix(".pub.pem"), public_pem(key.public_key())
    try:
        there = public.read_bytes()
    except OSError:
        there = b""
    if there != content:
        write_atomic(public, content)
    return key


def _own_or_new(path: Path) -> Ed25519PrivateKey:
    with suppress(PermissionError):  # which says that something is there
        if not path.exists():
            return _new(path)
    return read_private_key(path)


def _new(path: Path) -> Ed25519PrivateKey:
    made = Ed25519PrivateKey.generate()
    secret = made.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secret)
        os.link(partial, path)  # fails where another process was first, whose key then counts
    except FileExistsError:
        return read_private_key(path)
    except OSError as error:
        raise VerafaceError(f"{path}: the key for reports cannot be made: {error.strerror}") from error
    finally:
        with suppress(OSError):
            partial.unlink()
    return made


def read_private_key(path: Path) -> Ed25519PrivateKey:
    """A private key from a PEM file (PKCS 8).

    Raises:
        VerafaceError: there is none, it is of another kind, or others may read it.
    """
    content = _read(path)
    try:
        key = serialization.load_pem_private_key(content, password=None)
    except TypeError as error:
        raise VerafaceError(f"{path}: the key is encrypted; give one without a password") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise VerafaceError(f"{path}: is no private key in PEM form") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise VerafaceError(f"{path}: is no Ed25519 key; make one: openssl genpkey -algorithm ed25519")
    if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise VerafaceError(f"{path}: others may read this private key; run: chmod 600 {path}")
    return key


def read_public_key(path: Path) -> Ed25519PublicKey:
    """A public key from a PEM file; of a private one, the public half.

    Raises:
        VerafaceError: there is none, or it is of another kind.
    """
    content = _read(path)
    if b"PRIVATE KEY" in content:
        return read_private_key(path).public_key()
    try:
        key = serialization.load_pem_public_key(content)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise VerafaceError(f"{path}: is no public key in PEM form") from error
    if not isinstance(key, Ed25519PublicKey):
        raise VerafaceError(f"{path}: is no Ed25519 key")
    return key


def public_key(content: bytes) -> Ed25519PublicKey:
    """The key of 32 bytes.

    Raises:
        ValueError: they are no point of the curve, or one for which anybody can sign.
    """
    if content[:31] + bytes((content[31] & 0x7F,)) in _SMALL_ORDER if len(content) == 32 else True:
        raise ValueError("no key, or one of small order")
    return Ed25519PublicKey.from_public_bytes(content)


def public_pem(key: Ed25519PublicKey) -> bytes:
    """As a PEM file holds it."""
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def raw(key: Ed25519PublicKey) -> bytes:
    """Its 32 bytes."""
    return key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def fingerprint(key: Ed25519PublicKey) -> str:
    """SHA-256 of its 32 bytes, in hex."""
    return hashlib.sha256(raw(key)).hexdigest()


def _read(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise VerafaceError(f"{path}: no such key file")
        with path.open("rb") as file:
            return file.read(_MAX_BYTES)
    except OSError as error:
        raise VerafaceError(f"{path}: cannot be read: {error.strerror}") from error
