"""All exceptions that Veraface raises on purpose; each message says what is wrong and what to do."""


class VerafaceError(Exception):
    """Base of all exceptions of Veraface.

    Attributes:
        code: stable, for programs.
    """

    code = "error"


class ImageError(VerafaceError):
    """The image could not be decoded."""

    code = "bad_image"


class UnsupportedImageError(ImageError):
    """The bytes are not an image of a supported format, or their color mode has no clear 8-bit meaning."""

    code = "unsupported_image"


class UnreadableImageError(ImageError):
    """The bytes have a supported format but are empty, truncated or corrupt."""

    code = "unreadable_image"


def decoder_bomb_error(kind: str, what: str) -> UnreadableImageError:
    """Return the error for a file built to exhaust its decoder."""
    return UnreadableImageError(f"the {kind} has far more {what} than any real image; save it again")


class ImageTooLargeError(ImageError):
    """The image exceeds a limit on bytes, pixels or side length; it was not decoded."""

    code = "image_too_large"


class VideoError(ImageError):
    """The video could not be decoded."""

    code = "bad_video"


class UnsupportedVideoError(VideoError, UnsupportedImageError):
    """The bytes are not a video of a supported format, or contain no video stream."""

    code = "unsupported_video"


class UnreadableVideoError(VideoError, UnreadableImageError):
    """The bytes have a supported format but are empty, truncated or corrupt."""

    code = "unreadable_video"


class VideoTooLargeError(VideoError, ImageTooLargeError):
    """The video exceeds a limit on bytes, pixels, seconds or frames; no more of it was decoded."""

    code = "video_too_large"


def image_error(code: str, message: str) -> ImageError:
    """Return the exception for a code and message that were raised in another process."""
    kinds = [ImageError]
    for kind in kinds:
        kinds += kind.__subclasses__()
    return next((kind for kind in kinds if kind.code == code), ImageError)(message)


class ModelError(VerafaceError):
    """A model is unknown, or its file or card is missing, damaged or does not fit this version."""

    code = "bad_model"


class DataError(VerafaceError):
    """A data set or an output folder cannot be used; raised before any work starts."""

    code = "bad_data"


class QueueFullError(VerafaceError):
    """The queue of tasks is full; `retry_after_s` estimates when there is room again."""

    code = "overloaded"

    def __init__(self, retry_after_s: int) -> None:
        super().__init__("the queue is full; try again in a moment")
        self.retry_after_s = retry_after_s


class DeadlineExceededError(VerafaceError):
    """A task did not finish within its timeout, and its worker was stopped."""

    code = "too_slow"


class WorkerLostError(VerafaceError):
    """A worker ended during a task for a reason unrelated to the file."""

    code = "worker_lost"


class WorkerCrashedError(VerafaceError):
    """A file crashed the worker or exhausted its CPU time."""

    code = "worker_crashed"
