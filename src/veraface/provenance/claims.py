"""Result types: what a file claims about its origin, and the contradictions in it."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from veraface.forensics.jpeg_encoder import Encoder
from veraface.results import Digits, JpegDataUrl, Result

Level = Literal["quick", "full"]  # "full" also decodes the whole image, to find an earlier compression


class CredentialState(StrEnum):
    """State of a file's C2PA Content Credentials."""

    # Unchanged since it was signed, by a signer on a list:
    VALID = "valid"  # certified by an authority that the user has named
    TRUSTED_OFFICIAL = "trusted_official"  # ... that is on the C2PA Trust List
    TRUSTED_INTERIM = "trusted_interim"  # ... that is on the interim list, frozen since 2026
    VERIFIED_PUBLISHER = "verified_publisher"  # named on the IPTC's list of verified news publishers
    UNTRUSTED_SIGNER = "untrusted_signer"  # signed and unchanged, by a signer on none of the lists
    INVALID = "invalid"  # broken, or the file was changed after it was signed
    ABSENT = "absent"
    NOT_INSTALLED = "not_installed"  # not read: the extra `provenance` is not installed


_UNCHANGED = "Content Credentials are valid: unchanged since they were signed, by"
_MESSAGES = {
    "valid": f"trusted (your list): {_UNCHANGED} a signer whom an authority on your list has certified",
    "trusted_official": f"trusted (official list): {_UNCHANGED} a signer whom an authority on {{list}} has "
    "certified",
    "trusted_interim": f"trusted (interim list): {_UNCHANGED} a signer whom an authority on {{list}} has "
    "certified; the list is no longer kept up",
    "verified_publisher": f"verified news publisher: {_UNCHANGED} a signer on {{list}}; who it is was "
    "verified, not whether the content is true",
    "untrusted_signer": "unknown signer: Content Credentials are intact, but who signed them is on none of "
    "the trust lists: anybody can make such a signature",
    "invalid": "invalid: Content Credentials are broken, or the file was changed after it was signed",
    "absent": "absent: no Content Credentials",
    "not_installed": 'Content Credentials were not read: not installed, pip install "veraface[provenance]"',
}


@dataclass(frozen=True)
class TrustListInfo(Result):
    """A list of certificates whose signatures are recognized."""

    name: str
    """official, interim, publishers, or own"""
    title: str
    date: str | None
    """as of which day, ISO 8601"""
    sha256: str
    """of its file; of several files, of their concatenated hashes"""


@dataclass(frozen=True)
class Signal(Result):
    """What a manifest shows, by the C2PA Asset Signals Rubric."""

    code: str
    """name in the rubric, such as fullyGenAIMedia or capturedMedia"""
    message: str
    """plain English"""
    of_ingredient: bool = False
    """of an image that is part of this one"""


@dataclass(frozen=True)
class Action(Result):
    """One step of a file's history, as the file records it."""

    action: str
    """such as "c2pa.created", "saved\""""
    software: str | None = None
    when: str | None = None
    """as written, usually ISO 8601"""
    source_type: str | None = None
    """IPTC DigitalSourceType: the last segment of its URI"""
    description: str | None = None
    of_ingredient: bool = False
    """of an image that is part of this one"""


@dataclass(frozen=True)
class Credentials(Result):
    """C2PA Content Credentials. `state` is whether they are intact and on which list the signer is."""

    state: CredentialState
    found: bool = False
    """whether the file has a manifest in the place that its format defines"""
    title: str | None = None
    generator: str | None = None
    """the program that made the claim"""
    signer: str | None = None
    """organization in the signer's certificate; verified only if the signer is on a list"""
    signed_at: str | None = None
    """from a time stamp, ISO 8601"""
    source_types: tuple[str, ...] = ()
    """IPTC DigitalSourceTypes of all actions"""
    actions: tuple[Action, ...] = ()
    problems: tuple[str, ...] = ()
    """status codes of C2PA, such as "assertion.dataHash.mismatch\""""
    remote: str | None = None
    """URL of the manifest according to the file; never fetched"""
    trust_list: TrustListInfo | None = None
    """the list that the signer is on"""
    signals: tuple[Signal, ...] = ()
    """what the manifests show, by the C2PA Asset Signals Rubric"""
    message: str = field(init=False, default="")
    """the state in plain English"""

    def __post_init__(self) -> None:
        title = f"the {self.trust_list.title} (as of {self.trust_list.date})" if self.trust_list else "a list"
        object.__setattr__(self, "message", _MESSAGES[self.state].format(list=title))


@dataclass(frozen=True)
class XmpFacts(Result):
    """Content of the file's XMP packet."""

    creator_tool: str | None = None
    credit: str | None = None
    created: str | None = None
    modified: str | None = None
    source_type: str | None = None
    """IPTC DigitalSourceType: the last segment of its URI"""
    ai_system: str | None = None
    """IPTC AISystemUsed"""
    ai_prompt: str | None = None
    """IPTC AIPromptInformation"""
    history: tuple[Action, ...] = ()


