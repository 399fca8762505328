"""Which images of a scan are wanted."""

import fnmatch
from dataclasses import dataclass
from pathlib import PurePosixPath

from veraface.imaging.extensions import IMAGE_EXTENSIONS
from veraface.scan.item import Item


@dataclass(frozen=True)
class Filter:
    """Which of the images listed are wanted."""

    include: tuple[str, ...] = ()  # patterns as of a shell; without any, names with the suffix of an image
    since: float | None = (
        None  # seconds since 1970: only what was modified then or later, or at no known time
    )
    limit: int | None = None  # the first so many

    def takes(self, item: Item, name: str | None = None) -> bool:
        """Whether an image found in a folder or an archive, there by that name, is wanted."""
        return item.trouble is not None or (self._recent(item) and self._named(name or item.location))

    def takes_named(self, item: Item) -> bool:
        """Whether one that was given by its own name is wanted, which needs no suffix."""
        return self.takes(item) if self.include else item.trouble is not None or self._recent(item)

    def _recent(self, item: Item) -> bool:
        return self.since is None or item.modified is None or item.modified >= self.since

    def _named(self, name: str) -> bool:
        base = name.replace("\\", "/").rsplit("/", 1)[-1]
        if self.include:
            return any(
                fnmatch.fnmatch(base, pattern) or fnmatch.fnmatch(name, pattern) for pattern in self.include
            )
        return not base.startswith(".") and PurePosixPath(base).suffix.lower() in IMAGE_EXTENSIONS
