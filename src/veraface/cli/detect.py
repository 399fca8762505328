"""`veraface detect`: analyze images, print a table or JSON lines, write heatmaps."""

import sys
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from veraface.cli.terminal import fail_at, print_json
from veraface.cli.verdicts import VerdictTable, legend, why
from veraface.files import same_file

if TYPE_CHECKING:
    from rich.table import Table

    from veraface.analysis import Analysis
    from veraface.provenance import Level
    from veraface.results import DetectionResult, FaceResult


class ProvenanceLevel(StrEnum):
    """How thoroughly to read the claims in a file's metadata."""

    OFF = "off"
    QUICK = "quick"
    FULL = "full"


def detect(
    files: Annotated[list[str], typer.Argument(help="Images to analyze; - reads one from standard input.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per file.")] = False,
    heatmap: Annotated[
        Path | None,
        typer.Option(help="Write the image with face boxes and heatmaps to a PNG; one input file only."),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="A model name (`veraface info --list`) or the path of an .onnx file.")
    ] = None,
    provenance: Annotated[
        ProvenanceLevel,
        typer.Option(help="Read the claims in the file's metadata; full also detects recompression."),
    ] = ProvenanceLevel.QUICK,
    trust_anchors: Annotated[
        Path | None,
        typer.Option(help="PEM file with the trusted authorities for Content Credentials."),
    ] = None,
    provider: Annotated[
        list[str] | None,
        typer.Option(help="ONNX Runtime execution provider, such as CUDAExecutionProvider; best first."),
    ] = None,
) -> None:
    """Detect forged faces in images.

    Exits with status 0 if every file was analyzed, else 1; errors are printed to standard error.
    """
    if heatmap is not None and (len(files) != 1 or heatmap.suffix.lower() != ".png"):
        raise typer.BadParameter(
            "takes exactly one IMAGE, and an output name ending in .png", param_hint="--heatmap"
        )
    if heatmap is not None and same_file(heatmap, files[0]):
        raise typer.BadParameter("would overwrite the input image", param_hint="--heatmap")

    from veraface.analysis import analyze
    from veraface.detector import Detector
    from veraface.provenance.credentials import CredentialReader

    detector = Detector(model, providers=provider)
    credentials = CredentialReader(trust_anchors)
    level = cast("Level | None", None if provenance is ProvenanceLevel.OFF else provenance.value)
    failures = 0
    found: list[tuple[str, Analysis]] = []
    for name, source, result in _analyze_all(
        files, lambda source: analyze(source, detector, provenance=level, credentials=credentials)
    ):
        if isinstance(result, Exception):
            failures += 1
            fail_at(name, result, as_json)
            continue
        if as_json:
            print_json({"file": name, **result.to_dict()})
        else:
            found.append((name, result))
        if heatmap is not None:
            from veraface.imaging.overlay import write_overlay

            write_overlay(source, result.detection, heatmap)
    if found:
        _print(found)
    if failures:
        raise typer.Exit(1)


def _analyze_all(
    files: list[str], analyze: "Callable[[str | bytes], Analysis]"
) -> "Iterator[tuple[str, Any, Analysis | Exception]]":
    """Yield name, source and analysis of every file, or the error that prevented it."""
    from veraface.errors import ImageError
    from veraface.imaging.decode import ImageLimits

    max_read = ImageLimits().max_bytes + 1  # enough to detect that a stream is too large
    for name in files:
        source: str | bytes = sys.stdin.buffer.read(max_read) if name == "-" else name
        try:
            yield name, source, analyze(source)
        except ImageError as error:
            yield name, source, error


def _print(found: "list[tuple[str, Analysis]]") -> None:
    from veraface.cli.provenance import is_notable, print_provenance
    from veraface.cli.terminal import console as make_console

    console = make_console()
    console.print(_table([(name, analysis.detection) for name, analysis in found]))
    console.print(legend(found[0][1].detection.thresholds), style="dim")
    for name, analysis in found:
        claims = analysis.provenance
        if claims is not None and (len(found) == 1 or is_notable(claims)):
            print_provenance(console, name, claims)


def _table(results: "list[tuple[str, DetectionResult]]") -> "Table":
    rows = VerdictTable("file")
    for name, result in results:
        rows.add(name, result.verdict, result.p_fake, why(result.reasons))
        if len(result.faces) > 1:
            for number, face in enumerate(result.faces, start=1):
                rows.add(f"  face {number}, {_where(face)}", face.verdict, face.p_fake)
    return rows.table


def _where(face: "FaceResult") -> str:
    return f"{face.box.width:.0f} x {face.box.height:.0f} px at {face.box.x:.0f}, {face.box.y:.0f}"
