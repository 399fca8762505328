"""Signs an HTML document and verifies it later.

The signature is a detached JWS (RFC 7515, appendix F; Ed25519 by RFC 9864) in the last element of the body:

    <script type="application/jose+json">{"protected":…,"signature":…}</script>

It covers every byte of the document before the element was inserted. The protected header holds the public
key as `jwk`. Browsers do not execute a script element of this type.
"""

import json
import re
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from joserfc import jws
from joserfc.errors import BadSignatureError, JoseError
from joserfc.jwk import OKPKey
from joserfc.util import urlsafe_b64decode, urlsafe_b64encode

from veraface.errors import VerafaceError
from veraface.report.signing_keys import fingerprint, is_weak

MAX_BYTES = 64 * 2**20  # of a signed document
FORMAT = "veraface-report/2"
_ALGORITHM = "Ed25519"
_BEGIN, _END = b'<script type="application/jose+json">', b"</script>\n</body>\n</html>\n"
_TAIL = b"</body>\n</html>\n"
_NAMED_KEY = re.compile(rb"Ed25519 key <code>([0-9a-f]{64})</code>")  # as page.html shows it
_OLDER_FORMAT = b"<!-- veraface-report-signature "


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

    Raises:
        ReportError: The file has no signature that could be verified, or names another key as its signer.
    """
    page, signature = _split(file)
    try:
        header = json.loads(urlsafe_b64decode(signature["protected"].encode()))
        own = OKPKey.import_key({name: header["jwk"][name] for name in ("kty", "crv", "x")}).public_key
        if header["typ"] != FORMAT or not isinstance(own, Ed25519PublicKey):
            raise ReportError(f"the report is not of the form {FORMAT}; a newer version may read it")
    except (JoseError, ValueError, LookupError, TypeError, RecursionError) as error:
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
