"""Listing in a separate process: a failure there is an error item."""

import bz2
import contextlib
import io
import os
import signal
import subprocess
import sys
import tarfile
import threading
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.parquet
import pytest

from tests.scan.sample_folders import blocked_reader
from veraface.errors import DataError
from veraface.scan.item import Filter, Item
from veraface.scan.listing import Listing
from veraface.scan.sources import list_images


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p").mkdir()
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / "p" / name).write_bytes(name.encode())
    return tmp_path


def listed(*sources: str, filters: Filter | None = None) -> list[Item]:
    with Listing(sources, filters or Filter()) as listing:
        return list(listing)


def test_same_items_as_listing_in_this_process(folder: Path) -> None:
    with zipfile.ZipFile("z.zip", "w") as archive:
        archive.writestr("deep/c.jpg", b"three")
    (folder / os.fsdecode(b"p/\xff.jpg")).write_bytes(b"four")
    (folder / "p" / "clip.mp4").write_bytes(b"five")
    sources = ("p", "z.zip", "p/a.jpg")
    for filters in (
        Filter(),
        Filter(include=("*c.jpg",)),
        Filter(limit=2),
        Filter(since=1e12),
        Filter(all_files=True),
    ):
        left_out = Counter[str]()
        expected = list(list_images(sources, filters, left_out=left_out))
        with Listing(sources, filters) as listing:
            assert list(listing) == expected
            if filters.limit is None:
                assert listing.left_out == left_out


def test_missing_source_is_an_error_before_any_work(folder: Path) -> None:
    with pytest.raises(DataError, match="q: no such file or folder"):
        Listing(["p", "q"], Filter())
    with pytest.raises(DataError, match="not a valid path"):
        Listing(["p", "a\0b"], Filter())


def test_bad_source_is_fatal_only_if_it_is_the_only_one(folder: Path) -> None:
    name = os.fsdecode(b"bad\xff.zip")
    Path(name).write_bytes(b"no archive")
    with pytest.raises(DataError, match="cannot be read"):
        listed(name)
    for sources in ((name, "p/b.jpg"), ("p/a.jpg", name, "p/b.jpg")):
        *_, bad, last = listed(*sources)
        assert (bad.path, last.path) == (r"bad\xff.zip", "p/b.jpg")
        assert "cannot be read" in (bad.error or "")


def test_modules_in_the_current_folder_are_not_imported(folder: Path) -> None:
    Path("fnmatch.py").write_text("open('ran', 'w')")
    assert len(listed("p")) == 2
    assert not Path("ran").exists()


def test_leaving_the_block_from_another_thread_ends_the_listing(folder: Path) -> None:
    """And starts no process for the next source."""
    os.mkfifo("list.txt")
    listing = Listing(["p/a.jpg", "list.txt", "p/b.jpg"], Filter())
    found: list[Item] = []
    thread = threading.Thread(target=lambda: found.extend(listing))
    thread.start()
    with blocked_reader(folder / "list.txt"):
        listing.__exit__(None, None, None)
    thread.join(300)
    assert not thread.is_alive()
    assert [item.path for item in found] == ["p/a.jpg"]
    assert listing_processes() == []


def test_listing_process_exits_if_its_parent_is_killed(folder: Path) -> None:
    code = (
        "from veraface.scan.item import Filter; from veraface.scan.listing import Listing\n"
        "import os, signal\n"
        "items = iter(Listing(['-'], Filter())); print(next(items).path, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("p/a.jpg\n" * 5000)  # and more would come: it is not closed
    process.stdin.flush()
    assert process.stdout.readline() == "p/a.jpg\n"
    assert process.wait(300) == -signal.SIGKILL
    _, alive = psutil.wait_procs(listing_processes(), timeout=300)
    assert alive == []


def listing_processes() -> list[psutil.Process]:
    """Return the listing processes of the current folder."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if "veraface.scan.listing" in process.cmdline() and process.cwd() == os.getcwd():
                found.append(process)
    return found


def test_large_row_groups_fit_into_memory(folder: Path) -> None:
    """pandas writes all rows into one group by default."""
    images = [os.urandom(500_000) for _ in range(400)]
    pyarrow.parquet.write_table(pa.table({"bytes": images}), "t.parquet", row_group_size=400)
    with Listing(["t.parquet"], Filter()) as listing:
        assert sum(item.content is not None for item in listing) == 400


def long_name() -> bytes:
    """Return a compressed tar archive with a name of 6 GiB, truncated after 128 MiB."""
    header = tarfile.TarInfo("././@LongLink")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 6 * 2**30
    packer = bz2.BZ2Compressor(9)
    packed = packer.compress(header.tobuf(tarfile.GNU_FORMAT))
    packed += b"".join(packer.compress(bytes(2**24)) for _ in range(8))
    return packed + packer.flush()


def one_value_for_many() -> bytes:
    """Return a table whose 4,000 rows share one image of 40 MiB."""
    column = pa.DictionaryArray.from_arrays(pa.array([0] * 4000, pa.int32()), [bytes(40 * 2**20)])
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(pa.table({"bytes": column}), buffer, compression="zstd")
    return buffer.getvalue()


def largest(items: Iterator[Item], process: psutil.Process) -> int:
    """Return the peak memory of the listing process, MiB, over the first items."""
    most = 0
    for number, _ in enumerate(items):
        most = max(most, process.memory_info().rss >> 20)
        if number == 20:
            break
    return most


@pytest.mark.parametrize(("name", "make"), [("long.tar.bz2", long_name), ("one.parquet", one_value_for_many)])
def test_archive_bombs_take_little_memory(name: str, make: object) -> None:
    Path(name).write_bytes(make())  # type: ignore[operator]
    before = psutil.Process().memory_info().rss
    with Listing(["p/a.jpg", name], Filter()) as listing:
        items = iter(listing)
        next(items)
        assert listing._process is not None
        assert largest(items, psutil.Process(listing._process.pid)) < 700
    assert psutil.Process().memory_info().rss - before < 300 * 2**20


def test_crash_in_one_source_keeps_the_others(folder: Path) -> None:
    os.mkfifo("list.txt")  # reading it blocks
    with Listing(["p/a.jpg", "list.txt", "p/b.jpg"], Filter()) as listing:
        items = iter(listing)
        assert next(items).path == "p/a.jpg"
        assert listing._process is not None
        with blocked_reader(folder / "list.txt"):
            listing._process.send_signal(signal.SIGKILL)
            listing._process.wait()
        rest, last = items
    assert rest.path == "list.txt (the rest of it)"
    assert "takes too much memory or crashes" in (rest.error or "")
    assert last.path == "p/b.jpg"


def test_listing_process_is_killed_on_leaving_the_block(folder: Path) -> None:
    os.mkfifo("list.txt")
    with Listing(["p/a.jpg", "list.txt"], Filter()) as listing:
        next(iter(listing))
        assert listing._process is not None
        process = psutil.Process(listing._process.pid)
    assert not process.is_running()
