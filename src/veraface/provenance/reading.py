"""From an image's file to what it claims. Nothing in it can make this fail: what is damaged is a finding."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from veraface.forensics.encoder import Encoder
from veraface.forensics.jpeg_encoder import read_encoder
from veraface.forensics.jpeg_history import compressed_twice
from veraface.imaging.containers import directory, first_ifd
from veraface.imaging.decode import ImageFile
from veraface.provenance.claims import (
    Camera,
    Claim,
    Credentials,
    CredentialState,
    Finding,
    Generator,
    Level,
    Provenance,
    XmpFacts,
)
from veraface.provenance.credentials import CredentialReader
from veraface.provenance.exif import ExifFacts, read_exif
from veraface.provenance.generators import generator_in_exif, generator_in_texts, png_texts, png_xmp
from veraface.provenance.plausibility import editor, implausible
from veraface.provenance.xmp import read_xmp

_XMP_TAG = 0x02BC  # of TIFF; XMP specification part 3, 1.1.2
_MAX_XMP_BYTES = 2**20 + 1
_AI_MADE = ("trainedAlgorithmicMedia",)
_AI_EDITED = ("compositeWithTrainedAlgorithmicMedia",)
_MADE = "c2pa.created"  # C2PA 2.1, 18.17.2: the action that says how the image itself came about
_CAPTURED = ("digitalCapture", "computationalCapture", "negativeFilm", "positiveFilm", "print")
_SAID = {
    "ai_generated": "said to be made by AI (a trained algorithm)",
    "ai_edited": "parts are said to be made by AI (a trained algorithm)",
    "captured": "said to be taken by a camera, or scanned",
    "generator_parameters": "holds parameters of an image generator",
}

_T = TypeVar("_T")


def read_provenance(
    image: ImageFile,
    credentials: CredentialReader | None = None,
    *,
    level: Level = "quick",
    now: datetime | None = None,
) -> Provenance | None:
    """What the file of an image claims of itself.

    Args:
        image: an opened image.
        credentials: what reads its Content Credentials; one that trusts nobody if None.
        level: "quick" reads what stands in the file, in about a millisecond without Content Credentials;
            "full" also decodes a JPEG, for traces of an earlier compression.
        now: the time to compare dates with, without a zone; this moment if None.

    Returns:
        None for an image that is no file, but an array or an image in memory.
    """
    if image.data is None:
        return None
    return _Reading(image.data, image, now or datetime.now()).all(credentials or CredentialReader(), level)


class _Reading:
    """One file being read."""

    def __init__(self, data: bytes, image: ImageFile, now: datetime) -> None:
        self._data, self._picture, self._now = data, image, now
        self._findings: list[Finding] = []

    def all(self, reader: CredentialReader, level: Level) -> Provenance:
        image, data = self._picture, self._data
        broken = Credentials(CredentialState.INVALID, found=True, problems=("unreadable",))
        credentials = self._try(
            lambda: reader.read(data, image.format, image.structure), broken, "Content Credentials"
        )
        no_texts: dict[str, str] = {}
        texts = self._try(lambda: png_texts(data, image.structure), no_texts, "PNG text")
        no_xmp: tuple[XmpFacts | None, str | None] = (None, None)
        xmp, remote = self._try(lambda: self._xmp(texts), no_xmp, "XMP")
        if remote and not credentials.found:
            credentials = replace(credentials, remote=remote)
        exif = self._try(self._exif, ExifFacts(), "EXIF")
        no_generator: Generator | None = None
        generator = self._try(
            lambda: generator_in_texts(texts) or generator_in_exif(exif), no_generator, "generator parameters"
        )
        camera = self._camera(exif, generator)
        if camera:
            fitting: list[Finding] = []
            width, height = image.width, image.height
            self._findings += self._try(
                lambda: implausible(exif, width, height, self._now), fitting, "EXIF data"
            )
        tool = editor(camera.software if camera else None, xmp.creator_tool if xmp else None)
        if tool:
            self._findings.append(Finding("editor_software", f"was saved by an editing program: {tool}"))
        return Provenance(
            credentials=credentials,
            claims=_claims(credentials, xmp, generator),
            xmp=xmp,
            camera=camera,
            generator=generator,
            encoder=self._encoder(level),
            findings=tuple(self._findings),
        )

    def _try(self, read: Callable[[], _T], otherwise: _T, what: str) -> _T:
        try:
            return read()
        except (
            Exception
        ):  # whatever hostile bytes may provoke; without the error's text, which may quote them
            message = f"its {what} cannot be read: damaged, or beyond the bounds of any real one"
            self._findings.append(Finding("unreadable_metadata", message))
            return otherwise

    def _xmp(self, texts: dict[str, str]) -> tuple[XmpFacts | None, str | None]:
        packet = self._picture.xmp
        if self._picture.format == "PNG":
            packet = png_xmp(texts)
        elif self._picture.format == "TIFF":
            packet = None
            for entry in directory(self._data, first_ifd(self._data)):
                if entry.tag == _XMP_TAG:
                    packet = self._data[entry.start : entry.start + min(entry.size, _MAX_XMP_BYTES)]
        return read_xmp(packet) if packet else (None, None)

    def _exif(self) -> ExifFacts:
        block = self._data if self._picture.format == "TIFF" else self._picture.exif
        facts = read_exif(block) if block else ExifFacts()
        if self._picture.format == "TIFF":  # whose second directory is another page
            facts = replace(facts, thumbnail=None)
        return facts

    def _camera(self, exif: ExifFacts, generator: Generator | None) -> Camera | None:
        camera = exif.camera
        if (
            camera and generator and generator.place.startswith("EXIF (")
        ):  # its graph stands where cameras stand
            camera = replace(camera, make=None, model=None)
            return None if camera == Camera() else camera
        return camera

    def _encoder(self, level: Level) -> Encoder | None:
        coding = self._picture.coding
        if coding is None:
            return None
        encoder = read_encoder(coding)
        if level == "full":
            cannot_tell: bool | None = None
            twice = self._try(lambda: compressed_twice(self._data, coding), cannot_tell, "compression")
            encoder = replace(encoder, compressed_twice=twice)
        return encoder


def _claims(credentials: Credentials, xmp: XmpFacts | None, generator: Generator | None) -> tuple[Claim, ...]:
    found: list[tuple[str, str]] = []
    own = [action for action in credentials.actions if not action.of_ingredient]
    made = {a.source_type for a in own if a.action == _MADE}
    # What was done to it later, and images that went into it, tell of parts of it.
    later = {a.source_type for a in credentials.actions if a not in own or a.action != _MADE}
    for place, types, parts in (
        ("Content Credentials", made, later | {*credentials.source_types} - made),
        ("XMP", {xmp.source_type if xmp else None}, set[str]()),
    ):
        if types.intersection(_AI_MADE):
            found.append(("ai_generated", place))
        if types.intersection(_AI_EDITED) or parts.intersection((*_AI_MADE, *_AI_EDITED)):
            found.append(("ai_edited", place))
        if types.intersection(_CAPTURED):
            found.append(("captured", place))
    if generator:
        found.append(("generator_parameters", generator.place))
    return tuple(Claim(code, place, f"{place}: {_SAID[code]}") for code, place in found)
