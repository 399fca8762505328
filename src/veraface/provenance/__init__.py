"""What an image file claims about itself; shown beside the verdict and never mixed into it."""

from typing import TYPE_CHECKING

from veraface.forensics.jpeg_encoder import Encoder
from veraface.provenance.claims import (
    Action,
    AppendedData,
    Camera,
    Claim,
    Credentials,
    CredentialState,
    EmbeddedThumbnail,
    Finding,
    Generator,
    Level,
    Provenance,
    Signal,
    TimelineStep,
    TrustListInfo,
    Watermark,
    XmpFacts,
)
from veraface.utils import lazy_exports

if TYPE_CHECKING:
    from veraface.provenance.credentials import CredentialReader
    from veraface.provenance.reading import inspect_provenance, read_provenance

__all__ = ["CredentialReader", "Level", "Provenance", "inspect_provenance", "read_provenance"]
__all__ += ["Action", "Camera", "Claim", "CredentialState", "Credentials", "Encoder", "Finding", "Generator"]
__all__ += ["AppendedData", "EmbeddedThumbnail", "Signal", "TimelineStep", "TrustListInfo", "Watermark"]
__all__ += ["XmpFacts"]

_EXPORTS = {"credentials": "CredentialReader", "reading": "inspect_provenance read_provenance"}

__getattr__ = lazy_exports(__name__, _EXPORTS)
