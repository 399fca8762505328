"""What stands in for the worker processes where a test runs the application inside its own process."""

from collections.abc import Callable
from typing import Any

import anyio.to_thread

from veraface.detector import Detector
from veraface.provenance.credentials import CredentialReader
from veraface.workers.launcher import ModelInfo
from veraface.workers.tasks import TASKS, TaskContext


class InProcess:
    """Judges with a detector in this process, without queue and limits."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._context = TaskContext(detector, CredentialReader())
        self.greeting: ModelInfo | None = None
        self.failure: str | None = None
        self.on_failure: Callable[[], None] = lambda: None

    waiting = busy = alive = 0

    async def start(self) -> None:
        card = self._detector.card.to_dict()
        self.greeting = ModelInfo(card, self._detector.model_info)

    async def close(self) -> None:
        pass

    def ensure_capacity(self) -> None:
        pass

    async def run(
        self,
        task: str,
        content: bytes,
        *,
        options: dict[str, Any],
        timeout_s: float,
        progress: Callable[[dict[str, Any]], None] = lambda _: None,
    ) -> dict[str, Any]:
        return await anyio.to_thread.run_sync(TASKS[task], self._context, content, options, progress)


class Broken(InProcess):
    """Stands for any fault in the server's own code, with a text that must not get out."""

    text = "secret from /home/somebody/picture.jpg"

    def __init__(self) -> None:
        super().__init__(Detector())

    async def run(self, task: str, content: bytes, **asked: Any) -> dict[str, Any]:
        raise RuntimeError(self.text)
