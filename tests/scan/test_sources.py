"""Listing the images in folders, patterns, archives, lists, tables and URLs."""

import bz2
import gzip
import io
import lzma
import os
import subprocess
import tarfile
import threading
import warnings
import zipfile
from collections import Counter
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
from veraface.imaging.decode import ImageLimits
from veraface.imaging.limits import MAX_BYTES
from veraface.scan.item import Filter, Item, read, read_up_to
from veraface.scan.selection import left_out_lines
from veraface.scan.sources import can_be_counted, list_images

TREE = ["tree/a.jpg", "tree/b.PNG", "tree/deep/c.webp"]  # the images among `FILES`, in order
FILES = {"a.jpg": b"one", "b.PNG": b"two", "deep/c.webp": b"three", "notes.md": b"x", ".hidden.jpg": b"y"}


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, content in FILES.items():
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def listed(*sources: str, filters: Filter | None = None) -> dict[str, bytes]:
    return {item.path: read(item, 1000) for item in list_images(sources, filters)}


def test_folder_yields_its_images_sorted_by_name(tree: Path) -> None:
    found = listed("tree")
    assert found == {"tree/a.jpg": b"one", "tree/b.PNG": b"two", "tree/deep/c.webp": b"three"}
    assert list(found) == sorted(found)


def test_links_to_parent_folders_are_not_followed(tree: Path) -> None:
    (tree / "tree" / "deep" / "round").symlink_to(tree / "tree", target_is_directory=True)
    assert list(listed("tree")) == TREE


def test_folders_may_be_deeper_than_the_recursion_limit(tree: Path) -> None:
    top = path = tree / "tree" / "d"
    path.mkdir()
    try:
        for _ in range(1200):
            path = path / "d"
            path.mkdir()
        assert list(listed("tree")) == TREE
    finally:
        subprocess.run(["rm", "-rf", top], check=True)  # which Python 3.11 cannot delete either


def test_link_to_itself_is_an_unreadable_image_or_ignored(tree: Path) -> None:
    (tree / "tree" / "self").symlink_to("self")
    (tree / "tree" / "deep" / "self.jpg").symlink_to("self.jpg")
    found = {item.path: item for item in list_images(["tree"])}
    assert [*found] == ["tree/a.jpg", "tree/b.PNG", "tree/deep/c.webp", "tree/deep/self.jpg"]
    with pytest.raises(UnreadableImageError):
        read(found["tree/deep/self.jpg"], 100)


