"""Filters that select images of a scan."""

import fnmatch
from dataclasses import dataclass
from pathlib import PurePosixPath

from veraface.imaging.extensions import IMAGE_EXTENSIONS
from veraface.scan.item import Item


@dataclass(frozen=True)
class Filter:
    """Selects images by name, time and count."""

    include: tuple[str, ...] = ()  # shell patterns; if empty, names with the extension of an image
    since: float | None = None  # seconds since 1970: only images modified then or later, or at no known time
    limit: int | None = None  # only the first `limit` images

    @property
    def nothing_found(self) -> str:
        """The error message if no image was found."""
        options = [name for name, value in (("--include", self.include), ("--since", self.since)) if value]
        if options:
            return f"no image matched {' and '.join(options)}"
        return "no image was found; use --include for names without the extension of an image"

    def accepts(self, item: Item, name: str | None = None) -> bool:
        """Return whether to scan an image that was found in a folder or archive.

        Args:
            item: The image; one with an error is always accepted, so that the error gets a row.
            name: Its name within the archive; its location if None.
        """
        return item.error is not None or (self._is_recent(item) and self._matches(name or item.location))

    def accepts_named(self, item: Item) -> bool:
        """Return whether to scan an image that was named itself; no extension is required then."""
        return self.accepts(item) if self.include else item.error is not None or self._is_recent(item)

    def _is_recent(self, item: Item) -> bool:
        return self.since is None or item.modified is None or item.modified >= self.since

    def _matches(self, name: str) -> bool:
        base = name.replace("\\", "/").rsplit("/", 1)[-1]
        if self.include:
            return any(
                fnmatch.fnmatch(base, pattern) or fnmatch.fnmatch(name, pattern) for pattern in self.include
            )
        return not base.startswith(".") and PurePosixPath(base).suffix.lower() in IMAGE_EXTENSIONS
