"""Contradictions in a camera's metadata. Each finding has harmless causes too, and none is proof."""

import re
from datetime import datetime, timedelta

from veraface.provenance.claims import Camera, Finding
from veraface.provenance.exif import ExifFacts

# Names that editing programs write into EXIF's Software or XMP's CreatorTool, in lower case.
_EDITORS = re.compile(
    "acdsee|affinity photo|beautyplus|canva|capture one|darktable|faceapp|facetune|fotor|gimp|lightroom|"
    r"luminar|meitu|paint\.net|paintshop|photodirector|photopea|photoshop|picasa|picsart|pixelmator|polarr|"
    "rawtherapee|remini|snapseed|topaz|vsco"
)
# Widths and heights that Stable Diffusion 1, SDXL and DALL-E 3 generate by default: their model cards, and
# the buckets of the SDXL paper (Podell et al., 2023, appendix I) whose aspect ratios are in use.
_GENERATOR_SIZES = {(512, 512), (512, 768), (640, 1536), (768, 768), (768, 1344), (832, 1216), (896, 1152)}
_GENERATOR_SIZES |= {(1024, 1024), (1024, 1536), (1024, 1792)}
_DCF_THUMBNAIL = (160, 120)  # px; DCF 2.0 requires this size, with bars where the ratio differs
_ASPECT_TOLERANCE = 0.05
_ZONES = timedelta(hours=26)  # a clock may be set to any time zone, and be a little fast


def find_editor(*names: str | None) -> str | None:
    """Return the first of the names that contains the name of an editing program."""
    return next((name for name in names if name and _EDITORS.search(name.lower())), None)


def find_contradictions(facts: ExifFacts, width: int, height: int, now: datetime) -> list[Finding]:
    """Compare what an EXIF block states with itself, the size of the upright image, and the current time."""
    camera = facts.camera
    if camera is None:
        return []
    found = _dates(camera, now)
    size = f"{width} x {height} px"
    if camera.make or camera.model:
        if camera.exposure_s is None and camera.f_number is None and camera.iso is None:
            message = "names a camera, but neither exposure time, aperture nor ISO"
            found.append(Finding("no_exposure", message))
        if (min(width, height), max(width, height)) in _GENERATOR_SIZES:
            message = f"names a camera, but {size} is a common size of image generators (or of crops)"
            found.append(Finding("generator_size", message))
    if facts.size and sorted(facts.size) != sorted((width, height)):
        message = f"states {facts.size[0]} x {facts.size[1]} px, but has {size}: cropped or resized since"
        found.append(Finding("size_differs", message))
    if facts.thumbnail and _other_shape(facts.thumbnail, (width, height)):
        shape = f"{facts.thumbnail[0]} x {facts.thumbnail[1]} px"
        message = f"its thumbnail, {shape}, has another aspect ratio: cropped since"
        found.append(Finding("thumbnail_differs", message))
    return found


def _other_shape(thumbnail: tuple[int, int], size: tuple[int, int]) -> bool:
    if thumbnail in (_DCF_THUMBNAIL, _DCF_THUMBNAIL[::-1]) or min(*thumbnail, *size) < 1:
        return False
    # Either may be stored rotated.
    shapes = (max(thumbnail) / min(thumbnail), max(size) / min(size))
    return max(shapes) / min(shapes) > 1 + _ASPECT_TOLERANCE


def _dates(camera: Camera, now: datetime) -> list[Finding]:
    found: list[Finding] = []
    times: list[datetime | None] = []
    for name, text in (("taken", camera.taken), ("modified", camera.modified)):
        time = None
        if text is not None:
            try:
                time = datetime.fromisoformat(text)
            except ValueError:
                found.append(Finding("odd_date", f"states the date {name} {text}, which does not exist"))
        if time and time - now > _ZONES:
            found.append(Finding("future_date", f"states the date {name} {text}, which is in the future"))
        times.append(time)
    taken, modified = times
    if taken and modified and taken - modified > _ZONES:
        found.append(Finding("modified_before_taken", "was modified before it was taken, by its dates"))
    return found
