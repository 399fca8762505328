"""What an image's file claims of itself: shown beside the verdict, and never mixed into it.

`reading.read_provenance` reads it; the types are here, cheap to import.
"""

from veraface.forensics.encoder import Encoder
from veraface.provenance.claims import (
    Action,
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

__all__ = [
    "Action",
    "Camera",
    "Claim",
    "CredentialState",
    "Credentials",
    "Encoder",
    "Finding",
    "Generator",
    "Level",
    "Provenance",
    "XmpFacts",
]
