"""All exceptions that Veraface raises on purpose; each message describes what is wrong and what to do."""


class VerafaceError(Exception):
    """Base of all exceptions of Veraface; `code` is stable, for programs."""

    code = "error"

    def __init_subclass__(cls, code: str | None = None) -> None:
        cls.code = code or cls.code


class ImageError(VerafaceError, code="bad_image"):
    """The image could not be decoded."""


class UnsupportedImageError(ImageError, code="unsupported_image"):
    """The bytes are not an image of a supported format, or their color mode has no clear 8-bit meaning."""


class UnreadableImageError(ImageError, code="unreadable_image"):
    """The bytes have a supported format but are empty, truncated or corrupt."""


class ImageTooLargeError(ImageError, code="image_too_large"):
    """The image exceeds a limit on bytes, pixels or side length; it was not decoded."""


class VideoError(ImageError, code="bad_video"):
    """The video could not be decoded."""


class UnsupportedVideoError(VideoError, UnsupportedImageError, code="unsupported_video"):
    """The bytes are not a video of a supported format, or contain no video stream."""


class UnreadableVideoError(VideoError, UnreadableImageError, code="unreadable_video"):
    """The bytes have a supported format but are empty, truncated or corrupt."""


class VideoTooLargeError(VideoError, ImageTooLargeError, code="video_too_large"):
    """The video exceeds a limit on bytes, pixels, seconds or frames; no more of it was decoded."""


def image_error(code: str, message: str) -> ImageError:
    """Return the exception for a code and message that were raised in another process."""
    kinds = [ImageError]
    for kind in kinds:
        kinds += kind.__subclasses__()
    return next((kind for kind in kinds if kind.code == code), ImageError)(message)


class ModelError(VerafaceError, code="bad_model"):
    """A model is unknown, or its file or card is missing, damaged or does not fit this version."""


class DataError(VerafaceError, code="bad_data"):
    """A data set or an output folder cannot be used; raised before any work starts."""


class QueueFullError(VerafaceError, code="overloaded"):
    """The queue of tasks is full; `retry_after_s` estimates when there is room again."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__("the queue is full; try again in a moment")
        self.retry_after_s = retry_after_s


class DeadlineExceededError(VerafaceError, code="too_slow"):
    """A task did not finish within its timeout, and its worker was stopped."""


class WorkerLostError(VerafaceError, code="worker_lost"):
    """A worker ended during a task for a reason unrelated to the file."""


class WorkerCrashedError(VerafaceError, code="worker_crashed"):
    """A file crashed the worker or exhausted its CPU time."""
