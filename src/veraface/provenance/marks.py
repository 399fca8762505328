"""Pass the marks of an input on to outputs, which state them or carry a signed manifest.

Images and videos that Veraface draws into are new files. They must not lose silently that their source had
Content Credentials or was declared as made by AI (EU Code of Practice on AI-generated content, measure 1.2).
"""

import hashlib
import html
import json
from dataclasses import dataclass
from io import BufferedReader, BytesIO
from pathlib import Path
from typing import Any

from veraface import __version__
from veraface.errors import VerafaceError
from veraface.files import write_atomic
from veraface.provenance.claims import Provenance
from veraface.utils import needs_extra

_ALGORITHMS = ("es256", "es384", "es512", "ed25519", "ps256")  # C2PA 2.4, 13.2; the one that fits the key
_MAX_PEM_BYTES = 64 * 2**10
_IPTC = "http://cv.iptc.org/newscodes/digitalsourcetype/"
_SETTINGS = {"verify": {"verify_after_sign": True, "remote_manifest_fetch": False, "ocsp_fetch": False}}


@dataclass(frozen=True)
class SourceMarks:
    """The marks of an input file.

    Attributes:
        sha256: of the file.
        has_credentials: whether it carries Content Credentials.
        source_type: the IPTC DigitalSourceType that its XMP states.
        remote: where its Content Credentials lie according to the file, if it carries none itself.
    """

    sha256: str
    has_credentials: bool
    source_type: str | None
    remote: str | None = None

    def __bool__(self) -> bool:
        """Return whether there are any."""
        return bool(self.names)

    @property
    def names(self) -> str:
        """What they are, in plain English; empty if there are none."""
        stated = ["Content Credentials"] if self.has_credentials else []
        stated += [f"a link to Content Credentials ({self.remote})"] if self.remote else []
        stated += [f"the IPTC source type {self.source_type}"] if self.source_type else []
        return " and ".join(stated)

    def describe(self) -> str:
        """Return a sentence for the output; empty if there are no marks."""
        return f"made from a file that carries {self.names} (SHA-256 {self.sha256})" if self else ""

    def to_xmp(self) -> bytes:
        """Return an XMP packet for the output: the source type again, and where the rest is."""
        kind = (
            f' Iptc4xmpExt:DigitalSourceType="{html.escape(_IPTC + self.source_type)}"'
            if self.source_type
            else ""
        )
        return (
            '<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
            '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""'
            ' xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"'
            ' xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"'
            f'{kind} xmp:CreatorTool="Veraface {__version__}"'
            f' photoshop:Instructions="{html.escape("Veraface: " + self.describe())}"/>'
            '</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
        ).encode()


def source_marks(source: bytes | Path, provenance: Provenance | None) -> SourceMarks:
    """Return the marks of a file, its bytes or its path, given what was read of it."""
    with _opened(source) as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if provenance is None:
        return SourceMarks(digest, has_credentials=False, source_type=None)
    stated, credentials = provenance.xmp.source_type if provenance.xmp else None, provenance.credentials
    return SourceMarks(digest, credentials.found, stated, credentials.remote)


@dataclass(frozen=True)
class MediaFile:
    """A file for signing: its name, its media type such as image/png, and its bytes or path."""

    name: str
    media_type: str
    content: bytes | Path


class MarkSigner:
    """Signs outputs with a C2PA manifest that has their source, and its manifest, as an ingredient."""

    def __init__(self, certificates: Path, key: Path) -> None:
        """Read the signing certificate with its chain, and its private key, both PEM.

        Raises:
            VerafaceError: a file cannot be read, or c2pa-python is not installed.
        """
        with needs_extra("provenance"):
            import c2pa
        self._library: Any = c2pa
        self._certificates, self._key = _read_pem(certificates), _read_pem(key)
        self._name = certificates

    def sign(self, output: MediaFile, source: MediaFile, step: str) -> None:
        """Replace an output file by itself with a manifest, atomically.

        Args:
            output: a file on disk.
            source: the input that it was made from.
            step: what was done, in plain English.

        Raises:
            VerafaceError: the key does not fit the certificate, or the certificate is not fit for C2PA.
        """
        problem = ""
        for algorithm in _ALGORITHMS:
            try:
                content = self._signed(algorithm, output, source, step)
            except self._library.C2paError as error:
                problem = problem or str(error)[:200]
                continue
            write_atomic(Path(output.name), content)
            return
        raise VerafaceError(f"{self._name}: cannot sign {output.name}: {problem}")

    def _signed(self, algorithm: str, output: MediaFile, source: MediaFile, step: str) -> bytes:
        library, agent, signed = self._library, {"name": "Veraface", "version": __version__}, BytesIO()
        opened = {"action": "c2pa.opened", "parameters": {"ingredientIds": ["source"]}}
        edited = {"action": "c2pa.edited", "description": step, "softwareAgent": agent}
        manifest = {
            "claim_generator_info": [agent],
            "title": Path(output.name).name,
            "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [opened, edited]}}],
        }
        ingredient = {"title": Path(source.name).name, "relationship": "parentOf", "label": "source"}
        info = library.C2paSignerInfo(algorithm.encode(), self._certificates, self._key, None)
        with (
            library.Context.from_dict(_SETTINGS) as context,
            library.Signer.from_info(info) as signer,
            library.Builder(json.dumps(manifest), context) as builder,
            _opened(output.content) as output_stream,
            _opened(source.content) as source_stream,
        ):
            builder.add_ingredient(json.dumps(ingredient), source.media_type, source_stream)
            builder.sign(signer, output.media_type, output_stream, signed)
        return signed.getvalue()


def _opened(source: bytes | Path) -> BytesIO | BufferedReader:
    return BytesIO(source) if isinstance(source, bytes) else source.open("rb")


def _read_pem(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_PEM_BYTES + 1)
    except OSError as error:
        raise VerafaceError(f"{path}: cannot be read: {error.strerror or error}") from error
    if not content.lstrip().startswith(b"-----BEGIN ") or len(content) > _MAX_PEM_BYTES:
        raise VerafaceError(f"{path}: must be a certificate or key in PEM form")
    return content
