"""An assistant reads regular files in the named folders, and nothing else."""

import os
import threading
from pathlib import Path

import pytest

from veraface.errors import VerafaceError
from veraface.mcp.folders import AllowedFolders, FileRefusedError

SECRET = b"secret"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Make an allowed folder beside a file that must stay out of reach."""
    (tmp_path / "secret.txt").write_bytes(SECRET)
    (tmp_path / "allowed-too").mkdir()
    (tmp_path / "allowed-too" / "secret.txt").write_bytes(SECRET)
    root = tmp_path / "allowed"
    (root / "sub").mkdir(parents=True)
    (root / "a.txt").write_bytes(b"a")
    (root / "sub" / "b.txt").write_bytes(b"b")
    (root / "to-inside").symlink_to(root / "sub" / "b.txt")
    (root / "to-outside").symlink_to(tmp_path / "secret.txt")
    (root / "folder-outside").symlink_to(tmp_path)
    (root / "relative-outside").symlink_to("../secret.txt")
    (root / "loop").symlink_to("loop")
    os.mkfifo(root / "pipe")
    return root


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("a.txt", b"a"),
        ("sub/b.txt", b"b"),
        ("./sub/../a.txt", b"a"),
        ("to-inside", b"b"),
        ("{root}/a.txt", b"a"),
    ],
)
def test_files_inside_are_read(root: Path, path: str, content: bytes) -> None:
    with AllowedFolders([root]).open(path.format(root=root)) as file:
        assert file.read() == content


@pytest.mark.parametrize(
    "path",
    [
        "../secret.txt",
        "sub/../../secret.txt",
        "{root}/../secret.txt",
        "{root}-too/secret.txt",  # a name that begins like the folder's
        "../allowed-too/secret.txt",
        "to-outside",
        "relative-outside",
        "folder-outside/secret.txt",
        "folder-outside/allowed-too/secret.txt",
        "/etc/passwd",
        "//etc/passwd",
        "/proc/self/environ",
        "/dev/stdin",
        "/proc/self/cwd/secret.txt",
        "~/secret.txt",
        "file:///etc/passwd",
        "loop",
        "none",
        "",
        ".",
        "sub",
        "pipe",
        "a.txt\0",
        "\udcff",
        "x" * 5000,
        "sub/" * 3000,
    ],
)
def test_nothing_else_is_read(root: Path, path: str) -> None:
    with pytest.raises(FileRefusedError) as refused:
        AllowedFolders([root]).open(path.format(root=root))
    assert "secret" not in str(refused.value).replace(path.format(root=root), "")


def test_a_file_outside_looks_like_a_missing_one(root: Path) -> None:
    messages = []
    for path in ("../secret.txt", "../missing.txt"):
        with pytest.raises(FileRefusedError) as refused:
            AllowedFolders([root]).open(path)
        messages.append(str(refused.value).replace(path, "PATH"))
    assert messages[0] == messages[1]


def test_a_link_that_appears_between_check_and_open_is_not_followed(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = AllowedFolders([root])
    resolve = Path.resolve

    def swap(path: Path, strict: bool = False) -> Path:
        real = resolve(path, strict=strict)
        if real.name == "b.txt":  # after the check, somebody replaces the folder by a link
            (root / "sub").rename(root / "moved")
            (root / "sub").symlink_to(root.parent / "allowed-too")
            (root.parent / "allowed-too" / "b.txt").write_bytes(SECRET)
        return real

    monkeypatch.setattr(Path, "resolve", swap)
    with pytest.raises(FileRefusedError, match="cannot be read"):
        folders.open("sub/b.txt")


def test_swapping_links_all_the_time_reveals_nothing(root: Path) -> None:
    folders, stop = AllowedFolders([root]), threading.Event()
    target = root / "changing"

    def swap() -> None:
        while not stop.is_set():
            for goal in (root / "a.txt", root.parent / "secret.txt"):
                target.unlink(missing_ok=True)
                target.symlink_to(goal)

    thread = threading.Thread(target=swap)
    thread.start()
    read = set()
    try:
        for _ in range(3000):
            try:
                with folders.open("changing") as file:
                    read.add(file.read())
            except FileRefusedError:
                pass
    finally:
        stop.set()
        thread.join()
    assert SECRET not in read


def test_several_folders(root: Path) -> None:
    folders = AllowedFolders([root / "sub", root.parent / "allowed-too"])
    for path in ("b.txt", "secret.txt"):
        folders.open(path).close()
    with pytest.raises(FileRefusedError):
        folders.open("a.txt")


def test_a_folder_that_is_none_is_refused(root: Path) -> None:
    for path, reason in (
        (root / "none", "no such folder; name an existing one"),
        (root / "a.txt", "is a file"),
    ):
        with pytest.raises(VerafaceError, match=reason):
            AllowedFolders([path])
    with pytest.raises(VerafaceError, match="at least one folder"):
        AllowedFolders([])
