"""The grade and the limitation of every kind of finding, in one table."""

from enum import StrEnum


class Grade(StrEnum):
    """How a finding is known."""

    OBSERVED = "observed"
    """read from the file; anyone who opens it reads the same"""
    DERIVED = "derived"
    """computed from the file by fixed rules; anyone who repeats the computation gets the same"""
    INFERRED = "inferred"
    """a conclusion from statistics or experience, which can be wrong"""


_WRITABLE = "anyone can write or remove this in a file; it is what the file states, not what is true"
_SIGNED = "shows who signed the file and that it is unchanged since, not that its content is true"
_HARMLESS = "has harmless causes too, such as export, a wrong clock or a messenger"
_MANIFEST = "stated by the manifest; worth as much as the signature on it"
_COMMON = "many programs and devices use this size"

GRADES: dict[str, tuple[Grade, str]] = {
    # The model's verdicts; a finding about an image has one of them.
    "verdict_fake": (
        Grade.INFERRED,
        "a statistical estimate about faces: some real faces are called fake, and the rest of the image "
        "is not covered",
    ),
    "verdict_real": (
        Grade.INFERRED,
        "no sign of a known kind of forgery: forgeries of other kinds, and outside the faces, are not found",
    ),
    "verdict_uncertain": (Grade.INFERRED, "no conclusion in either direction"),
    "verdict_no_face": (Grade.INFERRED, "very small, covered and turned faces can be missed"),
    # States of Content Credentials.
    "credentials_valid": (Grade.DERIVED, _SIGNED),
    "credentials_trusted_official": (Grade.DERIVED, _SIGNED),
    "credentials_trusted_interim": (Grade.DERIVED, _SIGNED),
    "credentials_verified_publisher": (Grade.DERIVED, _SIGNED),
    "credentials_untrusted_signer": (Grade.DERIVED, "anybody can make such a signature"),
    "credentials_invalid": (Grade.DERIVED, "programs that do not know the format break it without intent"),
    "credentials_absent": (
        Grade.OBSERVED,
        "proves nothing: most files have none, and they are easily removed",
    ),
    # Claims of the file.
    "ai_generated": (Grade.OBSERVED, _WRITABLE),
    "ai_edited": (Grade.OBSERVED, _WRITABLE),
    "captured": (Grade.OBSERVED, _WRITABLE),
    "generator_parameters": (Grade.OBSERVED, _WRITABLE),
    "watermark": (
        Grade.DERIVED,
        "anyone can write this mark into any image; most images made by AI have none",
    ),
    "trustmark": (
        Grade.DERIVED,
        "an identifier that anyone can write into any image or copy from another; it states neither that the "
        "image was made by AI nor that it is genuine",
    ),
    "editor_software": (Grade.OBSERVED, "cropping or resizing leaves the same trace as a forgery"),
    "unreadable_metadata": (Grade.OBSERVED, _HARMLESS),
    # Metadata that do not fit together.
    "no_exposure": (Grade.OBSERVED, _HARMLESS),
    "odd_date": (Grade.OBSERVED, _HARMLESS),
    "future_date": (Grade.DERIVED, _HARMLESS),
    "modified_before_taken": (Grade.DERIVED, _HARMLESS),
    "size_differs": (Grade.DERIVED, _HARMLESS),
    "generator_size": (Grade.INFERRED, _COMMON),
    "screen_size": (Grade.INFERRED, _COMMON),
    "messenger_size": (Grade.INFERRED, _COMMON),
    "thumbnail_differs": (Grade.DERIVED, "cropping does this, and so do programs that leave old thumbnails"),
    "thumbnail_content": (
        Grade.DERIVED,
        "shows that image and thumbnail differ, not which of them was changed, or why",
    ),
    "appended_data": (Grade.OBSERVED, "phones append videos, depth maps and previews to ordinary photos"),
    # Forensics.
    "compressed_twice": (Grade.INFERRED, "saving an image again, as most websites do, leaves the same trace"),
    "jpeg_grid": (Grade.INFERRED, "cropping after an earlier compression leaves the same trace"),
    "forensic_views": (
        Grade.DERIVED,
        "views for a person to read; edges, texture and compression look like traces of a change",
    ),
    # What manifests show, by the C2PA Asset Signals Rubric.
    **dict.fromkeys(
        (
            *("blankCanvas", "capturedMedia", "capturedMediaStitched", "compositionMayContainGenAI"),
            *("fullyGenAIMedia", "mediaUnknownProvenance", "nonGenAIDigitalCreation", "partlyGenAICreation"),
            *("screenCaptureMayContainGenAI", "ambiguousActions", "nonEditorial", "perceptibleGenAI"),
            *("perceptibleNonGenAI", "perceptiblePossiblyGenAI"),
        ),
        (Grade.OBSERVED, _MANIFEST),
    ),
}

# Of a kind that is not in the table, such as one of another version: nothing stronger than a conclusion.
UNKNOWN = (Grade.INFERRED, "its limitation is not described in this version")
