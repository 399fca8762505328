"""What a pool and its workers exchange: tasks, their options, their progress and their results.

All are encoded as JSON. Results of images and videos are types of `veraface.analysis` and `veraface.video`;
those of other tasks are defined here. Nothing here imports NumPy.
"""

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, ClassVar, Literal, Protocol, TypeVar

from veraface.provenance import Level
from veraface.results import DetectionResult, Digits, Milliseconds, Probability, Result
from veraface.video.results import VideoResult


@dataclass(frozen=True)
class Task:
    """Work that a pool sends to a worker.

    Attributes:
        name: Key of the function in `veraface.workers.tasks.TASKS`.
        timeout_s: Seconds until it is stopped, the time in the queue included.
        cancellable: Whether the worker is killed if nobody waits for the result any more.
    """

    name: str
    timeout_s: float
    cancellable: bool = False


@dataclass(frozen=True)
class Options:
    """Base of the options of tasks; a task without options has these."""


@dataclass(frozen=True)
class DetectOptions(Options):
    """Options of the task `detect`.

    Attributes:
        heatmap: Whether the result holds the heatmap of each face.
        provenance: How closely to read what the file claims; None for not at all.
    """

    heatmap: bool
    provenance: Level | None


@dataclass(frozen=True)
class ScanOptions(Options):
    """Options of the task `scan`.

    Attributes:
        thumbnail_from: The lowest p_fake for which the result holds a thumbnail.
    """

    thumbnail_from: float


@dataclass(frozen=True)
class VideoOptions(Options):
    """Options of the task `video`.

    Attributes:
        frames: How many frames to sample.
        thumbnails: For how many of them the result holds thumbnails.
        max_pixels: Limit on the pixels of a frame.
    """

    frames: int
    thumbnails: int
    max_pixels: int


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


@dataclass(frozen=True, kw_only=True)
class ScanResult(DetectionResult):
    """Result of the task `scan`: a detection without heatmaps."""

    _omitted_if_none: ClassVar[tuple[str, ...]] = ("thumbnail",)

    perceptual_hash: str | None
    """16 hexadecimal digits; None for an image without structure"""
    thumbnail: str | None = None
    """a small JPEG as base64, if p_fake is high enough"""


@dataclass(frozen=True)
class ForensicView(Result):
    """One forensic view of an image, as an image file."""

    name: Literal["error_levels", "noise", "grid"]
    media_type: Literal["image/webp"]
    width: int
    """of the view, pixels; 1,024 at most"""
    height: int
    data: str
    """the file, in base64; it contains nothing of the input but what the view shows"""


@dataclass(frozen=True)
class ForensicsResult(Result):
    """Forensic views of one image; docs/evidence.md explains how to read them."""

    views: tuple[ForensicView, ...]
    resaved_quality: int
    """JPEG quality of the copy that error levels are the difference to"""
    grid_offset: tuple[int, int] | None
    """x, y (0 to 7) of the first corner of a JPEG block in most of the image; null: no grid"""
    width: int
    """of the upright image, pixels"""
    height: int
    format: str
    timing_ms: dict[str, Milliseconds]
    """milliseconds by stage"""


@dataclass(frozen=True)
class ModelInfo:
    """The loaded classifier.

    Attributes:
        card: Its model card.
        model: Its name, version and sha256.
    """

    card: dict[str, Any]
    model: dict[str, str]


@dataclass(frozen=True)
class Reply:
    """Answer of a worker.

    Attributes:
        result: The task's result as JSON.
        queued_s: Seconds that the task waited for a worker.
    """

    result: bytes = field(repr=False)
    queued_s: float = 0.0


class WorkerCounts(Protocol):
    """Counts of a pool of workers at this moment."""

    @property
    def waiting(self) -> int:
        """Tasks that wait for a worker."""

    @property
    def busy(self) -> int:
        """Workers that run a task."""

    @property
    def alive(self) -> int:
        """Workers that are ready or busy."""


class Backend(WorkerCounts, Protocol):
    """Runs tasks; `veraface.workers.pool.WorkerPool` is one.

    Attributes:
        model: The loaded classifier; None before it is loaded.
        failure: Why the classifier could not be loaded; None if it was, or is being loaded.
        on_failure: Called when `failure` is set.
    """

    model: ModelInfo | None
    failure: str | None
    on_failure: Callable[[], None]

    async def start(self) -> None:
        """Return once tasks can be run, or it is known that they never can; see `failure`."""

    async def close(self) -> None:
        """Finish running tasks and stop all workers."""

    def ensure_capacity(self) -> None:
        """Raise QueueFullError if no further task can wait."""

    async def run(
        self, task: Task, content: bytes, options: Options, progress: Callable[[bytes], None] = ...
    ) -> Reply:
        """Run a task on one file.

        Args:
            task: What to do, and for how long.
            content: The bytes of the file.
            options: Options of the task.
            progress: Called with each report of progress, as JSON.

        Raises:
            QueueFullError: The queue is full.
            DeadlineExceededError: The task was stopped by its timeout.
            WorkerCrashedError: The file made the worker crash.
            WorkerLostError: The worker was killed from outside.
            WorkerFaultError: The task raised an exception, which is a bug.
            ImageError: The file could not be decoded.
        """


TimedResult = TypeVar("TimedResult", DetectionResult, ScanResult, ForensicsResult, VideoResult)


def add_queue_time(result: TimedResult, reply: Reply) -> TimedResult:
    """Return a copy of a result with the time in the queue as "queue" and in the total of its timing."""
    queued_ms = 1000 * reply.queued_s
    timing = {**result.timing_ms, "total": result.timing_ms["total"] + queued_ms, "queue": queued_ms}
    return replace(result, timing_ms=timing)


def to_base64(content: bytes) -> str:
    """Return bytes as base64 text."""
    return b64encode(content).decode("ascii")
