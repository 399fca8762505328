"""The result types: what a file claims, and what is odd about it."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from veraface.forensics.encoder import Encoder

Level = Literal["quick", "full"]  # full also decodes the whole image, to look for an earlier compression


class CredentialState(StrEnum):
    """What became of a file's C2PA Content Credentials."""

    VALID = (
        "valid"  # signed by somebody whose certificate an allowed authority has issued, and unchanged since
    )
    UNTRUSTED_SIGNER = "untrusted_signer"  # signed and unchanged, but nobody vouches for who signed
    INVALID = "invalid"  # broken, or the file was changed after it was signed
    ABSENT = "absent"  # there are none in the file
    NOT_INSTALLED = "not_installed"  # not looked at: the extra `provenance` is missing


_STATES_IN_WORDS = {
    CredentialState.VALID: "Content Credentials are valid, and their signer is trusted here",
    CredentialState.UNTRUSTED_SIGNER: "Content Credentials are intact, but nobody here vouches for who "
    "signed them: anybody can make such a signature",
    CredentialState.INVALID: "Content Credentials are broken, or the file was changed after it was signed",
    CredentialState.ABSENT: "The file has no Content Credentials, which proves nothing: most files have none",
    CredentialState.NOT_INSTALLED: "Content Credentials were not read: not installed, "
    'pip install "veraface[provenance]"',
}


@dataclass(frozen=True)
class Action:
    """One step of a file's history, as the file tells it."""

    action: str  # such as "c2pa.created", "saved"
    software: str | None = None
    when: str | None = None  # as written, usually ISO 8601
    source_type: str | None = None  # IPTC DigitalSourceType: the name at the end of its address
    description: str | None = None
    of_ingredient: bool = False  # of an image that went into this one


@dataclass(frozen=True)
class Credentials:
    """C2PA Content Credentials. Who signed them is known only as far as `state` says."""

    state: CredentialState
    found: bool = False  # whether a manifest stands where the format wants it
    title: str | None = None
    generator: str | None = None  # the program that made the claim
    signer: str | None = None  # organization in the signer's certificate
    signed_at: str | None = None  # by a time stamp, ISO 8601
    source_types: tuple[str, ...] = ()  # IPTC DigitalSourceTypes of all actions
    actions: tuple[Action, ...] = ()
    problems: tuple[str, ...] = ()  # status codes of C2PA, such as "assertion.dataHash.mismatch"
    remote: str | None = None  # where the file says that its manifest lies; it is never fetched

    @property
    def message(self) -> str:
        """The state as a sentence."""
        return _STATES_IN_WORDS[self.state]

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready copy."""
        return {**_fields(self), "state": self.state.value, "message": self.message}


@dataclass(frozen=True)
class XmpFacts:
    """What stands in the file's XMP packet."""

    creator_tool: str | None = None
    credit: str | None = None
    created: str | None = None
    modified: str | None = None
    source_type: str | None = None  # IPTC DigitalSourceType: the name at the end of its address
    ai_system: str | None = None  # IPTC AISystemUsed
    ai_prompt: str | None = None  # IPTC AIPromptInformation
    history: tuple[Action, ...] = ()


@dataclass(frozen=True)
class Camera:
    """What the EXIF block says of how the image was taken. A position is never read, only its presence."""

    make: str | None = None
    model: str | None = None
    lens: str | None = None
    software: str | None = None
    taken: str | None = None  # ISO 8601 without a zone
    modified: str | None = None  # ISO 8601 without a zone
    exposure_s: float | None = None
    f_number: float | None = None
    iso: int | None = None
    focal_length_mm: float | None = None
    has_position: bool = False


@dataclass(frozen=True)
class Generator:
    """Parameters of an image generator that stand in the file."""

    name: str  # of the program whose way of writing this is
    place: str  # where in the file
    prompt: str | None = None
    model: str | None = None
    settings: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Claim:
    """One thing that the file says about how it came about."""

    code: str  # stable: "ai_generated", "ai_edited", "captured", "generator_parameters"
    place: str  # where it says so: "Content Credentials", "XMP", "EXIF", "PNG text"
    message: str  # plain English


@dataclass(frozen=True)
class Finding:
    """Something in the metadata that does not fit. None of them is proof of anything."""

    code: str  # stable, for programs and translations
    message: str  # plain English


@dataclass(frozen=True)
class Provenance:
    """What the file claims of itself.

    Absence proves nothing, and all of it but a valid signature can be forged.
    """

    credentials: Credentials
    claims: tuple[Claim, ...] = ()
    xmp: XmpFacts | None = None
    camera: Camera | None = None
    generator: Generator | None = None
    encoder: Encoder | None = None
    findings: tuple[Finding, ...] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready copy."""
        return {**_fields(self), "credentials": self.credentials.to_dict()}


def _fields(of: Any) -> dict[str, Any]:
    return {name: _plain(value) for name, value in vars(of).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value if isinstance(value, str | int | float | None) else _fields(value)
