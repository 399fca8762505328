"""`veraface detect`: judge images, print a table or JSON lines, draw heatmaps."""

import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from veraface.cli.terminal import fail_at, print_json
from veraface.cli.verdicts import VerdictTable, legend, why
from veraface.files import same_file

if TYPE_CHECKING:
    from rich.table import Table

    from veraface.detector import Detector
    from veraface.provenance import Level
    from veraface.results import DetectionResult, FaceResult


class Closeness(StrEnum):
    """How closely to read what a file claims."""

    OFF = "off"
    QUICK = "quick"
    FULL = "full"


def detect(
    files: Annotated[list[str], typer.Argument(help="Pictures to judge; - reads one from standard input.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, a line a file.")] = False,
    heatmap: Annotated[
        Path | None,
        typer.Option(help="Write the image with boxes and evidence to a PNG; one file only."),
    ] = None,
    model: Annotated[Path | None, typer.Option(help="Another .onnx model, with its card beside it.")] = None,
    provenance: Annotated[
        Closeness,
        typer.Option(help="How closely to read what the file claims; full finds recompression too."),
    ] = Closeness.QUICK,
    trust_anchors: Annotated[
        Path | None,
        typer.Option(help="PEM file of authorities whose signers of Content Credentials are trusted."),
    ] = None,
) -> None:
    """Judge the faces in images.

    Ends with status 0 if every file could be judged, 1 if not; the reasons go to standard error.
    """
    if heatmap is not None and (len(files) != 1 or heatmap.suffix.lower() != ".png"):
        raise typer.BadParameter(
            "takes one input FILE, and an output name that ends in .png", param_hint="--heatmap"
        )
    if heatmap is not None and same_file(heatmap, files[0]):
        raise typer.BadParameter("would write over the image itself", param_hint="--heatmap")

    from veraface.detector import Detector

    detector = Detector(model, trust_anchors=trust_anchors)
    level = cast("Level | None", None if provenance is Closeness.OFF else provenance.value)
    failures = 0
    results: list[tuple[str, DetectionResult]] = []
    for name, source, result in _judge(detector, files, level):
        if isinstance(result, Exception):
            failures += 1
            fail_at(name, result, as_json)
            continue
        if as_json:
            print_json({"file": name, **result.to_dict()})
        else:
            results.append((name, result))
        if heatmap is not None:
            from veraface.imaging.overlay import write_overlay

            write_overlay(source, result, heatmap)
    if results:
        from veraface.cli.provenance import print_provenance, says_something
        from veraface.cli.terminal import console as make_console

        console = make_console()
        console.print(_table(results))
        console.print(legend(results[0][1].thresholds), style="dim")
        for name, result in results:
            told = result.provenance
            if told is not None and (len(results) == 1 or says_something(told)):
                print_provenance(console, name, told)
    if failures:
        raise typer.Exit(1)


def _judge(
    detector: "Detector", files: list[str], provenance: "Level | None"
) -> "Iterator[tuple[str, Any, DetectionResult | Exception]]":
    """Name, source and result of every file, or the error that kept it from being judged."""
    from veraface.errors import ImageError
    from veraface.imaging.decode import ImageLimits

    enough = ImageLimits().max_bytes + 1  # of an endless stream, to know that it is too large
    for name in files:
        source: str | bytes = sys.stdin.buffer.read(enough) if name == "-" else name
        try:
            yield name, source, detector.detect(source, provenance=provenance)
        except ImageError as error:
            yield name, source, error


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
