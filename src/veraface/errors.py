"""Every error that Veraface raises on purpose; each message says what was wrong and what to do."""


class VerafaceError(Exception):
    """Base of all errors raised by Veraface; `code` is stable and meant for programs."""

    code = "error"


class ImageError(VerafaceError):
    """The image could not be turned into pixels."""

    code = "bad_image"


class UnsupportedImageError(ImageError):
    """The bytes are no image of a supported format, or use a mode without a clear 8-bit meaning."""

    code = "unsupported_image"


class UnreadableImageError(ImageError):
    """The bytes name a supported format but are broken: empty, cut off or corrupt."""

    code = "unreadable_image"


def decoder_bomb_error(kind: str, what: str) -> UnreadableImageError:
    """For a file built to exhaust its decoder."""
    return UnreadableImageError(f"the {kind} has far more {what} than any real image; save it again")


class ImageTooLargeError(ImageError):
    """The image is over a limit of bytes, pixels or side; it was not decoded."""

    code = "image_too_large"


class VideoError(ImageError):
    """The video could not be turned into images."""

    code = "bad_video"


class UnsupportedVideoError(VideoError, UnsupportedImageError):
    """The bytes are no video of a supported format, or hold no moving image."""

    code = "unsupported_video"


class UnreadableVideoError(VideoError, UnreadableImageError):
    """The bytes name a supported format but are broken: empty, cut off or corrupt."""

    code = "unreadable_video"


class VideoTooLargeError(VideoError, ImageTooLargeError):
    """The video is over a limit of bytes, pixels, seconds or images; no more of it was decoded."""

    code = "video_too_large"


def image_error(code: str, message: str) -> ImageError:
    """The error that such a code and message came from: it may have been raised in another process."""
    kinds = [ImageError]
    for kind in kinds:
        kinds += kind.__subclasses__()
    return next((kind for kind in kinds if kind.code == code), ImageError)(message)


class ModelError(VerafaceError):
    """A model file or its card is missing, damaged or does not fit this version."""

    code = "bad_model"


class DataError(VerafaceError):
    """A data set cannot be trained or judged on as it is; raised before any work starts."""

    code = "bad_data"