def test_unreadable_folder_is_an_error_item(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error is simulated, because tests may run as root."""
    scandir = os.scandir

    def forbidden(path: str) -> Any:
        if str(path).endswith("deep"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", forbidden)
    *others, folder = list_images(["tree"], Filter(include=("a.*", "b.*")))
    assert [item.path for item in others] == ["tree/a.jpg", "tree/b.PNG"]
    assert (folder.path, folder.error) == ("tree/deep", "the folder cannot be read: Permission denied")


def test_patterns_do_not_follow_links_in_circles(tree: Path) -> None:
    for number in range(3):
        (tree / "tree" / "deep" / f"link{number}").symlink_to(".")
    assert listed("tree/**/*.webp") == {"tree/deep/c.webp": b"three"}
    assert listed("tree/**") == listed("tree")


def test_pattern_of_archives_with_a_damaged_one(tree: Path) -> None:
    make_zip(tree / "one.zip")
    (tree / "three.zip").write_bytes(b"no archive")
    make_zip(tree / "two.zip")
    found = list(list_images(["*.zip"]))
    assert [item.path.partition("/")[0] for item in found] == [
        *["one.zip"] * 3,
        "three.zip",
        *["two.zip"] * 3,
    ]
    assert [item.path for item in found if item.error] == ["three.zip"]


def test_pattern_expands_like_in_a_shell(tree: Path) -> None:
    assert listed("tree/*") == listed("tree/a.jpg", "tree/b.PNG", "tree/deep")


def test_only_cheap_sources_are_counted(tree: Path) -> None:
    os.mkfifo("list.txt")
    assert can_be_counted(["tree", "tree/a.jpg", "*.jpg"])
    for source in ("list.txt", "-", "http://example.org/a.jpg", "a.zip", "a.tar.gz", "a.parquet"):
        assert not can_be_counted(["tree", source])


def test_named_file_needs_no_extension(tree: Path) -> None:
    assert listed("tree/notes.md", "tree/.hidden.jpg") == {"tree/notes.md": b"x", "tree/.hidden.jpg": b"y"}


def test_patterns(tree: Path) -> None:
    assert list(listed("tree/*.jpg")) == ["tree/a.jpg"]
    assert list(listed("tree/**/*")) == TREE
    (tree / "odd[1].jpg").write_bytes(b"odd")
    assert listed("odd[1].jpg") == {"odd[1].jpg": b"odd"}  # a file of that name comes before a pattern


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        (Filter(include=("*.md",)), ["tree/notes.md"]),
        (Filter(include=("*/deep/*",)), ["tree/deep/c.webp"]),
        (Filter(limit=2), ["tree/a.jpg", "tree/b.PNG"]),
        (Filter(since=5000), ["tree/b.PNG"]),
        (Filter(since=5001), []),
    ],
)
def test_filters(tree: Path, filters: Filter, names: list[str]) -> None:
    for path in (tree / "tree").rglob("*"):
        os.utime(path, (1000, 1000))
    os.utime(tree / "tree" / "b.PNG", (5000, 5000))
    assert list(listed("tree", filters=filters)) == names


# As cameras, phones, browsers and systems leave them.
CAMERA = {
    **dict.fromkeys(("DSC1.HIF", "a.heics", "b.avifs", "c.MPO", "d.pjpeg", "e.jpg_large", "f.dib"), b"named"),
    **{"noext": b"\xff\xd8\xff", "shot.jpg.download": b"\x89PNG", ".hidden.gif": b"GIF89a"},
    **{"clip.mp4": b"\0\0\0\x18ftypmp42", "raw.CR3": b"x", "raw2.cr3": b"x", "._a.jpg": b"\0\5\x16\7"},
    **{"odd.2026-11-29 at noon": b"x", ".cache/thumb.jpg": b"thumb"},
}
NAMED = ["DSC1.HIF", "a.heics", "b.avifs", "c.MPO", "d.pjpeg", "e.jpg_large", "f.dib"]
SNIFFED = sorted([*NAMED, "noext", "shot.jpg.download", ".hidden.gif"]) + [".cache/thumb.jpg"]


def camera_folder(where: Path) -> None:
    for name, content in CAMERA.items():
        path = where / "camera" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (where / "camera" / "up").symlink_to(where, target_is_directory=True)


def camera_zip(where: Path) -> None:
    with zipfile.ZipFile(where / "camera.zip", "w") as archive:
        for name, content in CAMERA.items():
            archive.writestr(name, content)


def camera_tar(where: Path) -> None:
    camera_folder(where)
    with tarfile.open(where / "camera.tar", "w") as archive:
        for name in CAMERA:
            archive.add(where / "camera" / name, name)


@pytest.mark.parametrize(
    ("source", "make"),
    [
        *(("camera", camera_folder), ("camera/**", camera_folder)),
        *(("camera.zip", camera_zip), ("camera.tar", camera_tar)),
    ],
)
def test_files_that_are_left_out_are_counted_and_all_of_them_can_be_checked(
    tree: Path, source: str, make: Callable[[Path], None]
) -> None:
    make(tree)
    left_out = Counter[str]()
    found = [item.path.partition("/")[2] for item in list_images([source], left_out=left_out)]
    in_hidden_folder = 1 if source in ("camera.zip", "camera.tar") else 0
    assert sorted(found) == sorted([*NAMED, *[".cache/thumb.jpg"] * in_hidden_folder])
    names, *others = left_out_lines(left_out)
    assert names.startswith(
        "6 not named like images (2 .cr3, 1 .download, 1 .mp4, 1 other extensions, 1 without"
    )
    if source == "camera":
        assert sorted(others) == ["1 hidden folders", "1 links to folders", "2 hidden files"]
    else:
        assert others == [f"{3 - in_hidden_folder} hidden files"]

    left_out.clear()
    items = {
        i.path.partition("/")[2]: i for i in list_images([source], Filter(all_files=True), left_out=left_out)
    }
    assert sorted(items) == sorted(SNIFFED)
    assert {name: read(item, 1000) for name, item in items.items()} == {
        name: CAMERA[name] for name in SNIFFED
    }
    assert "5 no images, by their content" in left_out_lines(left_out)


def test_filters_count_what_they_leave_out(tree: Path) -> None:
    for path in (tree / "tree").rglob("*"):
        os.utime(path, (1000, 1000))
    left_out = Counter[str]()
    assert not list(list_images(["tree"], Filter(since=5000), left_out=left_out))
    assert left_out_lines(left_out) == ["5 modified before --since"]
    left_out.clear()
    assert len(list(list_images(["tree"], Filter(include=("*.md",)), left_out=left_out))) == 1
    assert left_out_lines(left_out) == ["4 not matched by --include"]


def make_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in FILES.items():
            archive.writestr(name, content)


def make_tar(path: Path, mode: str = "w") -> None:
    with tarfile.open(path, mode) as archive:
        for name, content in FILES.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def test_archives(tree: Path) -> None:
    make_zip(tree / "p.zip")
    make_tar(tree / "p.tar")
    make_tar(tree / "p.tar.gz", "w:gz")
    for name in ("p.zip", "p.tar", "p.tar.gz"):
        found = listed(name)
        assert found == {f"{name}/a.jpg": b"one", f"{name}/b.PNG": b"two", f"{name}/deep/c.webp": b"three"}


def test_truncated_archive_keeps_the_members_before(tree: Path) -> None:
    make_tar(tree / "p.tar")
    whole = (tree / "p.tar").read_bytes()
    (tree / "p.tar").write_bytes(whole[:1200])  # within the second file's header
    *found, broken = list_images(["p.tar"])
    assert [item.path for item in found] == ["p.tar/a.jpg"]
    assert "breaks off after 1 image" in str(pytest.raises(UnreadableImageError, read, broken, 10).value)
    compressed = gzip.compress(whole)
    (tree / "q.tar.gz").write_bytes(compressed[: len(compressed) // 2])
    assert "breaks off" in (list(list_images(["q.tar.gz"]))[-1].error or "")
    (tree / "q.tar.gz").write_bytes(compressed[:12])
    with pytest.raises(DataError, match=r"q\.tar\.gz: cannot be read"):
        list(list_images(["q.tar.gz"]))


def test_archive_members_are_read_up_to_the_size_limit(tree: Path) -> None:
    with zipfile.ZipFile("bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.jpg", bytes(10**7))
    with tarfile.open("bomb.tar.gz", "w:gz") as archive:
        member = tarfile.TarInfo("a.jpg")
        member.size = 10**7
        archive.addfile(member, io.BytesIO(bytes(10**7)))
    for name in ("bomb.zip", "bomb.tar.gz"):
        (item,) = list_images([name], max_bytes=5000)
        assert item.content is None or len(item.content) == 5001
        with pytest.raises(ImageTooLargeError):
            read(item, 5000)


def test_links_in_an_archive_are_error_items(tree: Path) -> None:
    with tarfile.open("p.tar", "w") as archive:
        for name, kind, target in (
            ("hard.jpg", tarfile.LNKTYPE, "a.jpg"),
            ("symbolic.jpg", tarfile.SYMTYPE, "/etc/passwd"),
        ):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = kind, target
            archive.addfile(link)
    found = [(item.path, item.error) for item in list_images(["p.tar"])]
    assert found == [
        ("p.tar/hard.jpg", "is a link within the archive, to a.jpg"),
        ("p.tar/symbolic.jpg", "is a link within the archive, to /etc/passwd"),
    ]


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_compressed_archives_of_several_streams(tree: Path, pack: Callable[[bytes], bytes]) -> None:
    make_tar(tree / "p.tar")
    whole = (tree / "p.tar").read_bytes()
    (tree / "p.tar").write_bytes(pack(whole[:700]) + pack(whole[700:]))
    assert list(listed("p.tar").values()) == [b"one", b"two", b"three"]


def test_members_of_the_same_name_get_numbers(tree: Path) -> None:
    with zipfile.ZipFile("p.zip", "w") as packed, tarfile.open("p.tar", "w") as archive:
        for content in (b"one", b"two"):
            with warnings.catch_warnings(action="ignore"):
                packed.writestr("a.jpg", content)
            member = tarfile.TarInfo("a.jpg")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    for name in ("p.zip", "p.tar"):
        assert listed(name) == {f"{name}/a.jpg": b"one", f"{name}/a.jpg#2": b"two"}


def test_zip_compression_without_a_size_limit_is_refused(tree: Path) -> None:
    with zipfile.ZipFile("p.zip", "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("a.jpg", bytes(10**8))
    (item,) = list_images(["p.zip"])
    assert "unsupported compression" in (item.error or "")


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz"])
def test_compressed_archives_are_recognized_by_content(tree: Path, mode: str) -> None:
    make_tar(tree / "p.tar", mode)  # the name does not contain the compression
    assert list(listed("p.tar").values()) == [b"one", b"two", b"three"]


@pytest.mark.parametrize("seconds", ["nan", "inf", "1e400", str(2**60 + 1), "-1e30"])
def test_time_outside_of_calendars_is_none(tree: Path, seconds: str) -> None:
    with tarfile.open("p.tar", "w", format=tarfile.PAX_FORMAT) as archive:
        member = tarfile.TarInfo("a.jpg")
        member.pax_headers = {"mtime": seconds}
        archive.addfile(member)
    (item,) = list_images(["p.tar"])
    assert item.modified is None


def test_encrypted_member_is_an_error_item(tree: Path) -> None:
    make_zip(tree / "p.zip")
    content = bytearray((tree / "p.zip").read_bytes())
    content[6] |= 1  # the flag of the first member's header, and of its entry in the directory
    content[content.index(b"PK\x01\x02") + 8] |= 1
    (tree / "p.zip").write_bytes(content)
    first = next(list_images(["p.zip"]))
    with pytest.raises(UnreadableImageError, match="password"):
        read(first, 100)


def test_list_with_invalid_lines_yields_the_others(tree: Path) -> None:
    (tree / "tree" / "list.txt").write_bytes(b"\xef\xbb\xbfa.jpg\r\nb\0d.jpg\r\ndeep/c.webp")
    first, odd, last = list_images(["tree/list.txt"])
    assert (first.path, last.path) == ("tree/a.jpg", "tree/deep/c.webp")
    assert odd.error == "is not a valid path"
    (tree / "tree" / "list.txt").write_bytes(b"a.jpg\n" + b"x" * 10**6)
    first, rest = list_images(["tree/list.txt"])
    assert first.path == "tree/a.jpg"
    assert "a line is longer than any path" in (rest.error or "")


def test_lists(tree: Path) -> None:
    (tree / "tree" / "list.txt").write_text("a.jpg\n\n  deep/c.webp \nnotes.md\nnowhere.jpg\n")
    *found, missing = list_images(["tree/list.txt"])
    assert [read(item, 10) for item in found] == [b"one", b"three", b"x"]
    with pytest.raises(UnreadableImageError, match="no such file"):
        read(missing, 10)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r\n\r\n"])
def test_lists_as_windows_writes_them(tree: Path, encoding: str, end: str) -> None:
    (tree / "tree" / "日本.jpg").write_bytes(b"four")
    names = end.join(["a.jpg", *["deep/c.webp"] * 30_000, "日本.jpg"])
    mark = b"\xfe\xff" if encoding == "utf-16-be" else b""
    (tree / "tree" / "list.txt").write_bytes(mark + names.encode(encoding))
    found = [item.path for item in list_images(["tree/list.txt"])]
    assert (len(found), {*found}) == (30_002, {"tree/a.jpg", "tree/deep/c.webp", "tree/日本.jpg"})


def test_a_line_of_a_list_has_a_limit_in_any_encoding(tree: Path) -> None:
    for content in (b"x" * 10**6, ("x" * 10**6).encode("utf-16")):
        (tree / "long.txt").write_bytes(content)
        with pytest.raises(DataError, match="longer than any path"):
            list(list_images(["long.txt"]))


def write_parquet(to: str, **columns: list[object]) -> None:
    pyarrow.parquet.write_table(pa.table(columns), to)


def test_closed_standard_input_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(DataError, match="standard input is closed; pipe"):
        list(list_images(["-"]))


def test_tables_with_paths_or_bytes(tree: Path) -> None:
    write_parquet("paths.parquet", path=["tree/a.jpg", "tree/notes.md"], label=[0, 1])
    assert listed("paths.parquet") == {"tree/a.jpg": b"one", "tree/notes.md": b"x"}
    write_parquet("bytes.parquet", bytes=[b"1", None, b"2"], file_name=["a.jpg", "a.jpg", None])
    items = list(list_images(["bytes.parquet"]))
    assert [item.path for item in items] == [
        f"bytes.parquet/{name}" for name in ("0/a.jpg", "1/a.jpg", "2/row 2")
    ]
    assert (read(items[0], 10), read(items[2], 10)) == (b"1", b"2")
    with pytest.raises(UnreadableImageError, match="contains no image"):
        read(items[1], 10)
    write_parquet(
        "hub.parquet", image=[{"bytes": b"1", "path": "x.png"}, {"bytes": None, "path": "tree/a.jpg"}]
    )
    assert listed("hub.parquet") == {"hub.parquet/0/x.png": b"1", "tree/a.jpg": b"one"}
    write_parquet("other.parquet", label=[1])
    with pytest.raises(DataError, match=r"other\.parquet: no column of images or paths"):
        list(list_images(["other.parquet"]))


@pytest.fixture
def memory() -> Iterator[str]:
    system = fsspec.filesystem("memory")
    for name, content in FILES.items():
        system.pipe(f"/bucket/{name}", content)
    yield "memory://bucket"
    system.rm("/bucket", recursive=True)


def test_fsspec_urls(memory: str) -> None:
    names = {"a.jpg": b"one", "b.PNG": b"two", "deep/c.webp": b"three"}
    assert listed(memory) == {f"memory:///bucket/{name}": content for name, content in names.items()}
    assert list(listed(f"{memory}/*.jpg")) == ["memory:///bucket/a.jpg"]
    assert listed(f"{memory}/notes.md") == {"memory://bucket/notes.md": b"x"}
    with pytest.raises(DataError, match="no file found|cannot be listed"):
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
    """Sends a response in chunks, without its length."""

    protocol_version = "HTTP/1.1"
    CONTENT = bytes(range(256)) * 1000

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for start in range(0, len(self.CONTENT), 40_000):
            chunk = self.CONTENT[start : start + 40_000]
            self.wfile.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")


def test_chunked_response_is_read_completely() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Chunked) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/a.jpg"
        assert read(Item(url, url), 10**6) == Chunked.CONTENT
        with pytest.raises(ImageTooLargeError):
            read(Item(url, url), 100_000)
        server.shutdown()


def test_read_loops_over_short_reads() -> None:
    class Slow(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(min(size or 0, 7))

    assert read_up_to(Slow(bytes(100)), 1000) == bytes(100)
    assert read_up_to(Slow(bytes(100)), 50) == bytes(50)


def test_size_limit_is_that_of_images() -> None:
    assert ImageLimits().max_bytes == MAX_BYTES


def test_query_of_a_signed_url_is_no_pattern(tree: Path, web: str) -> None:
    url = f"{web}/tree/a.jpg?Signature=a*b[c]"
    assert listed(url) == {url: b"one"}
    make_tar(tree / "p.tar")
    url = f"{web}/p.tar?Signature=abc"
    assert list(listed(url)) == [f"{url}/{name}" for name in ("a.jpg", "b.PNG", "deep/c.webp")]


def test_images_on_the_web(tree: Path, web: str) -> None:
    make_zip(tree / "p.zip")
    assert listed(f"{web}/tree/a.jpg") == {f"{web}/tree/a.jpg": b"one"}
    with pytest.raises(DataError, match="range requests"):  # which this small server does not know
        listed(f"{web}/p.zip")
    (tree / "list.txt").write_text(f"{web}/tree/a.jpg\n{web}/missing.jpg\n")
    found, missing = list_images(["list.txt"])
    assert read(found, 10) == b"one"
    with pytest.raises(UnreadableImageError):
        read(missing, 10)


@pytest.mark.parametrize(
    "source", ["nowhere", "nowhere/*.jpg", "nowhere.zip", "nowhere.txt", "nowhere.parquet"]
)
def test_missing_source_is_named_in_the_error(tree: Path, source: str) -> None:
    with pytest.raises(DataError) as caught:
        list(list_images([source]))
    assert str(caught.value).startswith(f"{source}: ")


def test_names_that_are_not_utf8(tree: Path) -> None:
    name = os.fsdecode(b"tree/bad-\xff.jpg")
    Path(name).write_bytes(b"odd")
    found = listed("tree")
    assert found["tree/bad-\\xff.jpg"] == b"odd"


def test_display_paths_are_unique(tree: Path) -> None:
    (tree / "names").mkdir()
    for name in (b"\xff.jpg", rb"\xff.jpg", rb"\\xff.jpg"):
        Path(os.fsdecode(bytes(tree / "names") + b"/" + name)).write_bytes(name)
    found = listed("names")
    assert sorted(found.values()) == sorted([b"\xff.jpg", rb"\xff.jpg", rb"\\xff.jpg"])


def test_pipe_is_not_read(tree: Path) -> None:
    os.mkfifo("tree/pipe.jpg")
    with pytest.raises(UnreadableImageError, match="not a regular file"):
        read(Item("pipe.jpg", "tree/pipe.jpg"), 10)
