"""What a file claims of itself, as `veraface detect` prints it."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from veraface.cli.terminal import printable

if TYPE_CHECKING:
    from rich.console import Console

    from veraface.provenance import Action, Camera, Credentials, Encoder, Generator, Provenance, XmpFacts

_MAX_STEPS = 8  # of a history; --json has all
_ENCODERS = {
    "ijg": "IJG, as most programs have, quality {quality}",
    "photoshop": "those of Photoshop, {quality}",
    "mozjpeg": "those of mozjpeg, quality {quality}",
    "custom": "of its own, as cameras have",
}


def print_provenance(console: "Console", name: str, provenance: "Provenance") -> None:
    """A short block a file; its strings are text only, never markup."""
    from rich.padding import Padding
    from rich.text import Text

    console.print(Text(f"What {printable(name)} says of itself (no part of the verdict, and easily forged):"))
    for term, words in _lines(provenance):
        line = Text(f"{term}: ", style="dim").append(Text(printable(words), style="none"))
        console.print(Padding(line, (0, 0, 0, 2)))
    console.print()


def says_something(provenance: "Provenance") -> bool:
    """Whether there is more to tell than what most files have."""
    return bool(provenance.claims or provenance.findings or provenance.credentials.found)


def _lines(provenance: "Provenance") -> Iterator[tuple[str, str]]:
    yield from _credentials(provenance.credentials)
    for claim in provenance.claims:
        yield "claim", claim.message
    for part in (provenance.generator, provenance.xmp, provenance.camera, provenance.encoder):
        if part is not None:
            yield from _WRITERS[type(part).__name__](part)
    for finding in provenance.findings:
        yield "does not fit", finding.message


def _credentials(said: "Credentials") -> Iterator[tuple[str, str]]:
    yield "Content Credentials", said.message
    if said.signer:
        yield "signed by", said.signer
    if said.generator:
        yield "made with", said.generator
    yield from _history(said.actions)
    if said.problems:
        yield "C2PA status", ", ".join(said.problems)
    if said.remote:
        yield "says they lie at", f"{said.remote} (never fetched)"


def _generator(said: "Generator") -> Iterator[tuple[str, str]]:
    model = f", model {said.model}" if said.model else ""
    yield "generator", f"{said.name} ({said.place}){model}"
    if said.prompt:
        yield "prompt", said.prompt


def _xmp(said: "XmpFacts") -> Iterator[tuple[str, str]]:
    for term, words in (
        ("IPTC source type", said.source_type),
        ("XMP creator tool", said.creator_tool),
        ("credit", said.credit),
        ("AI system", said.ai_system),
        ("AI prompt", said.ai_prompt),
    ):
        if words:
            yield term, words
    yield from _history(said.history)


def _history(actions: "tuple[Action, ...]") -> Iterator[tuple[str, str]]:
    if actions:
        steps = [f"{a.action} ({a.software})" if a.software else a.action for a in actions]
        more = f", and {len(steps) - _MAX_STEPS} more" if len(steps) > _MAX_STEPS else ""
        yield "history", ", ".join(steps[:_MAX_STEPS]) + more


def _camera(said: "Camera") -> Iterator[tuple[str, str]]:
    exposure = (
        (said.exposure_s, "{:.4g} s"),
        (said.f_number, "f/{:.3g}"),
        (said.iso, "ISO {}"),
        (said.focal_length_mm, "{:.4g} mm"),
    )
    parts = [said.make, said.model, said.lens]
    parts += [form.format(value) for value, form in exposure if value is not None]
    if any(parts):
        yield "camera", ", ".join(part for part in parts if part)
    for term, words in (("software", said.software), ("taken", said.taken), ("modified", said.modified)):
        if words:
            yield term, words
    if said.has_position:
        yield "position", "there is one, which is not shown"


def _encoder(said: "Encoder") -> Iterator[tuple[str, str]]:
    words = _ENCODERS[said.tables].format(quality=said.quality)
    yield "JPEG tables", words + (f", {said.subsampling}" if said.subsampling else "")
    if said.compressed_twice:
        yield "compression", "traces of an earlier, coarser one"


_WRITERS: dict[str, Callable[[Any], Iterator[tuple[str, str]]]] = {
    "Generator": _generator,
    "XmpFacts": _xmp,
    "Camera": _camera,
    "Encoder": _encoder,
}
