"""Print the claims in a file's metadata, for `veraface detect`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from veraface.cli.terminal import printable

if TYPE_CHECKING:
    from rich.console import Console

    from veraface.provenance import Action, Camera, Provenance

_MAX_STEPS = 8  # of an edit history; --json prints all
_ENCODERS = {
    "ijg": "IJG, as in most programs, quality {quality}",
    "photoshop": "Photoshop, {quality}",
    "mozjpeg": "mozjpeg, quality {quality}",
    "custom": "custom, as in cameras",
}

_Claims = Iterator[tuple[str, str | None]]  # term and words; claims without words are not printed


def print_provenance(console: "Console", name: str, provenance: "Provenance") -> None:
    """Print the claims of one file; its strings are printed as text, never as markup."""
    from rich.padding import Padding
    from rich.text import Text

    console.print(Text(f"Claims in {printable(name)} (not part of the verdict, and easy to forge):"))
    for term, words in _claims(provenance):
        if words:
            line = Text(f"{term}: ", style="dim").append(Text(printable(words), style="none"))
            console.print(Padding(line, (0, 0, 0, 2), expand=False))
    console.print()


def is_notable(provenance: "Provenance") -> bool:
    """Return whether the file has claims, inconsistencies or Content Credentials."""
    return bool(provenance.claims or provenance.findings or provenance.credentials.found)


def _claims(provenance: "Provenance") -> _Claims:
    signed, xmp = provenance.credentials, provenance.xmp
    yield "Content Credentials", signed.message
    yield "signed by", signed.signer
    for signal in signed.signals:
        yield "ingredient" if signal.of_ingredient else "signed claim", f"{signal.message} ({signal.code})"
    yield "made with", signed.generator
    yield "history", _history(signed.actions)
    yield "C2PA status", ", ".join(signed.problems)
    yield "remote manifest", f"{signed.remote} (never fetched)" if signed.remote else None
    for claim in provenance.claims:
        yield "claim", claim.message
    if made := provenance.generator:
        yield "generator", f"{made.name} ({made.place})" + (f", model {made.model}" if made.model else "")
        yield "prompt", made.prompt
    if xmp:
        yield "IPTC source type", xmp.source_type
        yield "XMP creator tool", xmp.creator_tool
        yield "credit", xmp.credit
        yield "AI system", xmp.ai_system
        yield "AI prompt", xmp.ai_prompt
        yield "history", _history(xmp.history)
    if provenance.camera:
        yield from _camera(provenance.camera)
    if encoder := provenance.encoder:
        tables = _ENCODERS[encoder.tables].format(quality=encoder.quality)
        yield "JPEG tables", tables + (f", {encoder.subsampling}" if encoder.subsampling else "")
        if encoder.compressed_twice:
            yield "compression", "traces of an earlier, stronger compression"
    for step in provenance.timeline:
        by = f" ({step.software})" if step.software else ""
        yield step.when, f"{step.action}{by}, {step.place}"
    for finding in provenance.findings:
        yield "inconsistent", finding.message
    if provenance.thumbnail and provenance.thumbnail.thumbnail:
        yield "thumbnail", "both images are in the report (`veraface report`), the page and --json"
    for hint in provenance.hints:
        yield "hint", hint.message


def _history(actions: "tuple[Action, ...]") -> str:
    steps = [f"{a.action} ({a.software})" if a.software else a.action for a in actions]
    more = f", and {len(steps) - _MAX_STEPS} more" if len(steps) > _MAX_STEPS else ""
    return ", ".join(steps[:_MAX_STEPS]) + more


def _camera(claims: "Camera") -> _Claims:
    exposure = (
        (claims.exposure_s, "{:.4g} s"),
        (claims.f_number, "f/{:.3g}"),
        (claims.iso, "ISO {}"),
        (claims.focal_length_mm, "{:.4g} mm"),
    )
    parts = [claims.make, claims.model, claims.lens]
    parts += [form.format(value) for value, form in exposure if value is not None]
    yield "camera", ", ".join(part for part in parts if part)
    yield "software", claims.software
    yield "taken", claims.taken
    yield "modified", claims.modified
    yield "position", "present, not shown" if claims.has_position else None
