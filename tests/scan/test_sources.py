"""What a scan is given, as the images in it."""

import bz2
import gzip
import io
import lzma
import os
import subprocess
import tarfile
import threading
import time
import warnings
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet
import pytest

from veraface.errors import DataError, ImageTooLargeError, UnreadableImageError
from veraface.scan.filters import Filter
from veraface.scan.item import Item, read
from veraface.scan.sources import can_be_counted, list_items

FILES = {"a.jpg": b"one", "b.PNG": b"two", "deep/c.webp": b"three", "notes.md": b"x", ".hidden.jpg": b"y"}


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, content in FILES.items():
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def listed(*sources: str, choice: Filter | None = None) -> dict[str, bytes]:
    return {item.path: read(item, 1000) for item in list_items(sources, choice)}


def test_a_folder_gives_its_pictures_by_name_and_no_other_files(tree: Path) -> None:
    found = listed("tree")
    assert found == {"tree/a.jpg": b"one", "tree/b.PNG": b"two", "tree/deep/c.webp": b"three"}
    assert list(found) == sorted(found)


def test_a_folder_that_leads_back_to_itself_is_read_once(tree: Path) -> None:
    (tree / "tree" / "deep" / "round").symlink_to(tree / "tree", target_is_directory=True)
    assert len(listed("tree")) == 3


def test_folders_may_lie_deeper_than_calls_may_nest(tree: Path) -> None:
    top = path = tree / "tree" / "d"
    path.mkdir()
    try:
        for _ in range(1200):
            path = path / "d"
            path.mkdir()
        assert len(listed("tree")) == 3
    finally:
        subprocess.run(["rm", "-rf", top], check=True)  # which Python 3.11 cannot delete either


def test_a_link_to_itself_hides_nothing(tree: Path) -> None:
    (tree / "tree" / "self").symlink_to("self")
    (tree / "tree" / "deep" / "self.jpg").symlink_to("self.jpg")
    found = {item.path: item for item in list_items(["tree"])}
    assert [*found] == ["tree/a.jpg", "tree/b.PNG", "tree/deep/c.webp", "tree/deep/self.jpg"]
    with pytest.raises(UnreadableImageError):
        read(found["tree/deep/self.jpg"], 100)


def test_a_folder_that_cannot_be_read_is_told(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may be allowed to read everything, so the system's answer is made up."""
    scandir = os.scandir

    def forbidden(path: str) -> Any:
        if str(path).endswith("deep"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", forbidden)
    *others, folder = list_items(["tree"], Filter(include=("a.*", "b.*")))
    assert [item.path for item in others] == ["tree/a.jpg", "tree/b.PNG"]
    assert (folder.path, folder.trouble) == ("tree/deep", "the folder cannot be read: Permission denied")


def test_patterns_do_not_follow_links_in_circles(tree: Path) -> None:
    for number in range(3):
        (tree / "tree" / "deep" / f"link{number}").symlink_to(".")
    assert listed("tree/**/*.webp") == {"tree/deep/c.webp": b"three"}
    assert listed("tree/**") == listed("tree")


def test_a_pattern_may_be_of_archives_some_of_them_damaged(tree: Path) -> None:
    pack_zip(tree / "one.zip")
    (tree / "three.zip").write_bytes(b"no archive")
    pack_zip(tree / "two.zip")
    found = list(list_items(["*.zip"]))
    assert [item.path.partition("/")[0] for item in found] == [
        *["one.zip"] * 3,
        "three.zip",
        *["two.zip"] * 3,
    ]
    assert [item.path for item in found if item.trouble] == ["three.zip"]


def test_a_pattern_gives_what_a_shell_would_hand_over(tree: Path) -> None:
    assert listed("tree/*") == listed("tree/a.jpg", "tree/b.PNG", "tree/deep")


def test_what_cannot_be_listed_twice_is_not_counted(tree: Path) -> None:
    os.mkfifo("list.txt")
    assert can_be_counted(["tree", "tree/a.jpg", "*.jpg"])
    for source in ("list.txt", "-", "http://example.org/a.jpg", "a.zip", "a.tar.gz", "a.parquet"):
        assert not can_be_counted(["tree", source])


def test_a_file_needs_no_suffix(tree: Path) -> None:
    assert listed("tree/notes.md", "tree/.hidden.jpg") == {"tree/notes.md": b"x", "tree/.hidden.jpg": b"y"}


def test_patterns(tree: Path) -> None:
    assert list(listed("tree/*.jpg")) == ["tree/a.jpg"]
    assert len(listed("tree/**/*")) == 3
    (tree / "odd[1].jpg").write_bytes(b"odd")
    assert listed("odd[1].jpg") == {"odd[1].jpg": b"odd"}  # a file of that name comes before a pattern


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        (Filter(include=("*.md",)), ["tree/notes.md"]),
        (Filter(include=("*/deep/*",)), ["tree/deep/c.webp"]),
        (Filter(limit=2), ["tree/a.jpg", "tree/b.PNG"]),
        (Filter(since=5000), ["tree/b.PNG"]),
        (Filter(since=5001), []),
    ],
)
def test_choice(tree: Path, choice: Filter, names: list[str]) -> None:
    for path in (tree / "tree").rglob("*"):
        os.utime(path, (1000, 1000))
    os.utime(tree / "tree" / "b.PNG", (5000, 5000))
    assert list(listed("tree", choice=choice)) == names


