"""Signs an HTML document, and tells later whether it is still the same.

A signed document is the document, to its last byte, and behind it one line that no browser shows:

    <!-- veraface-report-signature {"public_key":…,"signature":…,"statement":…} -->

The statement is canonical JSON: SHA-256 of the document, of each of its parts (so that it can be said what
changed) and the report's content in a form for programs. What is seen is what is signed: there is no second
copy of it from which a page would be made. Ed25519, RFC 8032; the JSON as in RFC 8785, of which only the
order of keys and the writing of numbers are Python's.
"""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from veraface.errors import VerafaceError
from veraface.report.signing_keys import fingerprint, public_key, raw

FORMAT = "veraface-report/1"
_BEGIN, _END = b"<!-- veraface-report-signature ", b" -->\n"
_SECTION = re.compile(rb'<(section|header|footer) id="([a-z0-9-]+)"')
_NAMED_KEY = re.compile(rb"<code>([0-9a-f]{64})</code> \(SHA-256\)")
_TILE = re.compile(r"(?:picture|section) [a-z0-9_-]{1,40}|page")
_MAX_CHANGES = 20  # that are told
_IMAGE = re.compile(rb'<img id="([a-z0-9_-]+)" src="data:[a-z]+/[a-z]+;base64,([A-Za-z0-9+/=]*)"')


class ReportError(VerafaceError):
    """The file is no signed report."""

    code = "bad_report"


@dataclass(frozen=True)
class Check:
    """What can be said of a signed document."""

    changed: tuple[str, ...]  # what is not as it was signed, in words; empty: nothing
    fingerprint: str  # of the key that the document names, SHA-256 in hex
    known: bool | None  # whether it is the key that was asked for; None: none was


def canonical(value: Any) -> bytes:
    """JSON in the one form that is signed: sorted keys, no spaces, UTF-8.

    Raises:
        ValueError: it holds what JSON has no form for.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8")


def sign(document: str, content: Mapping[str, Any], key: Ed25519PrivateKey) -> bytes:
    """The document with its signature behind it.

    Args:
        document: HTML, all of it.
        content: the same in a form for programs, JSON-ready.
        key: signs.
    """
    page = document.encode("utf-8")
    statement = canonical(
        {
            "format": FORMAT,
            "document_sha256": _sha256(page),
            "parts": dict(_parts(page)),
            "content": content,
        }
    )
    block = {
        "public_key": _text(raw(key.public_key())),
        "signature": _text(key.sign(statement)),
        "statement": _text(statement),
    }
    return page + _BEGIN + canonical(block) + _END


def verify(file: bytes, key: Ed25519PublicKey | None = None) -> Check:
    """Whether a signed document is as it was signed.

    Args:
        file: all of it.
        key: whose signature it has to be; None: that of the key in it, which proves only that nothing changed
            since somebody with that key signed it.

    Raises:
        ReportError: it has no signature that could be looked at.
    """
    page, block = _split(file)
    own, signature, statement = (_bytes(block[name]) for name in ("public_key", "signature", "statement"))
    try:
        own_key = public_key(own)
    except ValueError as error:
        raise ReportError("the report's public key is damaged, or one for which anybody can sign") from error
    known = None if key is None else raw(key) == own
    try:
        own_key.verify(signature, statement)
        told = json.loads(statement)
    except (InvalidSignature, ValueError, RecursionError):
        forged = ("the signature: it does not belong to what was signed",)
        return Check(forged, fingerprint(own_key), known)
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        raise ReportError(f"the report is not of the form {FORMAT}; a newer Veraface may know it")
    if told.get("document_sha256") == _sha256(page):
        named = {name.decode() for name in _NAMED_KEY.findall(page)}
        other = ("the key: the report names another than the one that signed it",)
        return Check(other if named - {fingerprint(own_key)} else (), fingerprint(own_key), known)
    parts = told.get("parts")
    changed = tuple(_changes(parts if isinstance(parts, dict) else {}, page))
    return Check(changed, fingerprint(own_key), known)


def content_of(file: bytes) -> dict[str, Any]:
    """What a report says, in the form for programs; of worth only where `verify` finds nothing changed.

    Raises:
        ReportError: it has no signature that could be looked at.
    """
    content: dict[str, Any] = json.loads(_bytes(_split(file)[1]["statement"]))["content"]
    return content


def _split(file: bytes) -> tuple[bytes, dict[str, str]]:
    at = file.rfind(_BEGIN)
    if at < 0:
        raise ReportError("is no signed Veraface report, or its end, with the signature, is missing")
    if not file.endswith(_END):
        raise ReportError("something was put behind the report's signature, or its end is cut off")
    written = file[at + len(_BEGIN) : -len(_END)]
    try:
        block = json.loads(written)
        names = {"public_key", "signature", "statement"}
        # Only the one form: nothing else may hide where nobody looks.
        if set(block) != names or canonical(block) != written or b">" in written:
            raise ValueError
        for name in names:
            if _text(_bytes(block[name])) != block[name]:
                raise ValueError
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise ReportError("the report's signature is damaged") from error
    return file[:at], block


def _parts(page: bytes) -> Iterator[tuple[str, str]]:
    """SHA-256 of each embedded image's file, of each section without images, and of the rest."""
    for name, data in _IMAGE.findall(page):
        yield f"picture {name.decode()}", _sha256(base64.b64decode(data))
    without = _IMAGE.sub(rb'<img id="\1"', page)
    rest, last = [], 0
    for match, end in _sections(without):
        yield f"section {match[2].decode()}", _sha256(without[match.start() : end])
        rest += [without[last : match.start()], match[0], b">"]
        last = end
    yield "page", _sha256(b"".join((*rest, without[last:])))


def _sections(page: bytes) -> Iterator[tuple[re.Match[bytes], int]]:
    """Where each section opens, and where it ends; in one pass, whatever is in the page."""
    at, unclosed = 0, set[bytes]()
    while match := _SECTION.search(page, at):
        at, close = match.end(), b"</" + match[1] + b">"
        found = -1 if close in unclosed else page.find(close, at)
        if found < 0:
            unclosed.add(close)
        else:
            at = found + len(close)
            yield match, at


def _changes(signed: Mapping[str, str], page: bytes) -> Iterator[str]:
    """What is other than signed; at least one thing."""
    try:
        now = dict(_parts(page))
    except ValueError:  # base64 that is none
        now = {}
    changed = [
        _in_words(name) + (" (gone)" if name not in now and now else "")
        for name, digest in signed.items()
        if _TILE.fullmatch(name) and now.get(name) != digest
    ]
    changed += [f"{_in_words(name)} (added)" for name in now if name not in signed]
    yield from changed[:_MAX_CHANGES] or ["the document"]
    if len(changed) > _MAX_CHANGES:
        yield f"and {len(changed) - _MAX_CHANGES} more"


def _in_words(name: str) -> str:
    kind, _, what = name.partition(" ")
    return f"the {kind} {what.replace('_', ' ')!r}" if what else "the page around the sections"


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ReportError("the report's signature is damaged") from error
