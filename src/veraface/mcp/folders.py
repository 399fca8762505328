"""Files that an assistant may read: regular ones inside the folders that the user has named."""

import os
import stat
from collections.abc import Iterable
from io import BufferedReader
from pathlib import Path

from veraface.errors import VerafaceError


class FileRefusedError(VerafaceError, code="file_refused"):
    """The path names no readable file in the allowed folders."""


class AllowedFolders:
    """Opens files in some folders and nowhere else, whatever links lead there."""

    def __init__(self, folders: Iterable[Path]) -> None:
        """Resolve the folders; raise VerafaceError if one is not a folder."""
        self.folders: tuple[Path, ...] = tuple(_resolved_folder(folder) for folder in folders)
        if not self.folders:
            raise VerafaceError("name at least one folder whose files may be read")

    def open(self, path: str) -> BufferedReader:
        """Open a file for reading.

        Args:
            path: absolute, or relative to one of the folders. Symbolic links are followed if they lead to a
                file in one of the folders.

        Raises:
            FileRefusedError: it is not a regular file in a folder. The message is the same for a file outside
                as for a missing one, so that an assistant cannot find out which files exist elsewhere.
        """
        for folder in self.folders:
            try:
                real = (folder / path).resolve(strict=True)
            except (OSError, ValueError, RuntimeError):  # missing, a NUL in the name, a loop of links
                continue
            for allowed in self.folders:
                if real.is_relative_to(allowed) and real != allowed:
                    return _open_beneath(allowed, real.relative_to(allowed), path)
        names = ", ".join(map(str, self.folders))
        raise FileRefusedError(f"{path!r}: no such file in the allowed folders ({names})")


def _resolved_folder(folder: Path) -> Path:
    try:
        real = folder.resolve(strict=True)
    except (OSError, ValueError, RuntimeError) as error:
        if isinstance(error, FileNotFoundError):
            raise VerafaceError(f"{folder}: no such folder; name an existing one") from error
        reason = error.strerror if isinstance(error, OSError) else error
        raise VerafaceError(f"{folder}: cannot be opened ({reason}); name another folder") from error
    if not real.is_dir():
        raise VerafaceError(f"{folder}: is a file; name the folder that contains it")
    return real


def _open_beneath(folder: Path, relative: Path, shown: str) -> BufferedReader:
    """Open a resolved path step by step, following no link: one that appears meanwhile is refused."""
    at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for part in relative.parts[:-1]:
            step = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=at)
            os.close(at)
            at = step
        # Without O_NONBLOCK, opening a pipe would wait for its writer.
        file = os.open(relative.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=at)
    except OSError as error:
        raise FileRefusedError(f"{shown!r}: cannot be read: {error.strerror}") from error
    finally:
        os.close(at)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise FileRefusedError(f"{shown!r}: is not a regular file")
    return os.fdopen(file, "rb")
