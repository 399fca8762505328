"""The tasks of workers: functions from the bytes of a file to a result."""

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.util import find_spec
from io import BytesIO
from time import perf_counter
from typing import Any, Literal

import numpy as np
from PIL import Image
from pillow_heif import from_pillow

from veraface.analysis import Analysis, analyze
from veraface.detector import Detector
from veraface.forensics.views import forensic_views
from veraface.imaging.decode import ImageFile, ImageLimits, encode, thumbnail
from veraface.imaging.formats import FORMATS
from veraface.imaging.lazy import LazyImage
from veraface.imaging.overlay import draw_overlay
from veraface.imaging.perceptual_hash import perceptual_hash
from veraface.models.trustmark import TrustMarkDecoder
from veraface.provenance.claims import Level
from veraface.provenance.credentials import CredentialReader
from veraface.provenance.movie import read_movie
from veraface.provenance.reading import read_provenance
from veraface.results import Result
from veraface.video.image_frames import detect_all_frames, detect_and_show
from veraface.wording import Wording
from veraface.workers import messages
from veraface.workers.messages import OnProgress

_THUMBNAIL_SIDE = 360  # px of the longer side
_REPORT_SIDE = 1280  # px of the longer side of the images in a report


@dataclass(frozen=True)
class TaskContext:
    """What every task works with, loaded once in the fork server."""

    detector: Detector
    credentials: CredentialReader
    card_sha256: str = ""
    """of the file with the model card, for reports"""
    trustmark: tuple[TrustMarkDecoder, ...] = ()
    """decoders of a watermark"""


def detect(
    context: TaskContext, content: bytes, _: OnProgress, *, heatmap: bool, provenance: Level | Literal["off"]
) -> Analysis:
    """Detect forged faces in one image and read its provenance."""
    analysis = _analyze(context, content, heatmap=heatmap, provenance=provenance)
    detection = detect_all_frames(content, analysis.detection, context.detector, heatmap=heatmap)
    return replace(analysis, detection=detection)


def _analyze(
    context: TaskContext, image: bytes | LazyImage, *, heatmap: bool, provenance: Level | Literal["off"]
) -> Analysis:
    return analyze(
        image,
        context.detector,
        heatmap=heatmap,
        provenance=provenance,
        credentials=context.credentials,
        trustmark=context.trustmark,
    )


def scan(
    context: TaskContext, content: bytes, _: OnProgress, *, thumbnail_from: float
) -> messages.ScanResult:
    """Detect forged faces in one image of many, without heatmaps; with a thumbnail from this p_fake on."""
    pixels = context.detector.open(content)
    result = context.detector.detect(pixels, heatmap=False)
    result = detect_all_frames(content, result, context.detector, heatmap=False)
    small = None
    if result.p_fake is not None and result.p_fake >= thumbnail_from:
        small = b64encode(thumbnail(pixels.decode(1), _THUMBNAIL_SIDE)).decode("ascii")
    seen = perceptual_hash(pixels.decode(1))
    return messages.ScanResult(**vars(result), perceptual_hash=seen, thumbnail=small)


def forensics(context: TaskContext, content: bytes, _: OnProgress) -> messages.ForensicsResult:
    """Compute the forensic views of one image."""
    started = perf_counter()
    image = context.detector.open(content).file
    pixels = image.decode()
    decoded = perf_counter()
    found = forensic_views(pixels)
    ended = perf_counter()
    stages = {"decode": decoded - started, "views": ended - decoded, "total": ended - started}
    shown = found.to_dict()
    return messages.ForensicsResult(
        views=tuple(messages.ForensicView(**view) for view in shown["views"]),
        resaved_quality=shown["resaved_quality"],
        grid_offset=found.grid_offset,
        width=image.width,
        height=image.height,
        format=image.format,
        timing_ms={stage: 1000 * seconds for stage, seconds in stages.items()},
    )


