"""`veraface video`: analyze videos, print a table or JSON lines, write plots and annotated copies."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from veraface.cli.terminal import fail, fail_at, print_json, printable
from veraface.cli.verdicts import VerdictTable, legend, why
from veraface.files import same_file
from veraface.utils import listed, needs_extra

if TYPE_CHECKING:
    from rich.table import Table

    from veraface.detector import Detector
    from veraface.video import VideoResult


def video(
    videos: Annotated[
        list[Path], typer.Argument(metavar="VIDEO...", help="MP4, MOV, MKV, WEBM, AVI, MPEG-TS.")
    ],
    frames: Annotated[
        int, typer.Option(min=1, max=1000, help="Number of frames to analyze, spread over the video.")
    ] = 32,
    every: Annotated[
        float | None,
        typer.Option(help="Analyze a frame every N seconds instead; at most 1000.", metavar="N"),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object per line and video.")
    ] = False,
    timeline: Annotated[
        Path | None, typer.Option(help="Write p_fake over time to a JSON file; one video only.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Plot p_fake over time to a PNG file; one video only.")
    ] = None,
    picture: Annotated[Path | None, typer.Option(help="Old name of --plot.", hidden=True)] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Write a copy with boxes and verdicts, without sound; .mp4, .mov or .mkv; one video only."
        ),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="A model name (`veraface info --list`) or the path of an .onnx file.")
    ] = None,
) -> None:
    """Detect forged faces in videos.

    The exit status is 0 if every video was analyzed and every file written, otherwise 1.
    """
    plot = plot or picture
    _check_options(videos, every, timeline, plot, out)
    with needs_extra("video"):
        import av  # noqa: F401 - check that it is installed
    from veraface.detector import Detector

    detector = Detector(model)
    failures = 0
    results: list[tuple[Path, VideoResult]] = []
    for path, result in _analyze(detector, videos, frames, every):
        if isinstance(result, Exception):
            failures += 1
            fail_at(str(path), result, as_json)
        elif as_json:
            print_json({"file": str(path), **result.to_dict()})
            failures += _write(path, result, timeline, plot, out)
        else:
            results.append((path, result))
    if results:
        from veraface.cli.terminal import console as make_console

        console = make_console()
        console.print(_table(results))
        console.print(legend(results[0][1].thresholds), style="dim")
        for path, result in results:  # last, so that a full disk loses no verdict
            failures += _write(path, result, timeline, plot, out)
    if failures:
        raise typer.Exit(1)


def _check_options(
    videos: list[Path], every: float | None, timeline: Path | None, plot: Path | None, out: Path | None
) -> None:
    if every is not None and not every > 0:
        raise typer.BadParameter("must be above 0 seconds", param_hint="--every")
    for name, path, suffixes in (
        ("--timeline", timeline, (".json",)),
        ("--plot", plot, (".png",)),
        ("--out", out, (".mp4", ".mov", ".mkv")),
    ):
        if path is None:
            continue
        if len(videos) != 1 or path.suffix.lower() not in suffixes:
            raise typer.BadParameter(
                f"takes exactly one VIDEO, and an output name ending in {listed(suffixes)}",
                param_hint=name,
            )
        if same_file(path, videos[0]):
            raise typer.BadParameter("would overwrite the video itself", param_hint=name)
        if path.is_dir() or not path.parent.is_dir():  # before all the work
            message = f"{path} is a folder" if path.is_dir() else f"the folder {path.parent} does not exist"
            raise typer.BadParameter(f"{message}; give a file in an existing folder", param_hint=name)


def _analyze(
    detector: "Detector", videos: list[Path], frames: int, every: float | None
) -> "Iterator[tuple[Path, VideoResult | Exception]]":
    """Yield each video with its result or error."""
    from veraface.cli.progress import progress_bar
    from veraface.errors import ImageError, image_error
    from veraface.video import detect_video
    from veraface.video.memory import bounded_memory

    for path in videos:
        try:
            with progress_bar(printable(path.name)) as update, bounded_memory():
                result = detect_video(
                    path,
                    detector,
                    frames=frames,
                    every=every,
                    progress=lambda done, total, *_, update=update: update(done, total),
                )
        except ImageError as error:
            # A copy, because the traceback of the error keeps the memory of the video alive.
            yield path, image_error(error.code, str(error))
        else:
            yield path, result


def _write(
    video: Path, result: "VideoResult", timeline: Path | None, plot: Path | None, out: Path | None
) -> int:
    """Write the requested files; print errors and return their number."""
    from veraface.errors import VerafaceError
    from veraface.files import write_atomic
    from veraface.video.annotation import write_annotated
    from veraface.video.memory import bounded_memory
    from veraface.video.plot import timeline_data, write_timeline

    failures = 0
    data = {"clip": video.name, **timeline_data(result)}
    writers: list[tuple[Path | None, Callable[[Path], None]]] = [
        (timeline, lambda path: write_atomic(path, json.dumps(data, indent=1) + "\n")),
        (plot, lambda path: write_timeline(result, path, video.name)),
        (out, lambda path: write_annotated(video, result, path)),
    ]
    for path, write in writers:
        if path is not None:
            try:
                with bounded_memory():
                    write(path)
            except VerafaceError as error:
                message = str(error)
                failures += fail(message if message.startswith(f"{path}: ") else f"{path}: {message}")
    return failures


def _table(results: "list[tuple[Path, VideoResult]]") -> "Table":
    rows = VerdictTable("video")
    for path, result in results:
        rows.add(str(path), result.verdict, result.p_fake, why(result.reasons))
        for number, track in enumerate(result.tracks, start=1):
            first, last, best = track.frames[0].time, track.frames[-1].time, track.frames[track.best].time
            where = f"  face {number}, {first:.1f} to {last:.1f} s, clearest at {best:.1f} s"
            reasons = why(track.reasons) if len(result.tracks) > 1 else ""
            rows.add(where, track.verdict, track.p_fake, reasons)
    return rows.table
