"""Ed25519 keys (RFC 8032) that reports are signed with, as PEM files that only their owner can read."""

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

# Encodings, without the sign of x, of the points whose order divides 8. With such a key, a signature can be
# valid for every document (RFC 8032, 5.1.7; Chalkias et al., "Taming the many EdDSAs", 2020).
_SMALL_ORDER = {
    bytes(32),
    bytes((1, *bytes(31))),
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
    *(bytes((low, *b"\xff" * 30, 0x7F)) for low in (0xEC, 0xED, 0xEE)),  # -1, 0 and 1 modulo 2^255 - 19
}


def default_key_path() -> Path:
    """Return the path of this user's key in the user's folder for settings."""
    import typer

    return Path(typer.get_app_dir("veraface")) / "report-key.pem"


def own_key(path: Path) -> Ed25519PrivateKey:
    """Return the private key in a file; create it, readable by its owner only, if there is none.

    The public key is written beside it, as `.pub.pem`.

    Raises VerafaceError if the key can be neither read nor created.
    """
    try:
        missing = not path.exists()
    except PermissionError:  # something is there
        missing = False
    key = _create(path) if missing else read_private_key(path)
    public, content = path.with_suffix(".pub.pem"), public_pem(key.public_key())
    if not public.is_file() or public.read_bytes() != content:
        write_atomic(public, content)
    return key


def _create(path: Path) -> Ed25519PrivateKey:
    key = Ed25519PrivateKey.generate()
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
        key = serialization.load_pem_private_key(_read(path), password=None)
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
    content = _read(path)
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


def _read(path: Path) -> bytes:
    if not path.is_file():
        raise VerafaceError(f"{path}: no such key file")
    try:
        with path.open("rb") as file:
            return file.read(_MAX_BYTES)
    except OSError as error:
        raise VerafaceError(f"{path}: cannot be read: {error.strerror}") from error
