"""Images with Content Credentials, signed with a certificate that the tests make for themselves."""

import datetime
import json
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AI = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"


@dataclass(frozen=True)
class Authority:
    """Who signs: a root, and a signer that it has vouched for."""

    root: str  # PEM
    chain: str  # PEM: the signer's certificate, then the root's
    key: str  # PEM: the signer's


@cache
def authority(
    organisation: str = "Test Press",
    root_for: x509.ObjectIdentifier | None = None,
    signer_for: x509.ObjectIdentifier = ExtendedKeyUsageOID.EMAIL_PROTECTION,
) -> Authority:
    """Make an authority; the uses are the extended ones of its certificates."""
    root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root_name = _name(organisation, "Test Root")
    root = (
        _certificate(root_name, root_name, root_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(root_key.public_key()), critical=False)
    )
    if root_for is not None:
        root = root.add_extension(x509.ExtendedKeyUsage([root_for]), critical=False)
    certified = root.sign(root_key, hashes.SHA256())
    # What C2PA asks of a signer (specification 2.1, 14.5): no authority, signs, and an extended use it lists.
    signer = (
        _certificate(_name(organisation, "Test Signer"), root_name, key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([signer_for]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False
        )
        .sign(root_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    return Authority(
        root=certified.public_bytes(pem).decode(),
        chain=(signer.public_bytes(pem) + certified.public_bytes(pem)).decode(),
        key=key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode(),
    )


def _name(organisation: str, name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    today = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - datetime.timedelta(days=2))
        .not_valid_after(today + datetime.timedelta(days=30))
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=not signs,
        crl_sign=not signs,
        encipher_only=False,
        decipher_only=False,
    )


def manifest(
    *, generator: str = "Test Camera", source_type: str = AI, actions: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    made = {"action": "c2pa.created", "digitalSourceType": source_type}
    return {
        "claim_generator_info": [{"name": generator, "version": "1.2"}],
        "title": "A test",
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": actions if actions is not None else [made]}}
        ],
    }


def sign(
    image: bytes,
    mime: str = "image/jpeg",
    *,
    by: Authority | None = None,
    remote: str | None = None,
    **settings: Any,
) -> bytes:
    """The image with a manifest signed by an authority of the tests.

    Args:
        image: The bytes of its file.
        mime: Its kind.
        by: Who signs; the usual one if None.
        remote: Declared address of its manifest, instead of one in the file.
        settings: Contents of the manifest; see `manifest`.
    """
    import c2pa

    by = by or authority()
    info = c2pa.C2paSignerInfo(b"es256", by.chain.encode(), by.key.encode(), None)
    out = BytesIO()
    context = c2pa.Context.from_dict({"verify": {"verify_after_sign": False}})
    with c2pa.Signer.from_info(info) as signer, c2pa.Builder(json.dumps(manifest(**settings)), context) as it:
        if remote is not None:
            it.set_remote_url(remote)
            it.set_no_embed()
        it.sign(signer, mime, BytesIO(image), out)
    return out.getvalue()
