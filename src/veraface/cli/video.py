"""`veraface video`: analyze videos, print a table or JSON lines, write plots and annotated copies."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, BadParameter, Exit, Option

from veraface.cli import terminal
from veraface.cli.audit import open_log
from veraface.cli.options import Audit, JsonLines, Model, NeverSayReal, WordsOnly
from veraface.files import same_file
from veraface.utils import listed, needs_extra
from veraface.wording import Wording

if TYPE_CHECKING:
    from veraface.video import VideoResult

# The endings of the files that an option may name.
_ENDINGS = {"--timeline": (".json",), "--plot": (".png",), "--out": (".mp4", ".mov", ".mkv")}


def video(
    videos: Annotated[list[Path], Argument(metavar="VIDEO...", help="MP4, MOV, MKV, WEBM, AVI, MPEG-TS.")],
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
    audit: Audit = None,
    words_only: WordsOnly = False,
    never_say_real: NeverSayReal = False,
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
    from veraface.video import detect_video
    from veraface.video.container import bounded_memory

    detector, log = Detector(model), open_log(audit)
    failures = 0
    results: list[tuple[Path, VideoResult]] = []
    try:
        for path in videos:
            try:
                with terminal.progress_bar(terminal.printable(path.name)) as update, bounded_memory():
                    result = detect_video(path, detector, frames=frames, every=every, progress=update)
            except ImageError as error:
                if log is not None and path.is_file():
                    log.add_outcome(FileId.of_path(path), {"error": error.code})
                failures += terminal.fail_at(str(path), error, as_json)
                continue
            if log is not None:
                log.add_analysis(FileId.of_path(path), result)
            results.append((path, result))
            if as_json:
                terminal.print_json(
                    {"file": str(path), "label": wording.label(result.verdict), **result.to_dict()}
                )
    finally:  # Ctrl-C loses no verdict
        failures += _finish(results, outputs, as_json, wording)
    if failures:
        raise Exit(1)


def _finish(
    results: "list[tuple[Path, VideoResult]]", outputs: Mapping[str, Path], as_json: bool, wording: Wording
) -> int:
    """Print the verdicts, then write the requested files; return the number of errors."""
    failures = 0
    try:
        if results and not as_json:
            terminal.print_verdicts("video", _rows(results), results[0][1].thresholds, wording)
    finally:  # a closed output loses no file, and, as they come last, a full disk no verdict
        for path, result in results:
            failures += _write(path, result, outputs, wording)
    return failures


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


def _write(video: Path, result: "VideoResult", outputs: Mapping[str, Path], wording: Wording) -> int:
    """Write the requested files; print errors and return their number."""
    from veraface.errors import VerafaceError
    from veraface.files import write_atomic
    from veraface.video.annotation import write_annotated
    from veraface.video.container import bounded_memory
    from veraface.video.plot import timeline_data, write_timeline

    failures = 0
    for option, path in outputs.items():
        try:
            with bounded_memory():
                if option == "--timeline":
                    # "clip" is the deprecated name of "video".
                    data = {"video": video.name, "clip": video.name, **timeline_data(result)}
                    write_atomic(path, json.dumps(data, indent=1) + "\n")
                elif option == "--plot":
                    write_timeline(result, path, video.name, wording)
                else:
                    write_annotated(video, result, path, wording=wording)
        except VerafaceError as error:
            message = str(error)
            failures += terminal.fail(message if message.startswith(f"{path}: ") else f"{path}: {message}")
    return failures


def _rows(results: "list[tuple[Path, VideoResult]]") -> Iterator[terminal.VerdictRow]:
    for path, result in results:
        yield str(path), result.verdict, result.p_fake, result.reasons
        for number, track in enumerate(result.tracks, start=1):
            first, last, best = track.frames[0].time, track.frames[-1].time, track.frames[track.best].time
            where = f"  face {number}, {first:.1f} to {last:.1f} s, clearest at {best:.1f} s"
            yield where, track.verdict, track.p_fake, track.reasons if len(result.tracks) > 1 else ()
