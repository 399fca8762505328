"""What an image file claims about itself; shown beside the verdict and never mixed into it.

The types are cheap to import. `inspect_provenance`, `read_provenance` and `CredentialReader` load Pillow and
NumPy when they are first used.
"""

from typing import TYPE_CHECKING

from veraface.forensics.jpeg_encoder import Encoder
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
from veraface.utils import lazy_exports

if TYPE_CHECKING:
    from veraface.provenance.credentials import CredentialReader
    from veraface.provenance.reading import inspect_provenance, read_provenance

__all__ = [
    "Action",
    "Camera",
    "Claim",
    "CredentialReader",
    "CredentialState",
    "Credentials",
    "Encoder",
    "Finding",
    "Generator",
    "Level",
    "Provenance",
    "XmpFacts",
    "inspect_provenance",
    "read_provenance",
]

_LAZY = {"CredentialReader": "credentials", "inspect_provenance": "reading", "read_provenance": "reading"}

__getattr__ = lazy_exports(__name__, _LAZY)
