"""A limit on videos that are processed at the same time."""

from collections.abc import Iterator
from contextlib import contextmanager

from veraface.server.errors import ApiError

_RETRY_AFTER_S = 5


class VideoSlots:
    """Slots for videos; the other workers are left to images.

    Attributes:
        free: How many slots are free.
    """

    def __init__(self, count: int) -> None:
        self.free = count

    def ensure_free(self) -> None:
        """Reject a video that could not be processed now.

        Raises:
            ApiError: 503 if all slots are taken.
        """
        if self.free < 1:
            message = "this server is busy with other videos; try again in a moment"
            raise ApiError(503, "overloaded", message, retry_after_s=_RETRY_AFTER_S)

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Take a slot for as long as the context lasts."""
        self.ensure_free()
        self.free -= 1
        try:
            yield
        finally:
            self.free += 1
