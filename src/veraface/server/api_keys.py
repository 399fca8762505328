"""API keys and their digests. The server knows the digests only."""

import hashlib
import secrets


def make_key() -> str:
    """Return a new key: 256 random bits, too many to find it from a plain digest."""
    return "vf_" + secrets.token_urlsafe(32)  # the prefix is for scanners that look for leaked secrets


def digest(key: str) -> str:
    """Return the SHA-256 of a key in hexadecimal, which the server keeps instead of the key."""
    return hashlib.sha256(key.encode()).hexdigest()
