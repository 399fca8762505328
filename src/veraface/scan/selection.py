"""Select the images of a scan by name, time and content, and count what is left out."""

import fnmatch
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath

from veraface.errors import UnreadableImageError
from veraface.imaging.extensions import IMAGE_EXTENSIONS
from veraface.scan.item import Filter, Item, read_start

SNIFF_BYTES = 1024  # enough for every format
_MAX_EXTENSION = 12  # characters, the dot included; of longer ones only their number is counted
_MAX_REASONS = 200
_NO_EXTENSION, _OTHER_EXTENSIONS = "without extension", "other extensions"
_SHOWN = 8


class Selection:
    """Applies a filter to listed files, and counts those it leaves out by reason.

    An item with an error is always accepted: it gets a row.

    Attributes:
        left_out: number of files by reason, which is an extension where the name was the reason.
    """

    def __init__(self, filters: Filter, left_out: Counter[str] | None = None) -> None:
        self._filters = filters
        self.left_out = Counter[str]() if left_out is None else left_out

    @property
    def enters_hidden_folders(self) -> bool:
        """Whether hidden files and folders are selected too."""
        return self._filters.all_files

    def accepts(self, item: Item, name: str | None = None, head: Callable[[], bytes] | None = None) -> bool:
        """Return whether to scan an image found in a folder, or by this name in an archive.

        `head` returns its first bytes; by default they are read from its location.
        """
        if item.error is not None:
            return True
        reason = self._too_old(item)
        if reason is None:
            reason = self._by_name(name or item.location)
            if reason is not None and self._filters.all_files:
                reason = _by_content(head or (lambda: read_start(item.location, SNIFF_BYTES)))
        return self._count(reason)

    def accepts_named(self, item: Item) -> bool:
        """Return whether to scan an image that was named itself; no extension is required then."""
        if self._filters.include:
            return self.accepts(item)
        return item.error is not None or self._count(self._too_old(item))

    def leave_out(self, reason: str) -> None:
        """Count a file that is not listed at all."""
        if len(self.left_out) >= _MAX_REASONS and reason not in self.left_out:
            reason = _OTHER_EXTENSIONS
        self.left_out[reason] += 1

    def _count(self, reason: str | None) -> bool:
        if reason is not None:
            self.leave_out(reason)
        return reason is None

    def _too_old(self, item: Item) -> str | None:
        since = self._filters.since
        is_recent = since is None or item.modified is None or item.modified >= since
        return None if is_recent else "modified before --since"

    def _by_name(self, name: str) -> str | None:
        base = name.replace("\\", "/").rsplit("/", 1)[-1]
        if include := self._filters.include:
            matches = any(fnmatch.fnmatch(part, pattern) for pattern in include for part in (base, name))
            return None if matches else "not matched by --include"
        if base.startswith("."):
            return "hidden files"
        extension = PurePosixPath(base).suffix.lower()
        if extension in IMAGE_EXTENSIONS:
            return None
        if len(extension) > _MAX_EXTENSION or not extension.isprintable():
            return _OTHER_EXTENSIONS
        return extension or _NO_EXTENSION


def _by_content(head: Callable[[], bytes]) -> str | None:
    from veraface.imaging.formats import sniff_format  # loads all decoders

    try:
        return None if sniff_format(head()) else "no images, by their content"
    except UnreadableImageError:
        return "unreadable, and not named like an image"


def left_out_lines(left_out: Mapping[str, int]) -> list[str]:
    """Return a line of text for each reason why files were left out; one for all extensions together."""
    names = {reason: count for reason, count in left_out.items() if _is_extension(reason)}
    lines = [f"{count} {reason}" for reason, count in left_out.items() if reason not in names]
    if names:
        ranked = sorted(names.items(), key=lambda entry: (-entry[1], entry[0]))
        parts = [f"{count} {reason}" for reason, count in ranked[:_SHOWN]]
        if rest := sum(count for _, count in ranked[_SHOWN:]):
            parts.append(f"{rest} others")
        what = f"not named like images ({', '.join(parts)}; --all checks their content)"
        lines.insert(0, f"{sum(names.values())} {what}")
    return lines


def _is_extension(reason: str) -> bool:
    return reason.startswith(".") or reason in (_NO_EXTENSION, _OTHER_EXTENSIONS)
