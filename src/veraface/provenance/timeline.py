"""The editing timeline: all dated steps that a file records about itself, in the order of their dates."""

from datetime import UTC, datetime

from veraface.provenance.claims import Camera, Credentials, TimelineStep, XmpFacts
from veraface.provenance.texts import MAX_ENTRIES


def build_timeline(
    credentials: Credentials, xmp: XmpFacts | None, camera: Camera | None
) -> tuple[TimelineStep, ...]:
    """Join the dates of EXIF, XMP with its history, and Content Credentials; undated steps are left out."""
    steps: list[TimelineStep] = []
    if camera:
        steps += [TimelineStep(camera.taken or "", "taken", camera.model or camera.make, "EXIF")]
        steps += [TimelineStep(camera.modified or "", "modified", camera.software, "EXIF")]
    if xmp:
        steps += [TimelineStep(xmp.created or "", "created", xmp.creator_tool, "XMP")]
        steps += [TimelineStep(step.when or "", step.action, step.software, "XMP") for step in xmp.history]
        steps += [TimelineStep(xmp.modified or "", "modified", xmp.creator_tool, "XMP")]
    place = "Content Credentials"
    for step in credentials.actions:
        steps.append(TimelineStep(step.when or "", step.action, step.software, place))
    steps += [TimelineStep(credentials.signed_at or "", "signed", credentials.signer, place)]
    dated = [(moment, step) for step in dict.fromkeys(steps) if (moment := _moment(step.when))]
    return tuple(step for _, step in sorted(dated, key=lambda pair: pair[0]))[:MAX_ENTRIES]


def _moment(text: str) -> datetime | None:
    """Return a date to sort by; one without a time zone counts as UTC."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    try:
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except OverflowError:  # in the year 1 or 9999
        return None
