"""How to read the forensic views, in English. Nothing here imports NumPy, since servers import it."""

from dataclasses import dataclass
from typing import Literal

# Measured on images saved at 75 to 95 with a patch that was not: at 95 the patch is 3.2 times as bright as
# its place was before, at 90 2.5 times, at 75 1.9 times (benchmarks/results/evidence.md).
RESAVED_QUALITY = 95
ERROR_GAIN = 40  # 6 levels of error are white
NOISE_GAIN = 12  # 21 levels of residual are white


ViewName = Literal["error_levels", "noise", "grid"]  # in the schema of the API


@dataclass(frozen=True)
class ViewGuide:
    """What a view shows and how to read it, as English text for users.

    Attributes:
        name: stable, for programs.
        title: short name.
        meaning: of black and white.
        reading: how to read it.
        misleading: how it misleads.
    """

    name: ViewName
    title: str
    meaning: str
    reading: str
    misleading: str


VIEW_GUIDES = (
    ViewGuide(
        "error_levels",
        "Error levels",
        f"How much each place changes when the image is saved again as JPEG of quality {RESAVED_QUALITY}: "
        f"black not at all, white by {255 / ERROR_GAIN:.0f} levels of 256 or more.",
        "Look for a part that is brighter or darker than others of the same kind; compare edges with edges "
        "and skin with skin. It may have been saved another number of times than the rest.",
        "Sharp edges, fine texture and strong colors are always bright, and an image that was saved once "
        "more as a whole looks even everywhere, altered or not.",
    ),
    ViewGuide(
        "noise",
        "Noise",
        "How much each pixel differs from its surroundings in brightness: black not at all, white by "
        f"{255 / NOISE_GAIN:.0f} levels of 256 or more.",
        "A camera leaves similar grain on similar surfaces. A part that is much smoother or rougher than "
        "similar ones may come from elsewhere.",
        "Edges and hair are not noise but are bright too. Blur, make-up, beauty filters, and dark or "
        "overexposed parts are smooth in authentic images as well.",
    ),
    ViewGuide(
        "grid",
        "JPEG grid",
        "Where the blocks of 8 x 8 px of a JPEG lie: black as in most of the image, gray no visible blocks, "
        "white in another place.",
        "White parts with clear outlines may have been pasted from another JPEG, or moved within this one. "
        "Gray parts among black ones may have been painted or generated over it.",
        "Plain and overexposed parts are gray in any image, regular patterns can look like blocks, and "
        "an image that was resized or hardly compressed has no grid at all.",
    ),
)
