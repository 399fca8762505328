"""What a pool and its workers exchange, as JSON: tasks, progress and results.

Nothing here imports NumPy, since servers import it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from veraface.analysis import Analysis
from veraface.forensics.guides import ViewName
from veraface.provenance import Provenance
from veraface.results import DetectionResult, Digits, Milliseconds, Probability, Result
from veraface.video.results import VideoResult

Options = Mapping[str, Any]  # keyword arguments of a task
OnProgress = Callable[[bytes], None]  # called with the progress of a task, as JSON


@dataclass(frozen=True)
class Task:
    """Work that a pool sends to a worker."""

    name: str
    """key of the function in `veraface.workers.tasks.TASKS`"""
    timeout_s: float
    """seconds until it is stopped, the time in the queue included"""
    cancellable: bool = False
    """whether the worker is killed if the caller is cancelled"""


@dataclass(frozen=True, kw_only=True)
class ScanResult(DetectionResult):
    """Result of the task `scan`: a detection without heatmaps."""

    _omitted_if_none: ClassVar[tuple[str, ...]] = ("thumbnail",)

    perceptual_hash: str | None
    """16 hexadecimal digits; None for an image without structure"""
    thumbnail: str | None = None
    """a small JPEG as base64, if p_fake is high enough"""


@dataclass(frozen=True)
class VideoProgress(Result):
    """Progress of the task `video`."""

    done: int
    """frames that are done"""
    total: int
    """frames to sample"""
    time: Annotated[float, Digits(3)]
    """of the newest frame, seconds"""
    p_fake: Probability | None
    """of the newest frame"""


@dataclass(frozen=True)
class ForensicView(Result):
    """One forensic view of an image, as an image file."""

    name: ViewName
    media_type: Literal["image/webp"]
    width: int
    """of the view, pixels; 1,024 at most"""
    height: int
    data: str
    """the file, in base64; it contains nothing of the input but what the view shows"""


@dataclass(frozen=True)
class ForensicsResult(Result):
    """Forensic views of one image; docs/forensics.md explains how to read them."""

    views: tuple[ForensicView, ...]
    resaved_quality: int
    """JPEG quality of the copy that error levels are the difference to"""
    grid_offset: tuple[int, int] | None
    """x, y (0 to 7) of the first corner of a JPEG block in most of the image; null: no grid"""
    width: int
    """of the upright image, pixels"""
    height: int
    format: str
    timing_ms: dict[str, Milliseconds] = field(compare=False)
    """milliseconds by stage"""


@dataclass(frozen=True)
class VideoAnalysis(VideoResult):
    """Result for a video, with what its file claims."""

    _omitted_if_none: ClassVar[tuple[str, ...]] = ("provenance",)

    provenance: Provenance | None = None
    """what the file claims about its origin, without influence on the verdict; absent for other containers
    than MP4, MOV and animated images"""


@dataclass(frozen=True)
class EncodedImage(Result):
    """An image encoded from pixels, without any metadata of the input."""

    media_type: Literal["image/webp"]
    width: int
    height: int
    data: str
    """the file, in base64"""


@dataclass(frozen=True)
class ReportMaterial(Result):
    """What a report contains of one image: its analysis without heatmaps, views, and copies of it."""

    analysis: Analysis
    forensics: ForensicsResult
    image: EncodedImage
    overlay: EncodedImage
    """the image with boxes and heatmaps"""
    card_sha256: str
    """of the file with the model card"""

    @property
    def timing_ms(self) -> dict[str, float]:
        """Return the milliseconds of the detection by stage."""
        return self.analysis.detection.timing_ms


@dataclass(frozen=True)
class ModelInfo:
    """The loaded classifier."""

    card: dict[str, Any]
    model: dict[str, str]
    """its name, version and sha256"""


@dataclass(frozen=True)
class Reply:
    """Response of a worker to a task."""

    result: bytes = field(repr=False)
    """the task's result as JSON"""
    queued_s: float = 0.0
    """seconds that the task waited for a worker"""


class WorkerFaultError(Exception):
    """An exception in a task, which is a bug; the text holds its type and traceback, nothing of the file."""


TimedResult = TypeVar("TimedResult", Analysis, ScanResult, ForensicsResult, VideoAnalysis, ReportMaterial)


def decode_reply(kind: type[TimedResult], reply: Reply) -> TimedResult:
    """Return the result in a reply, its timing with "queue"; raise ValueError or KeyError if it has none."""
    result = kind.from_json(reply.result)
    timing = (result.detection if isinstance(result, Analysis) else result).timing_ms
    timing["queue"] = 1000 * reply.queued_s
    timing["total"] += timing["queue"]
    return result
