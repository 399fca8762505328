"""Why a task has no result."""

from veraface.errors import VerafaceError


class QueueFullError(VerafaceError):
    """The queue is full; `retry_after_s` estimates when there is room again."""

    code = "overloaded"

    def __init__(self, retry_after_s: int) -> None:
        super().__init__("the queue is full; try again in a moment")
        self.retry_after_s = retry_after_s


class DeadlineExceededError(VerafaceError):
    """The task did not finish within its timeout, and its worker was stopped."""

    code = "too_slow"


class WorkerLostError(VerafaceError):
    """The worker ended during the task for a reason unrelated to the file."""

    code = "worker_lost"


class WorkerCrashedError(VerafaceError):
    """The file crashed the worker or exhausted its CPU time."""

    code = "worker_crashed"


class WorkerFaultError(Exception):
    """An exception in a task, which is a bug; the text holds its type and traceback, nothing of the file."""
