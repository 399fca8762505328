"""`veraface video`: analyze videos, print a table or JSON lines, write plots and annotated copies."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, BadParameter, Exit, Option

from veraface.cli import terminal
from veraface.cli.audit import open_log
from veraface.cli.marks import SignCertificate, SignKey, open_signer, report_marks
from veraface.cli.options import Audit, JsonLines, Model, NeverSayReal, TrustAnchors, TrustLists, WordsOnly
from veraface.files import same_file
from veraface.utils import listed, needs_extra
from veraface.wording import Wording

if TYPE_CHECKING:
    from veraface.provenance.marks import MarkSigner
    from veraface.workers.messages import VideoAnalysis

# The endings of the files that an option may name.
_ENDINGS = {"--timeline": (".json",), "--plot": (".png",), "--out": (".mp4", ".mov", ".mkv")}


def video(
    videos: Annotated[
        list[Path],
        Argument(metavar="VIDEO...", help="Videos (MP4, MOV, MKV, WEBM, AVI, MPEG-TS) or animated images."),
    ],
    frames: Annotated[int, Option(min=1, max=1000, help="Frames to analyze, spread over the video.")] = 32,
    every: Annotated[
        float | None, Option(help="Analyze a frame every N seconds instead; at most 1000.", metavar="N")
    ] = None,
    as_json: JsonLines = False,
    timeline: Annotated[
        Path | None, Option(help="JSON file to write p_fake over time to; one video only.")
    ] = None,
    plot: Annotated[Path | None, Option(help="PNG file to plot p_fake over time to; one video only.")] = None,
    out: Annotated[
        Path | None,
        Option(help="Copy with boxes to write: .mp4, .mov or .mkv, without sound; one video only."),
    ] = None,
    model: Model = None,
    trust_anchors: TrustAnchors = None,
    trust_lists: TrustLists = True,
    audit: Audit = None,
    words_only: WordsOnly = False,
    never_say_real: NeverSayReal = False,
    sign_certificate: SignCertificate = None,
    sign_key: SignKey = None,
) -> None:
    """Detect forged faces in videos.

    The exit status is 0 if every video was analyzed and every file written, otherwise 1.
    """
    if every is not None and not every > 0:
        raise BadParameter("must be above 0 seconds", param_hint="--every")
    wanted = {"--timeline": timeline, "--plot": plot, "--out": out}
    outputs = {option: path for option, path in wanted.items() if path is not None}
    wording = Wording(words_only, never_say_real)
    if words_only and plot is not None:
        raise BadParameter("plots the probability, which --words-only hides", param_hint="--plot")
    for option, path in outputs.items():
        _check_output(option, path, videos)
    with needs_extra("video"):
        import av  # noqa: F401 - check that it is installed
    from veraface.audit.entries import FileId
    from veraface.detector import Detector
    from veraface.errors import ImageError
    from veraface.findings import collect_findings
    from veraface.provenance.credentials import CredentialReader
    from veraface.provenance.movie import read_movie
    from veraface.video import detect_video
    from veraface.video.container import bounded_memory
    from veraface.workers.messages import VideoAnalysis

    detector, log = Detector(model), open_log(audit)
    signer = open_signer(sign_certificate, sign_key)
    credentials = CredentialReader(trust_anchors, trust_lists=trust_lists)
    failures = 0
    results: list[tuple[Path, VideoAnalysis]] = []
    try:
        for path in videos:
            try:
                with terminal.progress_bar(terminal.printable(path.name)) as update, bounded_memory():
                    found = detect_video(path, detector, frames=frames, every=every, progress=update)
            except ImageError as error:
                if log is not None and path.is_file():
                    log.add_outcome(FileId.of_path(path), {"error": error.code})
                failures += terminal.fail_at(str(path), error, as_json)
                continue
            if log is not None:
                log.add_analysis(FileId.of_path(path), found)
            result = VideoAnalysis(**vars(found), provenance=read_movie(path, credentials))
            results.append((path, result))
            if as_json:
                label = wording.label(result.verdict)
                findings = [finding.to_dict() for finding in collect_findings(result, result.provenance)]
                facts = {"label": label, **result.to_dict(), "findings": findings}
                terminal.print_json({"file": str(path), **facts})
    finally:  # Ctrl-C loses no verdict
        try:
            if results and not as_json:
                _print(results, wording)
        finally:  # a closed output loses no file, and, as they come last, a full disk no verdict
            files = _Files(outputs, wording, signer)
            failures += sum(files.write(path, result) for path, result in results)
    if failures:
        raise Exit(1)


def _print(results: "list[tuple[Path, VideoAnalysis]]", wording: Wording) -> None:
    from veraface.cli.findings import print_findings
    from veraface.cli.provenance import is_notable, print_provenance
    from veraface.findings import collect_findings

    console = terminal.print_verdicts("video", _rows(results), results[0][1].thresholds, wording)
    if len(results) == 1:
        ((_, result),) = results
        print_findings(console, collect_findings(result, result.provenance, wording=wording))
    for path, result in results:
        if result.provenance is not None and is_notable(result.provenance):
            print_provenance(console, str(path), result.provenance)


def _check_output(option: str, path: Path, videos: list[Path]) -> None:
    """Check that a file can be written, before all the work."""
    message = ""
    if len(videos) != 1 or path.suffix.lower() not in _ENDINGS[option]:
        message = f"takes exactly one VIDEO, and an output name ending in {listed(_ENDINGS[option])}"
    elif same_file(path, videos[0]):
        message = "would overwrite the video itself"
    elif path.is_dir():
        message = f"{path} is a folder; give a file in an existing folder"
    elif not path.parent.is_dir():
        message = f"the folder {path.parent} does not exist; give a file in an existing folder"
    if message:
        raise BadParameter(message, param_hint=option)


@dataclass(frozen=True)
class _Files:
    """The output files of a video, as the options request them."""

    paths: Mapping[str, Path]  # by option
    wording: Wording
    signer: "MarkSigner | None"

    def write(self, video: Path, result: "VideoAnalysis") -> int:
        """Write the requested files; print errors and return their number."""
        from veraface.errors import VerafaceError
        from veraface.files import write_atomic
        from veraface.video.container import bounded_memory
        from veraface.video.plot import timeline_data, write_timeline

        failures = 0
        for option, path in self.paths.items():
            try:
                with bounded_memory():
                    if option == "--timeline":
                        # "clip" is the deprecated name of "video".
                        data = {"video": video.name, "clip": video.name, **timeline_data(result)}
                        write_atomic(path, json.dumps(data, indent=1) + "\n")
                    elif option == "--plot":
                        write_timeline(result, path, video.name, self.wording)
                    else:
                        self._write_annotated(video, result, path)
            except VerafaceError as error:
                place = f"{path}: "
                failures += terminal.fail(place + str(error).removeprefix(place))
        return failures

    def _write_annotated(self, video: Path, result: "VideoAnalysis", path: Path) -> None:
        """Write the annotated copy, which states or carries the marks of its source."""
        from veraface.errors import VerafaceError
        from veraface.provenance.marks import MediaFile, source_marks
        from veraface.video.annotation import write_annotated

        kinds = {".mp4": "video/mp4", ".mov": "video/quicktime"}
        if self.signer is not None and path.suffix.lower() not in kinds:
            raise VerafaceError(f"{path}: only .mp4 and .mov can carry Content Credentials")
        marks = source_marks(video, result.provenance)
        write_annotated(video, result, path, wording=self.wording, comment=marks.describe())
        if self.signer is not None:
            source = MediaFile(str(video), kinds.get(video.suffix.lower(), "video/mp4"), video)
            output = MediaFile(str(path), kinds[path.suffix.lower()], path)
            self.signer.sign(output, source, "boxes and verdicts drawn in, sound left out")
        report_marks(path, marks, signed=self.signer is not None)


def _rows(results: "list[tuple[Path, VideoAnalysis]]") -> Iterator[terminal.VerdictRow]:
    for path, result in results:
        yield str(path), result.verdict, result.p_fake, result.reasons
        for number, track in enumerate(result.tracks, start=1):
            first, last, best = track.frames[0].time, track.frames[-1].time, track.frames[track.best].time
            where = f"  face {number}, {first:.1f} to {last:.1f} s, clearest at {best:.1f} s"
            yield where, track.verdict, track.p_fake, track.reasons if len(result.tracks) > 1 else ()
