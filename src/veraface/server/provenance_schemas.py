"""The shape of what a file claims of itself, as the OpenAPI document states it."""

from typing import Literal

from pydantic import BaseModel, Field

from veraface.provenance import CredentialState


class ActionAnswer(BaseModel):
    """One step of a file's history, as the file tells it."""

    action: str
    software: str | None
    when: str | None = Field(description="as written, usually ISO 8601")
    source_type: str | None = Field(description="IPTC DigitalSourceType")
    description: str | None
    of_ingredient: bool = Field(description="of an image that went into this one")


class CredentialsAnswer(BaseModel):
    """C2PA Content Credentials."""

    state: CredentialState
    message: str = Field(description="the state in plain English")
    found: bool = Field(description="whether a manifest stands where the format wants it")
    title: str | None
    generator: str | None = Field(description="the program that made the claim")
    signer: str | None = Field(description="organisation in the certificate; known only as far as state says")
    signed_at: str | None
    source_types: list[str] = Field(description="IPTC DigitalSourceTypes of all actions")
    actions: list[ActionAnswer]
    problems: list[str] = Field(description="status codes of C2PA")
    remote: str | None = Field(description="where the file says that its manifest lies; never fetched")


class ClaimAnswer(BaseModel):
    """One thing the file says about how it came about."""

    code: str = Field(description="ai_generated, ai_edited, captured or generator_parameters")
    place: str = Field(description="where in the file")
    message: str = Field(description="plain English")


class FindingAnswer(BaseModel):
    """Something in the metadata that does not fit; no proof of anything."""

    code: str = Field(description="stable name, for programs")
    message: str = Field(description="plain English")


class XmpAnswer(BaseModel):
    """What stands in the XMP packet."""

    creator_tool: str | None
    credit: str | None
    created: str | None
    modified: str | None
    source_type: str | None = Field(description="IPTC DigitalSourceType")
    ai_system: str | None
    ai_prompt: str | None
    history: list[ActionAnswer]


class CameraAnswer(BaseModel):
    """What the EXIF block says."""

    make: str | None
    model: str | None
    lens: str | None
    software: str | None
    taken: str | None
    modified: str | None
    exposure_s: float | None
    f_number: float | None
    iso: int | None
    focal_length_mm: float | None
    has_position: bool = Field(description="whether there is a position, which is never told")


class GeneratorAnswer(BaseModel):
    """Parameters of an image generator in the file."""

    name: str
    place: str
    prompt: str | None
    model: str | None
    settings: list[list[str]] = Field(description="pairs of name and value")


class EncoderAnswer(BaseModel):
    """How a JPEG was coded."""

    tables: Literal["ijg", "photoshop", "mozjpeg", "custom"]
    quality: str | None
    subsampling: str | None
    progressive: bool
    compressed_twice: bool | None = Field(description="null: not looked for, or too little to go by")


class ProvenanceAnswer(BaseModel):
    """What the file claims of itself."""

    credentials: CredentialsAnswer
    claims: list[ClaimAnswer]
    xmp: XmpAnswer | None
    camera: CameraAnswer | None
    generator: GeneratorAnswer | None
    encoder: EncoderAnswer | None
    findings: list[FindingAnswer]