@dataclass(frozen=True)
class Camera(Result):
    """Content of the EXIF block about the camera. The position is not read, only its presence."""

    make: str | None = None
    model: str | None = None
    lens: str | None = None
    software: str | None = None
    taken: str | None = None
    """ISO 8601 without a zone"""
    modified: str | None = None
    """ISO 8601 without a zone"""
    exposure_s: float | None = None
    f_number: float | None = None
    iso: int | None = None
    focal_length_mm: float | None = None
    has_position: bool = False
    """whether the file holds a position, which is never read"""


@dataclass(frozen=True)
class Generator(Result):
    """Parameters of an image generator in the file."""

    name: str
    """of the program that writes parameters this way"""
    place: str
    """where in the file"""
    prompt: str | None = None
    model: str | None = None
    settings: tuple[tuple[str, str], ...] = ()
    """pairs of name and value"""


@dataclass(frozen=True)
class Claim(Result):
    """One statement of the file about its origin."""

    code: str
    """ai_generated, ai_edited, captured, generator_parameters, watermark or trustmark"""
    place: str
    """where in the file: Content Credentials, XMP, EXIF, PNG text, pixels"""
    message: str
    """plain English"""


@dataclass(frozen=True)
class Finding(Result):
    """Metadata that do not fit together; not proof of anything."""

    code: str
    """stable name, for programs and translations"""
    message: str
    """plain English"""


@dataclass(frozen=True)
class EmbeddedThumbnail(Result):
    """The thumbnail in the EXIF block, beside the image it should show."""

    _omitted_if_none = ("thumbnail", "image")

    width: int
    """px"""
    height: int
    """px"""
    relation: Literal["same", "image_cropped", "thumbnail_cropped", "different", "not_compared"]
    """what explains it: the same view, a crop of either, or nothing; not_compared: too small or plain"""
    correlation: Annotated[float, Digits(3)] | None = None
    """of the best match in brightness, -1 to 1"""
    difference: Annotated[float, Digits(1)] | None = None
    """mean in the most different place, in gray levels (0 to 255), beyond small shifts and tone changes"""
    thumbnail: Annotated[bytes, JpegDataUrl()] | None = field(default=None, repr=False)
    """the thumbnail, encoded again; only if it shows something else or more"""
    image: Annotated[bytes, JpegDataUrl()] | None = field(default=None, repr=False)
    """the image, reduced; only with `thumbnail`"""


@dataclass(frozen=True)
class Watermark(Result):
    """A known open watermark in the pixels. Its absence proves nothing."""

    _omitted_if_none: ClassVar[tuple[str, ...]] = ("payload", "scheme", "decoder")

    name: str
    """the program that writes it into its images, or TrustMark with its variant"""
    agreement: Annotated[float, Digits(3)]
    """share of its bits that were read as they should be"""
    payload: str | None = None
    """of TrustMark: its identifier, as a string of 0 and 1"""
    scheme: str | None = None
    """of TrustMark: its error correction, such as BCH_5"""
    decoder: str | None = None
    """of TrustMark: the SHA-256 of the decoder that read it"""


@dataclass(frozen=True)
class AppendedData(Result):
    """Bytes after the end of the image, which are not part of it."""

    size: int
    """in bytes"""
    kind: str
    """jpeg, png, gif, riff, zip, rar, 7z, gzip, pdf, program, video, samsung, text or unknown"""
    declared: bool = False
    """whether the file lists them as further images (MPF), such as a preview or a gain map"""


@dataclass(frozen=True)
class TimelineStep(Result):
    """One dated step that the file records about itself."""

    when: str
    """as written, usually ISO 8601"""
    action: str
    """such as taken, saved, c2pa.created, signed"""
    software: str | None = None
    """program or device"""
    place: str = ""
    """where in the file: EXIF, XMP, Content Credentials"""


@dataclass(frozen=True)
class Provenance(Result):
    """What the file claims about its origin.

    Absence proves nothing, and all of it but a valid signature can be forged.
    """

    credentials: Credentials
    claims: tuple[Claim, ...] = ()
    xmp: XmpFacts | None = None
    camera: Camera | None = None
    generator: Generator | None = None
    encoder: Encoder | None = None
    findings: tuple[Finding, ...] = ()
    hints: tuple[Finding, ...] = ()
    """what the size suggests; weaker than a finding"""
    thumbnail: EmbeddedThumbnail | None = None
    appended: AppendedData | None = None
    timeline: tuple[TimelineStep, ...] = ()
    """all dated steps, in the order of their dates"""
    watermarks: tuple[Watermark, ...] = ()
    """open watermarks in the pixels; except TrustMark, looked for at the level "full" only"""
    trustmark_decoders: tuple[str, ...] = ()
    """SHA-256 of the decoders that looked for TrustMark; none unless they are given"""
