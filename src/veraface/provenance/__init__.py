"""What an image file claims about itself; shown beside the verdict and never mixed into it.

The types are cheap to import. `inspect_provenance`, `read_provenance` and `CredentialReader` load Pillow and
NumPy when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

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


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
