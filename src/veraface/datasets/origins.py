"""Images of a folder, a zip or tar archive, or a bare git repository, without unpacking it.

Contents are untrusted: at most one byte more than the limit on image files is read of each, archive members
that are links are skipped, and git runs no program, hook or network transfer.
"""

import os
import subprocess  # nosec B404  # runs git only
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import IO

from veraface.datasets.folders import media
from veraface.errors import DataError, ImageError
from veraface.imaging.decode import ImageLimits, read_bytes
from veraface.imaging.extensions import IMAGE_EXTENSIONS

# Path within the origin, with "/" between its parts; and the content, None if it cannot be read.
Content = tuple[str, bytes | None]

_MAX_BYTES = ImageLimits.max_bytes
_DISCARD = 2**20  # bytes read at once of files above the limit
# Without lazy fetches and transports, a partial clone cannot make git run a program or use the network.
_GIT_ENVIRONMENT = {"GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": "none", "GIT_TERMINAL_PROMPT": "0"}


def read_origin(origin: Path, include: Sequence[str] = (), *, history: bool = False) -> Iterator[Content]:
    """Yield the images of an origin in an order that depends on their paths only, as if shuffled.

    A part of them is then a random sample. Tar archives are read in their own order, as seeking in them is
    slow.

    Args:
        origin: a folder, a .zip file, a tar archive (.tar, also compressed), or a bare git repository.
        include: shell patterns of paths within the origin, of which one must match; "*" also matches "/".
        history: of a git repository, also read files that its newest commit lacks.

    Raises:
        DataError: the origin cannot be read, or is nothing of these.
    """
    if history and not _is_git(origin):
        raise DataError(f"{origin}: only a bare git repository has a history")
    try:
        if _is_git(origin):
            yield from _read_git(origin, include, history)
        elif origin.is_dir():
            paths = {path.relative_to(origin).as_posix(): path for path in media(origin)}
            for name in _chosen(paths, include):
                yield name, _read_file(paths[name])
        elif zipfile.is_zipfile(origin):
            yield from _read_zip(origin, include)
        elif origin.is_file() and tarfile.is_tarfile(origin):
            yield from _read_tar(origin, include)
        else:
            raise DataError(f"{origin}: not a folder, zip or tar archive, or bare git repository")
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, tarfile.TarError) as error:
        raise DataError(f"{origin}: cannot be read: {error}") from error


def _chosen(names: Iterable[str], include: Sequence[str]) -> list[str]:
    """Return the names that are included, ordered by their hashes."""
    return sorted((n for n in names if _included(n, include)), key=lambda n: sha256(os.fsencode(n)).digest())


def _included(name: str, include: Sequence[str]) -> bool:
    path = PurePosixPath(name)
    if path.suffix.lower() not in IMAGE_EXTENSIONS or path.name.startswith(".") or "__MACOSX" in path.parts:
        return False
    return not include or any(fnmatchcase(name, pattern) for pattern in include)


def _read_file(path: Path) -> bytes | None:
    try:
        return read_bytes(path)
    except ImageError:
        return None


def _read_zip(origin: Path, include: Sequence[str]) -> Iterator[Content]:
    with zipfile.ZipFile(origin) as archive:
        members = {member.filename: member for member in archive.infolist() if not member.is_dir()}
        for name in _chosen(members, include):
            # Python's zipfile decompresses the other methods without a size limit.
            if members[name].compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                yield name, None
                continue
            try:
                with archive.open(members[name]) as file:
                    yield name, _limited(file.read(_MAX_BYTES + 1))
            except (
                RuntimeError,
                OSError,
                EOFError,
                zlib.error,
                zipfile.BadZipFile,
            ):  # RuntimeError: password
                yield name, None


def _read_tar(origin: Path, include: Sequence[str]) -> Iterator[Content]:
    with tarfile.open(origin, "r|*") as archive:
        for member in archive:
            if member.isfile() and _included(member.name, include):
                content = archive.extractfile(member)
                assert content is not None  # a regular file has content
                yield member.name, _limited(content.read(_MAX_BYTES + 1))


def _limited(content: bytes) -> bytes | None:
    return content if len(content) <= _MAX_BYTES else None


def _is_git(origin: Path) -> bool:
    return (origin / "objects").is_dir() and (origin / "HEAD").is_file()


def _read_git(origin: Path, include: Sequence[str], history: bool) -> Iterator[Content]:
    """Yield files of the newest commit, or each distinct content of all commits under one of its paths."""
    listing = _git_history(origin) if history else _git_head(origin)
    objects = dict(listing)  # by path; the newest content of a path
    command = _git(origin, "cat-file", "--batch")
    environment = os.environ | _GIT_ENVIRONMENT
    with subprocess.Popen(  # nosec B603
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            for name in _chosen(objects, include):
                process.stdin.write(objects[name].encode() + b"\n")
                process.stdin.flush()
                yield name, _read_object(process.stdout)
        finally:
            process.kill()


def _read_object(output: IO[bytes]) -> bytes | None:
    """Read one answer of `git cat-file --batch`; None for an object that is missing, no file or too large."""
    header = output.readline().split()
    if not header:
        raise EOFError("git has ended")
    if len(header) != 3:  # "ID missing"
        return None
    size = int(header[2])
    content = output.read(size) if size <= _MAX_BYTES else None
    for start in range(0, size if content is None else 0, _DISCARD):
        output.read(min(_DISCARD, size - start))
    output.read(1)  # the newline after the content
    return content if header[1] == b"blob" else None


def _git_head(origin: Path) -> Iterator[tuple[str, str]]:
    """Yield path and object of each file of the newest commit."""
    for entry in _run_git(origin, "ls-tree", "-r", "-z", "HEAD").split("\0"):
        mode, _, rest = entry.partition(" ")
        if mode.startswith("100"):  # a regular file, no link or submodule
            described, _, path = rest.partition("\t")
            yield path, described.split()[1]


def _git_history(origin: Path) -> Iterator[tuple[str, str]]:
    """Yield path and object of each distinct file of all commits, oldest first."""
    lines = _run_git(origin, "rev-list", "--objects", "--all", "--missing=allow-any").splitlines()
    for line in reversed(lines):
        name, _, path = line.partition(" ")
        if path:
            yield path, name


def _run_git(origin: Path, *arguments: str) -> str:
    done = subprocess.run(  # nosec B603
        _git(origin, *arguments), capture_output=True, env=os.environ | _GIT_ENVIRONMENT, check=False
    )
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
        raise DataError(f"{origin}: git {arguments[0]} failed: {lines[-1]}")
    return os.fsdecode(done.stdout)


def _git(origin: Path, *arguments: str) -> list[str]:
    return ["git", f"--git-dir={origin}", "--no-pager", *arguments]