def report_material(
    context: TaskContext, content: bytes, progress: OnProgress, *, words_only: bool, never_say_real: bool
) -> messages.ReportMaterial:
    """Analyze one image for a report, with boxes in that wording."""
    image = context.detector.open(content)
    analysis = _analyze(context, image, heatmap=True, provenance="full")
    detection, frame = detect_and_show(content, analysis.detection, context.detector)
    overlay = draw_overlay(
        content if frame is None else frame,
        detection,
        context.detector.limits,
        Wording(words_only, never_say_real),
    )
    faces = tuple(replace(face, heatmap=None) for face in detection.faces)
    return messages.ReportMaterial(
        analysis=replace(analysis, detection=replace(detection, faces=faces)),
        forensics=forensics(context, content, progress),
        image=_encoded(image.decode(_REPORT_SIDE) if frame is None else frame),
        overlay=_encoded(overlay),
        card_sha256=context.card_sha256,
    )


def _encoded(pixels: Image.Image) -> messages.EncodedImage:
    """Encode a smaller copy without metadata."""
    copy = pixels.copy()
    copy.thumbnail((_REPORT_SIDE, _REPORT_SIDE), Image.Resampling.LANCZOS)
    # The array drops color profiles and text.
    webp = encode(Image.fromarray(np.asarray(copy)), "WEBP", quality=88, method=2)
    return messages.EncodedImage("image/webp", *copy.size, b64encode(webp).decode("ascii"))


def video(
    context: TaskContext,
    content: bytes,
    progress: OnProgress,
    *,
    frames: int,
    thumbnails: int,
    max_pixels: int,
) -> messages.VideoAnalysis:
    """Detect forged faces in a video and read its provenance; progress is a `VideoProgress`. Needs PyAV."""
    from veraface.video import VideoLimits, detect_video

    image = ImageLimits(max_pixels=max_pixels)
    # Most videos reach the deadline before these. Packets: an hour of 60 frames per second with sound.
    limits = VideoLimits(image=image, max_seconds=3600.0, max_packets=400_000, max_decoded=20_000)
    found = detect_video(
        content,
        context.detector,
        frames=frames,
        limits=limits,
        thumbnails=thumbnails,
        progress=lambda *done: progress(messages.VideoProgress(*done).to_json()),
    )
    if found.format in FORMATS:  # an animated image
        claims = read_provenance(ImageFile(content, image), context.credentials)
    else:
        claims = read_movie(content, context.credentials)
    return messages.VideoAnalysis(**vars(found), provenance=claims)


# Each takes the context, the content, a callback for its progress, and the options of the task as keywords.
TASKS: dict[str, Callable[..., Result]] = {
    task.__name__: task for task in (detect, scan, forensics, report_material, video)
}


def warm_up(context: TaskContext) -> None:
    """Run every code path once: inside the sandbox, no module and no codec can be loaded any more."""
    context.detector.warm_up()

    def run(task: Callable[..., Result], file: BytesIO, **options: Any) -> None:
        task(context, file.getvalue(), lambda _: None, **options).to_json()

    for kind in FORMATS:
        file = BytesIO()
        image = Image.new("RGB", (64, 64), "gray")
        from_pillow(image).save(file) if kind == "HEIF" else image.save(file, kind)
        run(detect, file, heatmap=False, provenance="full")
    for kind in ("GIF", "PNG", "WEBP", "AVIF", "TIFF"):
        file = BytesIO()
        image.save(file, kind, save_all=True, append_images=[Image.new("RGB", image.size, "white")])
        run(detect, file, heatmap=False, provenance="off")
    thumbnail(image, _THUMBNAIL_SIDE)
    run(scan, file, thumbnail_from=0.0)
    run(forensics, file)
    run(report_material, file, words_only=False, never_say_real=False)
    if find_spec("av"):
        run(video, _two_frames(), frames=2, thumbnails=1, max_pixels=4096)


def _two_frames() -> BytesIO:
    import av

    av.logging.set_level(None)  # FFmpeg's messages may quote the video
    file = BytesIO()
    with av.open(file, "w", format="matroska") as container:
        stream = container.add_stream("mpeg4", rate=2, options={"threads": "1"})
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for _ in range(2):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))))
        container.mux(stream.encode())
    return file