def pack_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in FILES.items():
            archive.writestr(name, content)


def pack_tar(path: Path, mode: str = "w") -> None:
    with tarfile.open(path, mode) as archive:
        for name, content in FILES.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def test_archives(tree: Path) -> None:
    pack_zip(tree / "p.zip")
    pack_tar(tree / "p.tar")
    pack_tar(tree / "p.tar.gz", "w:gz")
    for name in ("p.zip", "p.tar", "p.tar.gz"):
        found = listed(name)
        assert found == {f"{name}/a.jpg": b"one", f"{name}/b.PNG": b"two", f"{name}/deep/c.webp": b"three"}


def test_an_archive_that_breaks_off_keeps_what_came_before(tree: Path) -> None:
    pack_tar(tree / "p.tar")
    whole = (tree / "p.tar").read_bytes()
    (tree / "p.tar").write_bytes(whole[:1200])  # within the second file's header
    *found, broken = list_items(["p.tar"])
    assert [item.path for item in found] == ["p.tar/a.jpg"]
    assert "breaks off after 1 image" in str(pytest.raises(UnreadableImageError, read, broken, 10).value)
    compressed = gzip.compress(whole)
    (tree / "q.tar.gz").write_bytes(compressed[: len(compressed) // 2])
    assert "breaks off" in (list(list_items(["q.tar.gz"]))[-1].trouble or "")
    (tree / "q.tar.gz").write_bytes(compressed[:12])
    with pytest.raises(DataError, match=r"q\.tar\.gz: cannot be read"):
        list(list_items(["q.tar.gz"]))


def test_a_member_of_an_archive_is_read_no_further_than_allowed(tree: Path) -> None:
    with zipfile.ZipFile("bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.jpg", bytes(10**7))
    with tarfile.open("bomb.tar.gz", "w:gz") as archive:
        member = tarfile.TarInfo("a.jpg")
        member.size = 10**7
        archive.addfile(member, io.BytesIO(bytes(10**7)))
    for name in ("bomb.zip", "bomb.tar.gz"):
        (item,) = list_items([name], most_bytes=5000)
        assert item.content is None or len(item.content) == 5001
        with pytest.raises(ImageTooLargeError):
            read(item, 5000)


def test_links_in_an_archive_are_told_and_never_followed(tree: Path) -> None:
    with tarfile.open("p.tar", "w") as archive:
        for name, kind, target in (
            ("hard.jpg", tarfile.LNKTYPE, "a.jpg"),
            ("symbolic.jpg", tarfile.SYMTYPE, "/etc/passwd"),
        ):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = kind, target
            archive.addfile(link)
    found = [(item.path, item.trouble) for item in list_items(["p.tar"])]
    assert found == [
        ("p.tar/hard.jpg", "is a link within the archive, to a.jpg"),
        ("p.tar/symbolic.jpg", "is a link within the archive, to /etc/passwd"),
    ]


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_packed_archives_of_several_streams(tree: Path, pack: Callable[[bytes], bytes]) -> None:
    pack_tar(tree / "p.tar")
    whole = (tree / "p.tar").read_bytes()
    between = bytes(8) if pack is lzma.compress else b""
    (tree / "p.tar").write_bytes(pack(whole[:700]) + between + pack(whole[700:]) + between)
    assert list(listed("p.tar").values()) == [b"one", b"two", b"three"]


def test_members_of_the_same_name_are_told_apart(tree: Path) -> None:
    with zipfile.ZipFile("p.zip", "w") as packed, tarfile.open("p.tar", "w") as archive:
        for content in (b"one", b"two"):
            with warnings.catch_warnings(action="ignore"):
                packed.writestr("a.jpg", content)
            member = tarfile.TarInfo("a.jpg")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    for name in ("p.zip", "p.tar"):
        assert listed(name) == {f"{name}/a.jpg": b"one", f"{name}/a.jpg#2": b"two"}


def test_a_rare_packing_is_refused_as_it_has_no_bound(tree: Path) -> None:
    with zipfile.ZipFile("p.zip", "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("a.jpg", bytes(10**8))
    (item,) = list_items(["p.zip"])
    assert "packed in a rare way" in (item.trouble or "")


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz"])
def test_packed_archives_of_every_kind(tree: Path, mode: str) -> None:
    pack_tar(tree / "p.tar", mode)  # told by content, whatever the name
    assert list(listed("p.tar").values()) == [b"one", b"two", b"three"]


@pytest.mark.parametrize("seconds", ["nan", "inf", "1e400", str(2**60 + 1), "-1e30"])
def test_a_time_that_no_calendar_has_is_none(tree: Path, seconds: str) -> None:
    with tarfile.open("p.tar", "w", format=tarfile.PAX_FORMAT) as archive:
        member = tarfile.TarInfo("a.jpg")
        member.pax_headers = {"mtime": seconds}
        archive.addfile(member)
    (item,) = list_items(["p.tar"])
    assert item.modified is None


def test_a_member_with_a_password_says_so(tree: Path) -> None:
    pack_zip(tree / "p.zip")
    content = bytearray((tree / "p.zip").read_bytes())
    content[6] |= 1  # the flag of the first member's header, and of its entry in the directory
    content[content.index(b"PK\x01\x02") + 8] |= 1
    (tree / "p.zip").write_bytes(content)
    first = next(list_items(["p.zip"]))
    with pytest.raises(UnreadableImageError, match="password"):
        read(first, 100)


def test_a_list_with_odd_lines_gives_all_the_others(tree: Path) -> None:
    (tree / "tree" / "list.txt").write_bytes(b"\xef\xbb\xbfa.jpg\r\nb\0d.jpg\r\ndeep/c.webp")
    first, odd, last = list_items(["tree/list.txt"])
    assert (first.path, last.path) == ("tree/a.jpg", "tree/deep/c.webp")
    assert odd.trouble == "is not a valid path"
    (tree / "tree" / "list.txt").write_bytes(b"a.jpg\n" + b"x" * 10**6)
    first, rest = list_items(["tree/list.txt"])
    assert first.path == "tree/a.jpg"
    assert "a line is longer than any path" in (rest.trouble or "")


def test_lists(tree: Path) -> None:
    (tree / "tree" / "list.txt").write_text("a.jpg\n\n  deep/c.webp \nnotes.md\nnowhere.jpg\n")
    *found, missing = list_items(["tree/list.txt"])
    assert [read(item, 10) for item in found] == [b"one", b"three", b"x"]
    with pytest.raises(UnreadableImageError, match="no such file"):
        read(missing, 10)


def write_parquet(to: str, **columns: list[object]) -> None:
    pyarrow.parquet.write_table(pa.table(columns), to)


def test_tables_with_paths_or_bytes(tree: Path) -> None:
    write_parquet("paths.parquet", path=["tree/a.jpg", "tree/notes.md"], label=[0, 1])
    assert listed("paths.parquet") == {"tree/a.jpg": b"one", "tree/notes.md": b"x"}
    write_parquet("bytes.parquet", bytes=[b"1", None, b"2"], file_name=["a.jpg", "a.jpg", None])
    items = list(list_items(["bytes.parquet"]))
    assert [item.path for item in items] == [
        f"bytes.parquet/{name}" for name in ("0/a.jpg", "1/a.jpg", "2/row 2")
    ]
    assert (read(items[0], 10), read(items[2], 10)) == (b"1", b"2")
    with pytest.raises(UnreadableImageError, match="holds no image"):
        read(items[1], 10)
    write_parquet(
        "hub.parquet", image=[{"bytes": b"1", "path": "x.png"}, {"bytes": None, "path": "tree/a.jpg"}]
    )
    assert listed("hub.parquet") == {"hub.parquet/0/x.png": b"1", "tree/a.jpg": b"one"}
    write_parquet("other.parquet", label=[1])
    with pytest.raises(DataError, match=r"other\.parquet: no column of images or paths"):
        list(list_items(["other.parquet"]))


@pytest.fixture
def memory() -> Iterator[str]:
    system = fsspec.filesystem("memory")
    for name, content in FILES.items():
        system.pipe(f"/bucket/{name}", content)
    yield "memory://bucket"
    system.rm("/bucket", recursive=True)


def test_whatever_fsspec_opens(memory: str) -> None:
    names = {"a.jpg": b"one", "b.PNG": b"two", "deep/c.webp": b"three"}
    assert listed(memory) == {f"memory:///bucket/{name}": content for name, content in names.items()}
    assert list(listed(f"{memory}/*.jpg")) == ["memory:///bucket/a.jpg"]
    assert listed(f"{memory}/notes.md") == {"memory://bucket/notes.md": b"x"}
    with pytest.raises(DataError, match="nothing there|cannot be listed"):
        listed("memory://nowhere")
    with pytest.raises(DataError, match="nosuch"):
        listed("nosuch://bucket/x")


@pytest.fixture
def web(tree: Path) -> Iterator[str]:
    handler = partial(SimpleHTTPRequestHandler, directory=str(tree))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class Chunked(BaseHTTPRequestHandler):
    """Answers in pieces, without saying how long the whole is."""

    protocol_version = "HTTP/1.1"
    WHOLE = bytes(range(256)) * 1000

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for at in range(0, len(self.WHOLE), 40_000):
            part = self.WHOLE[at : at + 40_000]
            self.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
            self.wfile.flush()
            time.sleep(0.05)
        self.wfile.write(b"0\r\n\r\n")


def test_an_answer_in_pieces_is_read_to_its_end() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Chunked) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/a.jpg"
        assert read(Item(url, url), 10**6) == Chunked.WHOLE
        with pytest.raises(ImageTooLargeError):
            read(Item(url, url), 100_000)
        server.shutdown()


def test_a_signed_address_is_no_pattern(tree: Path, web: str) -> None:
    url = f"{web}/tree/a.jpg?Signature=a*b[c]"
    assert listed(url) == {url: b"one"}
    pack_tar(tree / "p.tar")
    assert len(listed(f"{web}/p.tar?Signature=abc")) == 3


def test_pictures_on_the_web(tree: Path, web: str) -> None:
    pack_zip(tree / "p.zip")
    assert listed(f"{web}/tree/a.jpg") == {f"{web}/tree/a.jpg": b"one"}
    with pytest.raises(DataError, match="range requests"):  # which this small server does not know
        listed(f"{web}/p.zip")
    (tree / "list.txt").write_text(f"{web}/tree/a.jpg\n{web}/missing.jpg\n")
    found, missing = list_items(["list.txt"])
    assert read(found, 10) == b"one"
    with pytest.raises(UnreadableImageError):
        read(missing, 10)


@pytest.mark.parametrize(
    "source", ["nowhere", "nowhere/*.jpg", "nowhere.zip", "nowhere.txt", "nowhere.parquet"]
)
def test_what_is_not_there_is_named(tree: Path, source: str) -> None:
    with pytest.raises(DataError) as caught:
        list(list_items([source]))
    assert str(caught.value).startswith(f"{source}: ")


def test_names_that_are_no_text_can_be_read_and_shown(tree: Path) -> None:
    name = os.fsdecode(b"tree/bad-\xff.jpg")
    Path(name).write_bytes(b"odd")
    found = listed("tree")
    assert found["tree/bad-\\xff.jpg"] == b"odd"


def test_no_two_names_look_the_same(tree: Path) -> None:
    (tree / "names").mkdir()
    for name in (b"\xff.jpg", rb"\xff.jpg", rb"\\xff.jpg"):
        Path(os.fsdecode(bytes(tree / "names") + b"/" + name)).write_bytes(name)
    found = listed("names")
    assert sorted(found.values()) == sorted([b"\xff.jpg", rb"\xff.jpg", rb"\\xff.jpg"])


def test_what_is_no_file_is_not_waited_for(tree: Path) -> None:
    os.mkfifo("tree/pipe.jpg")
    with pytest.raises(UnreadableImageError, match="no regular file"):
        read(Item("pipe.jpg", "tree/pipe.jpg"), 10)
