"""Read what an image file claims about itself. Damaged metadata become a finding and never an error."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import TypeVar

from veraface.forensics.jpeg_encoder import Encoder, identify_encoder
from veraface.forensics.jpeg_history import compressed_twice
from veraface.forensics.trustmark import BITS, BitReader, decode_message
from veraface.forensics.watermarks import find_watermarks
from veraface.imaging.decode import ImageFile, ImageLimits, ImageSource
from veraface.provenance.appended import describe_appended, find_appended
from veraface.provenance.claims import (
    AppendedData,
    Camera,
    Claim,
    Credentials,
    CredentialState,
    EmbeddedThumbnail,
    Finding,
    Level,
    Provenance,
    Watermark,
)
from veraface.provenance.credentials import CredentialReader
from veraface.provenance.embedded_thumbnail import Decode, read_thumbnail
from veraface.provenance.exif import ExifFacts, read_exif
from veraface.provenance.generators import READERS, read_generator
from veraface.provenance.plausibility import find_contradictions, find_editor
from veraface.provenance.png_text import XMP_KEYWORD, read_png_texts
from veraface.provenance.sizes import find_size_hints
from veraface.provenance.timeline import build_timeline
from veraface.provenance.xmp import read_xmp

# IPTC DigitalSourceTypes, by what they claim.
_AI_GENERATED = ("trainedAlgorithmicMedia",)
_AI_EDITED = ("compositeWithTrainedAlgorithmicMedia",)
_CAPTURED = ("digitalCapture", "computationalCapture", "negativeFilm", "positiveFilm", "print")
_CREATED = "c2pa.created"  # C2PA 2.1, 18.17.2: the action that states how the image itself came about
_CLAIMS = {
    "ai_generated": "declared as made by AI (a trained algorithm)",
    "ai_edited": "parts are declared as made by AI (a trained algorithm)",
    "captured": "declared as taken by a camera, or scanned",
    "generator_parameters": "contains parameters of an image generator",
    "watermark": "pixels carry the invisible mark of {name}",
    "trustmark": "pixels carry the invisible mark {name}, which cameras, editors and generators write; its "
    "identifier is {payload}",
}

_T = TypeVar("_T")
_D = TypeVar("_D")


def inspect_provenance(
    source: ImageSource,
    credentials: CredentialReader | None = None,
    *,
    level: Level = "full",
    limits: ImageLimits | None = None,
    trustmark: Sequence[BitReader] = (),
) -> Provenance | None:
    """Open an image file and return what it claims about itself; arguments as in `read_provenance`.

    Raises:
        ImageError: the file is unsupported, unreadable, or over one of the limits.
    """
    return read_provenance(ImageFile(source, limits), credentials, level=level, trustmark=trustmark)


def read_provenance(
    image: ImageFile,
    credentials: CredentialReader | None = None,
    *,
    now: datetime | None = None,
    level: Level = "quick",
    decode: Decode | None = None,
    trustmark: Sequence[BitReader] = (),
) -> Provenance | None:
    """Return what an opened image file claims about itself; None for an image in memory, without a file.

    Args:
        image: an opened image.
        credentials: reads its Content Credentials; if None, one with the public trust lists.
        now: the time to compare dates with, without a time zone; the current time if None.
        level: "quick" reads metadata, in about a millisecond without Content Credentials; "full" also decodes
            a JPEG to find traces of an earlier compression.
        decode: returns the upright image, its longer side at least so many pixels, to compare with an
            embedded thumbnail; for callers that have decoded it already.
        trustmark: decoders of TrustMark, as `veraface.models.load_trustmark` returns them. They decode the
            image at full size, at each level.
    """
    if image.data is None:
        return None
    reading = _Reading(image.data, image, now or datetime.now(), decode or image.decode)
    return reading.run(credentials or _default_reader(), level, trustmark)


@cache
def _default_reader() -> CredentialReader:
    return CredentialReader()


class _Reading:
    """The reading of one file, with the findings so far."""

    def __init__(self, data: bytes, image: ImageFile, now: datetime, decode: Decode) -> None:
        self._data, self._image, self._now, self._decode = data, image, now, decode
        self._findings: list[Finding] = []

    def run(self, reader: CredentialReader, level: Level, trustmark: Sequence[BitReader]) -> Provenance:
        image = self._image
        unreadable = Credentials(CredentialState.INVALID, found=True, problems=("unreadable",))
        credentials = self._try(lambda: reader.read(image), unreadable, "Content Credentials")
        texts: dict[str, str] = self._try(self._png_texts, {}, "PNG text")
        packet = image.container.xmp
        if XMP_KEYWORD in texts:
            packet = texts[XMP_KEYWORD].encode("utf-8", "replace")
        nothing = (None, None)
        xmp, remote = self._try(lambda: read_xmp(packet) if packet else nothing, nothing, "XMP")
        if remote and not credentials.found:
            credentials = replace(credentials, remote=remote)
        exif = self._try(self._exif, ExifFacts(), "EXIF")
        generator = self._try(lambda: read_generator(texts, exif), None, "generator parameters")
        camera = exif.camera
        if camera and generator and generator.place.startswith("EXIF ("):  # with its graph as make and model
            camera = replace(camera, make=None, model=None)
            camera = None if camera == Camera() else camera
        if camera:
            self._findings += self._try(
                lambda: find_contradictions(exif, image.width, image.height, self._now), [], "EXIF data"
            )
        editor = find_editor(camera.software if camera else None, xmp.creator_tool if xmp else None)
        if editor:
            self._findings.append(Finding("editor_software", f"was saved by an editing program: {editor}"))
        source_type, place = xmp.source_type if xmp else None, generator.place if generator else None
        claims, encoder = claims_of(credentials, source_type, place), self._encoder(level)
        marks = self._watermarks(level, trustmark)
        claims += tuple(_claim_of(mark) for mark in marks)
        thumbnail, appended = self._thumbnail(exif), self._appended()
        has_camera = camera is not None and bool(camera.make or camera.model)
        hints = find_size_hints(image.width, image.height, image.format, has_camera=has_camera)
        return Provenance(
            credentials,
            claims,
            xmp,
            camera,
            generator,
            encoder,
            findings=tuple(self._findings),
            hints=tuple(hints),
            thumbnail=thumbnail,
            appended=appended,
            timeline=build_timeline(credentials, xmp, camera),
            watermarks=marks,
            trustmark_decoders=tuple(decoder.sha256 for decoder in trustmark),
        )

    def _try(self, read: Callable[[], _T], default: _D, what: str) -> _T | _D:
        try:
            return read()
        except Exception:  # hostile bytes may raise anything; the error's text may quote them and is dropped
            message = f"its {what} cannot be read: damaged, or larger than any real one"
            self._findings.append(Finding("unreadable_metadata", message))
            return default

    def _png_texts(self) -> dict[str, str]:
        chunks = self._image.container.text_chunks
        return read_png_texts(self._data, chunks, {XMP_KEYWORD}.union(*READERS.values()))

    def _exif(self) -> ExifFacts:
        block = self._image.container.exif
        facts = read_exif(block) if block else ExifFacts()
        if self._image.format == "TIFF":  # the second directory is another page, not a thumbnail
            facts = replace(facts, thumbnail=None, thumbnail_jpeg=b"")
        return facts

    def _thumbnail(self, exif: ExifFacts) -> EmbeddedThumbnail | None:
        if not exif.thumbnail_jpeg:
            return None
        found, finding = self._try(
            lambda: read_thumbnail(exif.thumbnail_jpeg, self._decode), (None, None), "embedded thumbnail"
        )
        if finding and finding.code not in {known.code for known in self._findings}:
            self._findings.append(finding)
        return found

    def _appended(self) -> AppendedData | None:
        found = find_appended(self._image)
        if found and not found.declared:
            self._findings.append(Finding("appended_data", describe_appended(found)))
        return found

    def _watermarks(self, level: Level, trustmark: Sequence[BitReader]) -> tuple[Watermark, ...]:
        if level == "quick" and not trustmark:
            return ()
        whole = self._try(lambda: self._decode(self._image.longest_side), None, "pixels")
        if whole is None:
            return ()
        marks = find_watermarks(whole) if level == "full" else []
        found = [Watermark(mark.name, mark.agreement) for mark in marks]
        for decoder in trustmark:
            if message := decode_message(decoder.read_bits(whole)):
                agreement = 1 - message.flipped / BITS
                found.append(
                    Watermark(decoder.name, agreement, message.payload, message.scheme, decoder.sha256)
                )
        return tuple(found)

    def _encoder(self, level: Level) -> Encoder | None:
        jpeg = self._image.jpeg
        if jpeg is None:
            return None
        encoder = identify_encoder(jpeg)
        if level == "full":
            twice = self._try(lambda: compressed_twice(self._data, jpeg), None, "compression")
            encoder = replace(encoder, compressed_twice=twice)
        return encoder


def _claim_of(mark: Watermark) -> Claim:
    code = "watermark" if mark.payload is None else "trustmark"
    return Claim(code, "pixels", _CLAIMS[code].format(name=mark.name, payload=mark.payload))


def claims_of(
    credentials: Credentials, xmp_type: str | None, generator: str | None = None
) -> tuple[Claim, ...]:
    """Return all claims, given the source type in XMP and the place of a generator's parameters."""
    found: list[tuple[str, str]] = []
    own = [action for action in credentials.actions if not action.of_ingredient]
    created = {action.source_type for action in own if action.action == _CREATED}
    # Later edits and ingredients state how parts of the image came about.
    later = {a.source_type for a in credentials.actions if a not in own or a.action != _CREATED}
    for place, types, parts in (
        ("Content Credentials", created, later | {*credentials.source_types} - created),
        ("XMP", {xmp_type}, set[str]()),
    ):
        if types.intersection(_AI_GENERATED):
            found.append(("ai_generated", place))
        if types.intersection(_AI_EDITED) or parts.intersection((*_AI_GENERATED, *_AI_EDITED)):
            found.append(("ai_edited", place))
        if types.intersection(_CAPTURED):
            found.append(("captured", place))
    if generator:
        found.append(("generator_parameters", generator))
    return tuple(Claim(code, place, f"{place}: {_CLAIMS[code]}") for code, place in found)
