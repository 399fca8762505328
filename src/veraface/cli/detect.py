"""`veraface detect`: analyze images, print a table or JSON lines, write heatmaps."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from typer import Argument, BadParameter, Exit, Option

from veraface.cli.audit import open_log
from veraface.cli.marks import SignCertificate, SignKey, open_signer, report_marks
from veraface.cli.options import (
    Audit,
    JsonLines,
    Model,
    NeverSayReal,
    TrustAnchors,
    TrustLists,
    TrustMark,
    WordsOnly,
)
from veraface.cli.streams import read_input
from veraface.cli.terminal import VerdictRow, fail_at, print_json, print_verdicts
from veraface.files import same_file
from veraface.wording import Wording

if TYPE_CHECKING:
    from veraface.analysis import Analysis
    from veraface.provenance.marks import MarkSigner


def detect(
    files: Annotated[list[str], Argument(help="Images to analyze; - reads one from standard input.")],
    as_json: JsonLines = False,
    heatmap: Annotated[
        Path | None, Option(help="Write boxes and heatmaps to this PNG; one input file only.")
    ] = None,
    model: Model = None,
    provenance: Annotated[
        Literal["off", "quick", "full"],
        Option(help="Read the file's claims; full also looks for earlier compressions."),
    ] = "quick",
    trust_anchors: TrustAnchors = None,
    trust_lists: TrustLists = True,
    trustmark: TrustMark = None,
    max_faces: Annotated[
        int, Option(min=1, max=256, help="Faces of an image to classify, the largest first.")
    ] = 64,
    provider: Annotated[
        list[str] | None, Option(help="ONNX Runtime provider; best first, repeatable.")
    ] = None,
    audit: Audit = None,
    words_only: WordsOnly = False,
    never_say_real: NeverSayReal = False,
    sign_certificate: SignCertificate = None,
    sign_key: SignKey = None,
) -> None:
    """Detect forged faces in images.

    Exits with status 0 if every file was analyzed, else 1; errors are printed to standard error.
    """
    if heatmap is not None and (len(files) != 1 or heatmap.suffix.lower() != ".png"):
        message = "takes exactly one IMAGE, and an output name ending in .png"
        raise BadParameter(message, param_hint="--heatmap")
    if heatmap is not None and same_file(heatmap, files[0]):
        raise BadParameter("would overwrite the input image", param_hint="--heatmap")

    from veraface.analysis import analyze
    from veraface.audit.entries import FileId
    from veraface.detector import Detector
    from veraface.errors import ImageError
    from veraface.imaging.decode import ImageLimits, read_bytes
    from veraface.models.trustmark import load_trustmark
    from veraface.provenance.credentials import CredentialReader
    from veraface.video.image_frames import detect_all_frames

    detector = Detector(model, max_faces=max_faces, providers=provider)
    log, wording = open_log(audit), Wording(words_only, never_say_real)
    credentials = CredentialReader(trust_anchors, trust_lists=trust_lists)
    decoders = load_trustmark(trustmark)
    signer = open_signer(sign_certificate, sign_key)
    max_read = ImageLimits().max_bytes + 1  # enough to detect that a stream is too large
    failures = 0
    found: list[tuple[str, Analysis]] = []
    try:
        for name in files:
            source = b""
            try:
                source = read_input(max_read) if name == "-" else read_bytes(name)
                result = analyze(
                    source, detector, provenance=provenance, credentials=credentials, trustmark=decoders
                )
                result = replace(result, detection=detect_all_frames(source, result.detection, detector))
                if log is not None:
                    log.add_analysis(FileId.of(source), result.detection)
            except ImageError as error:
                if log is not None and source:
                    log.add_outcome(FileId.of(source), {"error": error.code})
                failures += fail_at(name, error, as_json)
                continue
            try:
                if as_json:
                    label = wording.label(result.detection.verdict)
                    print_json({"file": name, "label": label, **result.to_dict()})
                else:
                    found.append((name, result))
            finally:  # a closed output must not lose the overlay
                if heatmap is not None:
                    _write_overlay(name, source, result, heatmap, wording, signer)
    finally:  # Ctrl-C loses no verdict
        if found:
            _print(found, wording)
    if failures:
        raise Exit(1)


def _write_overlay(
    name: str,
    source: bytes,
    result: "Analysis",
    path: Path,
    wording: Wording,
    signer: "MarkSigner | None",
) -> None:
    """Write the overlay, which states or carries the marks of its source."""
    from veraface.imaging.formats import FORMATS
    from veraface.imaging.overlay import write_overlay
    from veraface.provenance import inspect_provenance
    from veraface.provenance.marks import MediaFile, source_marks

    marks = source_marks(source, result.provenance or inspect_provenance(source, level="quick"))
    write_overlay(source, result.detection, path, wording, marks.to_xmp() if marks else None)
    if signer is not None:
        media_type = FORMATS[result.detection.format].media_type
        output = MediaFile(str(path), "image/png", path)
        signer.sign(output, MediaFile(name, media_type, source), "boxes, verdicts and heatmaps drawn in")
    report_marks(path, marks, signed=signer is not None)


def _print(found: "list[tuple[str, Analysis]]", wording: Wording) -> None:
    from veraface.cli.findings import print_findings
    from veraface.cli.provenance import is_notable, print_provenance
    from veraface.findings import collect_findings

    console = print_verdicts("file", _rows(found), found[0][1].detection.thresholds, wording)
    for name, analysis in found:
        if len(found) == 1:
            findings = collect_findings(analysis.detection, analysis.provenance, wording=wording)
            print_findings(console, findings)
        claims = analysis.provenance
        if claims is not None and (len(found) == 1 or is_notable(claims)):
            print_provenance(console, name, claims)


def _rows(found: "list[tuple[str, Analysis]]") -> Iterator[VerdictRow]:
    for name, analysis in found:
        result = analysis.detection
        yield name, result.verdict, result.p_fake, result.reasons
        for number, face in enumerate(result.faces if len(result.faces) > 1 else (), start=1):
            box = face.box
            where = f"{box.width:.0f} x {box.height:.0f} px at {box.x:.0f}, {box.y:.0f}"
            yield f"  face {number}, {where}", face.verdict, face.p_fake, ()
