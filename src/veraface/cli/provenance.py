"""Print the claims in a file's metadata, for `veraface detect`."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from veraface.cli.terminal import printable

if TYPE_CHECKING:
    from rich.console import Console

    from veraface.provenance import Action, Camera, Credentials, Encoder, Generator, Provenance, XmpFacts

_MAX_STEPS = 8  # of an edit history; --json prints all
_ENCODERS = {
    "ijg": "IJG, as in most programs, quality {quality}",
    "photoshop": "Photoshop, {quality}",
    "mozjpeg": "mozjpeg, quality {quality}",
    "custom": "custom, as in cameras",
}


def print_provenance(console: "Console", name: str, provenance: "Provenance") -> None:
    """Print the claims of one file; its strings are printed as text, never as markup."""
    from rich.padding import Padding
    from rich.text import Text

    console.print(Text(f"Claims in {printable(name)} (not part of the verdict, and easy to forge):"))
    for term, words in _lines(provenance):
        line = Text(f"{term}: ", style="dim").append(Text(printable(words), style="none"))
        console.print(Padding(line, (0, 0, 0, 2), expand=False))
    console.print()


def is_notable(provenance: "Provenance") -> bool:
    """Return whether the file has claims, inconsistencies or Content Credentials."""
    return bool(provenance.claims or provenance.findings or provenance.credentials.found)


def _lines(provenance: "Provenance") -> Iterator[tuple[str, str]]:
    yield from _credentials(provenance.credentials)
    for claim in provenance.claims:
        yield "claim", claim.message
    for part in (provenance.generator, provenance.xmp, provenance.camera, provenance.encoder):
        if part is not None:
            yield from _WRITERS[type(part).__name__](part)
    for finding in provenance.findings:
        yield "inconsistent", finding.message


def _credentials(claims: "Credentials") -> Iterator[tuple[str, str]]:
    yield "Content Credentials", claims.message
    if claims.signer:
        yield "signed by", claims.signer
    if claims.generator:
        yield "made with", claims.generator
    yield from _history(claims.actions)
    if claims.problems:
        yield "C2PA status", ", ".join(claims.problems)
    if claims.remote:
        yield "remote manifest", f"{claims.remote} (never fetched)"


def _generator(claims: "Generator") -> Iterator[tuple[str, str]]:
    model = f", model {claims.model}" if claims.model else ""
    yield "generator", f"{claims.name} ({claims.place}){model}"
    if claims.prompt:
        yield "prompt", claims.prompt


def _xmp(claims: "XmpFacts") -> Iterator[tuple[str, str]]:
    for term, words in (
        ("IPTC source type", claims.source_type),
        ("XMP creator tool", claims.creator_tool),
        ("credit", claims.credit),
        ("AI system", claims.ai_system),
        ("AI prompt", claims.ai_prompt),
    ):
        if words:
            yield term, words
    yield from _history(claims.history)


def _history(actions: "tuple[Action, ...]") -> Iterator[tuple[str, str]]:
    if actions:
        steps = [f"{a.action} ({a.software})" if a.software else a.action for a in actions]
        more = f", and {len(steps) - _MAX_STEPS} more" if len(steps) > _MAX_STEPS else ""
        yield "history", ", ".join(steps[:_MAX_STEPS]) + more


def _camera(claims: "Camera") -> Iterator[tuple[str, str]]:
    exposure = (
        (claims.exposure_s, "{:.4g} s"),
        (claims.f_number, "f/{:.3g}"),
        (claims.iso, "ISO {}"),
        (claims.focal_length_mm, "{:.4g} mm"),
    )
    parts = [claims.make, claims.model, claims.lens]
    parts += [form.format(value) for value, form in exposure if value is not None]
    if any(parts):
        yield "camera", ", ".join(part for part in parts if part)
    for term, words in (
        ("software", claims.software),
        ("taken", claims.taken),
        ("modified", claims.modified),
    ):
        if words:
            yield term, words
    if claims.has_position:
        yield "position", "present, not shown"


def _encoder(claims: "Encoder") -> Iterator[tuple[str, str]]:
    words = _ENCODERS[claims.tables].format(quality=claims.quality)
    yield "JPEG tables", words + (f", {claims.subsampling}" if claims.subsampling else "")
    if claims.compressed_twice:
        yield "compression", "traces of an earlier, stronger compression"


_WRITERS: dict[str, Callable[[Any], Iterator[tuple[str, str]]]] = {
    "Generator": _generator,
    "XmpFacts": _xmp,
    "Camera": _camera,
    "Encoder": _encoder,
}
