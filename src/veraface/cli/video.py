"""`veraface video`: judge videos, print a table or JSON lines, draw timelines and boxes."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from veraface.cli.terminal import fail, fail_at, print_json, printable
from veraface.cli.verdicts import VerdictTable, legend, why
from veraface.files import same_file
from veraface.utils import needs_extra

if TYPE_CHECKING:
    from rich.table import Table

    from veraface.detector import Detector
    from veraface.video import VideoResult


def video(
    clips: Annotated[list[Path], typer.Argument(help="Clips to judge: MP4, MOV, MKV, WEBM, AVI, MPEG-TS.")],
    frames: Annotated[
        int, typer.Option(min=1, max=1000, help="Frames to look at, spread over the video.")
    ] = 32,
    every: Annotated[
        float | None, typer.Option(help="Look at a frame every so many seconds instead; at most 1000.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, a line a video.")] = False,
    timeline: Annotated[
        Path | None, typer.Option(help="Write p_fake over time to a JSON file; one video only.")
    ] = None,
    image: Annotated[
        Path | None,
        typer.Option("--plot", "--picture", help="Draw p_fake over time into a PNG; one video only."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Write the video anew with boxes and verdicts, without its sound; .mp4, .mov or .mkv; "
            "one video only."
        ),
    ] = None,
    model: Annotated[Path | None, typer.Option(help="Another .onnx model, with its card beside it.")] = None,
) -> None:
    """Judge the faces in videos.

    Ends with status 0 if every video could be judged and every file written, 1 if not; the reasons go to
    standard error.
    """
    _check_options(clips, every, timeline, image, out)
    with needs_extra("video"):
        import av  # noqa: F401 - only whether it is there
    from veraface.detector import Detector

    detector = Detector(model)
    failures = 0
    results: list[tuple[Path, VideoResult]] = []
    for clip, result in _judge(detector, clips, frames, every):
        if isinstance(result, Exception):
            failures += 1
            fail_at(str(clip), result, as_json)
        elif as_json:
            print_json({"file": str(clip), **result.to_dict()})
            failures += _write(clip, result, timeline, image, out)
        else:
            results.append((clip, result))
    if results:
        from veraface.cli.terminal import console as make_console

        console = make_console()
        console.print(_table(results))
        console.print(legend(results[0][1].thresholds), style="dim")
        for clip, result in results:  # last, as a full disk is not to cost what was said of a video
            failures += _write(clip, result, timeline, image, out)
    if failures:
        raise typer.Exit(1)


def _check_options(
    clips: list[Path], every: float | None, timeline: Path | None, image: Path | None, out: Path | None
) -> None:
    if every is not None and not every > 0:
        raise typer.BadParameter("takes a number of seconds above 0", param_hint="--every")
    for name, path, suffixes in (
        ("--timeline", timeline, (".json",)),
        ("--picture", image, (".png",)),
        ("--out", out, (".mp4", ".mov", ".mkv")),
    ):
        if path is None:
            continue
        if len(clips) != 1 or path.suffix.lower() not in suffixes:
            raise typer.BadParameter(
                f"takes one CLIP, and an output name that ends in {' or '.join(suffixes)}", param_hint=name
            )
        if same_file(path, clips[0]):
            raise typer.BadParameter("would write over the video itself", param_hint=name)
        if path.is_dir() or not path.parent.is_dir():  # before all the work
            message = f"{path} is a folder" if path.is_dir() else f"there is no folder {path.parent}"
            raise typer.BadParameter(f"{message}; name a file in one that is there", param_hint=name)


def _judge(
    detector: "Detector", clips: list[Path], frames: int, every: float | None
) -> "Iterator[tuple[Path, VideoResult | Exception]]":
    """Each video with its result, or with the error that kept it from being judged."""
    from veraface.cli.progress import progress_bar
    from veraface.errors import ImageError, image_error
    from veraface.video import detect_video
    from veraface.video.memory import bounded_memory

    for clip in clips:
        try:
            with progress_bar(printable(clip.name)) as tell, bounded_memory():
                result = detect_video(
                    detector,
                    clip,
                    frames=frames,
                    every=every,
                    progress=lambda done, total, *_, tell=tell: tell(done, total),
                )
        except ImageError as error:
            # A copy: the error itself keeps alive what the video has taken, up to the next one.
            yield clip, image_error(error.code, str(error))
        else:
            yield clip, result


def _write(
    clip: Path, result: "VideoResult", timeline: Path | None, image: Path | None, out: Path | None
) -> int:
    """Writes what was asked for; returns how many of these files could not be written, after saying why."""
    from veraface.errors import VerafaceError
    from veraface.files import write_atomic
    from veraface.video.annotation import write_annotated
    from veraface.video.memory import bounded_memory
    from veraface.video.plot import timeline as as_data
    from veraface.video.plot import write_timeline

    failures = 0
    data = {"clip": clip.name, **as_data(result)}
    writers: list[tuple[Path | None, Callable[[Path], None]]] = [
        (timeline, lambda path: write_atomic(path, json.dumps(data, indent=1) + "\n")),
        (image, lambda path: write_timeline(result, path, clip.name)),
        (out, lambda path: write_annotated(clip, result, path)),
    ]
    for path, write in writers:
        if path is not None:
            try:
                with bounded_memory():
                    write(path)
            except VerafaceError as error:
                words = str(error)
                failures += fail(words if words.startswith(f"{path}: ") else f"{path}: {words}")
    return failures


def _table(results: "list[tuple[Path, VideoResult]]") -> "Table":
    rows = VerdictTable("clip")
    for clip, result in results:
        rows.add(str(clip), result.verdict, result.p_fake, why(result.reasons))
        for number, track in enumerate(result.tracks, start=1):
            first, last, best = track.frames[0].time, track.frames[-1].time, track.frames[track.best].time
            where = f"  face {number}, {first:.1f} to {last:.1f} s, look at {best:.1f} s"
            reasons = why(track.reasons) if len(result.tracks) > 1 else ""
            rows.add(where, track.verdict, track.p_fake, reasons)
    return rows.table
